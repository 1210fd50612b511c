package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

const (
	maxTries   = 10
	firstPause = 5 * time.Millisecond
	maxPause   = 500 * time.Millisecond
)

// The errors after which the whole transaction has been or can be rolled back, and may succeed when it is repeated.
const (
	codeLockWait = 1205
	codeDeadlock = 1213
)

// retried also has MariaDB's changed record, and TiDB's: write conflict, retryable commit, schema changed, lost lock.
func retried() []uint16 { return []uint16{codeLockWait, codeDeadlock, 1020, 9007, 8002, 8022, 8028} }

func errorCode(err error) uint16 {
	if e := (*driver.MySQLError)(nil); errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// transact runs f in one transaction on a connection of the pool, and again when the server ends it for the sake of others:
// at most maxTries times, and no longer than a statement may take.
func (s *Store) transact(ctx context.Context, f func(t *session) error) error {
	return s.transactIn(ctx, s.own, f)
}

func (s *Store) transactIn(ctx context.Context, db *sql.DB, f func(t *session) error) error {
	t, err := take(ctx, db, s.stats, s.tables)
	if err != nil {
		return err
	}
	clean, err := s.repeat(ctx, t, f)
	t.end(clean)
	return err
}

// repeat runs f in one transaction of the session, which is to be closed unless it is clean.
func (s *Store) repeat(ctx context.Context, t *session, f func(t *session) error) (clean bool, err error) {
	begun, pause := time.Now(), firstPause
	for try := 1; ; try++ {
		clean, err = t.transact(ctx, func() error { return f(t) })
		code := errorCode(err)
		if !slices.Contains(retried(), code) || !clean {
			return clean, err
		}
		s.stats.retries.Add(1)
		if code == codeDeadlock {
			s.stats.deadlocks.Add(1)
		}
		if try == maxTries || time.Since(begun) > s.config.StatementTimeout {
			return clean, fmt.Errorf("given up after %d tries: %w", try, err)
		}
		select {
		case <-ctx.Done():
			return clean, errors.Join(ctx.Err(), err)
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, maxPause)
	}
}

// with runs f on a connection of the owner's, without a transaction.
func (s *Store) with(ctx context.Context, f func(t *session) error) error {
	t, err := take(ctx, s.own, s.stats, s.tables)
	if err != nil {
		return err
	}
	err = f(t)
	t.end(true)
	return err
}
