package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
)

// writer is the one session that writes.
type writer struct {
	db      *sql.DB
	session *session                         // nil after a transaction that could not be ended
	turn    chan struct{}                    // holds a token while no transaction is under way; closed with the store
	enter   func() (leave func(), err error) // lets a transaction begin
}

// settings of the writing connection. The first two hold only before there is a page, and in this order.
func settings() []string {
	return []string{
		fmt.Sprintf("PRAGMA page_size = %d", pageSize), "PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL", fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", maxWAL/pageSize),
		fmt.Sprintf("PRAGMA journal_size_limit = %d", maxWAL),
	}
}

func openWriter(ctx context.Context, path string) (*writer, error) {
	db, err := connect(path, writerCacheKB, url.Values{})
	if err != nil {
		return nil, err
	}
	s, err := newSession(ctx, db, settings()...)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	w := &writer{db: db, session: s, turn: make(chan struct{}, 1)}
	w.turn <- struct{}{}
	return w, nil
}

// close waits for the transaction under way, and writes the WAL back.
func (w *writer) close() error {
	if _, open := <-w.turn; !open {
		return nil
	}
	close(w.turn)
	if w.session == nil {
		return w.db.Close()
	}
	ctx := context.Background()
	_, err := w.session.exec(ctx, "PRAGMA busy_timeout = 1000") // a reader elsewhere keeps the WAL, which is no harm
	if err == nil {
		_, err = w.session.exec(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return errors.Join(err, w.session.close(), w.db.Close())
}

// transact runs f in one transaction. The context can stop it before it begins and before it commits, not within a
// statement: then, and when f fails, nothing has changed.
func (w *writer) transact(ctx context.Context, f func(ctx context.Context, t *session) error) error {
	leave, err := w.enter()
	if err != nil {
		return err
	}
	defer leave()
	return w.within(ctx, f)
}

// within is transact for those who have entered.
func (w *writer) within(ctx context.Context, f func(ctx context.Context, t *session) error) error {
	return w.alone(ctx, func(within context.Context, t *session) error {
		if _, err := t.exec(within, "BEGIN IMMEDIATE"); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		err := f(within, t)
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			if _, err = t.exec(within, "COMMIT"); err == nil {
				return nil
			}
			err = fmt.Errorf("end transaction: %w", err)
		}
		if _, undo := t.exec(within, "ROLLBACK"); undo != nil {
			return errors.Join(err, w.giveUp())
		}
		return err
	})
}

// alone runs f while no transaction is under way.
func (w *writer) alone(ctx context.Context, f func(ctx context.Context, t *session) error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case _, open := <-w.turn:
		if !open {
			return errClosed
		}
	}
	defer func() { w.turn <- struct{}{} }()
	if w.session == nil {
		s, err := newSession(ctx, w.db, settings()...)
		if err != nil {
			return err
		}
		w.session = s
	}
	return f(context.WithoutCancel(ctx), w.session)
}

// giveUp closes a connection whose transaction could not be ended, which ends it. The next transaction takes a new one.
func (w *writer) giveUp() error {
	s := w.session
	w.session = nil
	err := s.closeStatements()
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool drops it
	return err
}
