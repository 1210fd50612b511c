package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// undoTimeout bounds what is done after a failure or a context that is over.
const undoTimeout = 5 * time.Second

// session is one connection, and the build whose tables its statements name. One goroutine uses it at a time.
type session struct {
	tables
	conn  *sql.Conn
	stats *counters
}

// take waits for a connection of the pool. It is given back with end.
func take(ctx context.Context, db *sql.DB, stats *counters, of tables) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &session{of, conn, stats}, nil
}

// of is the same connection, for the tables of another build.
func (s *session) of(build uint32, beside bool) *session {
	return &session{tablesOf(build, beside), s.conn, s.stats}
}

// end gives the connection back, or closes it when it may hold a transaction or a lock.
func (s *session) end(clean bool) {
	if !clean {
		_ = s.conn.Raw(func(any) error { return sqldriver.ErrBadConn }) // the pool drops it
	}
	_ = s.conn.Close() // it has no error but that it was closed
}

// exec runs a statement in one round trip.
func (s *session) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return s.send(ctx, s.in(query), args...)
}

// send runs a statement whose tables have their names.
func (s *session) send(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s.stats.statements.Add(1)
	result, err := s.conn.ExecContext(ctx, query, args...)
	return result, s.unlessGone(err)
}

// unlessGone tells of a table that is not there as what it means for a handle: its build was dropped since another is active.
func (s *session) unlessGone(err error) error {
	if errorCode(err) == codeNoTable {
		return fmt.Errorf("%w: %w", s.retired(), err)
	}
	return err
}

// each runs a query in one round trip and calls row on each row.
func (s *session) each(ctx context.Context, row func(scan func(...any) error) error, query string, args ...any) error {
	s.stats.statements.Add(1)
	rows, err := s.conn.QueryContext(ctx, s.in(query), args...)
	if err != nil {
		return s.unlessGone(err)
	}
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// one runs a query of at most one row and tells whether there was one.
func (s *session) one(ctx context.Context, to []any, query string, args ...any) (found bool, err error) {
	err = s.each(ctx, func(scan func(...any) error) error {
		found = true
		return scan(to...)
	}, query, args...)
	return found, err
}

// transact runs f in one transaction of the session. When f or the end fails nothing has changed, except that the outcome
// is unknown when the connection breaks during the end.
func (s *session) transact(ctx context.Context, f func() error) (clean bool, err error) {
	if _, err := s.exec(ctx, "START TRANSACTION"); err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	err = f()
	if err == nil {
		if _, err = s.exec(ctx, "COMMIT"); err == nil {
			return true, nil
		}
		err = fmt.Errorf("end transaction: %w", err)
	}
	return s.undo(ctx), err
}

// undo ends the transaction, and tells whether it could.
func (s *session) undo(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	_, err := s.exec(ctx, "ROLLBACK")
	return err == nil
}
