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
	session *session
	turn    chan struct{} // holds a token while no transaction is under way; closed with the store
}

func openWriter(ctx context.Context, path string) (*writer, error) {
	db, err := connect(path, writerCacheKB, url.Values{
		"_auto_vacuum": {"INCREMENTAL"},
		"_pragma": {
			fmt.Sprintf("page_size(%d)", pageSize), "journal_mode(WAL)", "synchronous(FULL)",
			fmt.Sprintf("wal_autocheckpoint(%d)", maxWAL/pageSize), fmt.Sprintf("journal_size_limit(%d)", maxWAL),
		},
	})
	if err != nil {
		return nil, err
	}
	s, err := newSession(ctx, db)
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
			return errors.Join(err, w.renew(within))
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
	return f(context.WithoutCancel(ctx), w.session)
}

// renew takes a new connection in the place of one whose transaction could not be ended: closing the old one ends it.
func (w *writer) renew(ctx context.Context) error {
	_ = w.session.conn.Raw(func(any) error { return driver.ErrBadConn }) // so that the pool drops it
	_ = w.session.close()
	s, err := newSession(ctx, w.db)
	if err != nil {
		return err
	}
	w.session = s
	return nil
}
