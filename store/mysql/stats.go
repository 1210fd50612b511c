package mysql

import "sync/atomic"

// Stats counts what the store has done since it was opened.
type Stats struct {
	Statements int64 // sent, those that begin and end transactions among them
	Rows       int64 // in statements of many rows
	Commits    int64 // of store.Commit that succeeded
	Retries    int64 // transactions that the server ended for the sake of others
	Deadlocks  int64 // of them, those in a deadlock
	Conns      int   // open now
}

type counters struct{ statements, rows, commits, retries, deadlocks atomic.Int64 }

// Stats gives the counts so far.
func (s *Store) Stats() Stats {
	return Stats{
		Statements: s.stats.statements.Load(), Rows: s.stats.rows.Load(), Commits: s.stats.commits.Load(),
		Retries: s.stats.retries.Load(), Deadlocks: s.stats.deadlocks.Load(),
		Conns: s.own.Stats().OpenConnections + s.views.Stats().OpenConnections,
	}
}
