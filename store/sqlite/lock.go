package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
)

// ErrHeld tells that the store is open for writing, here or in another process.
var ErrHeld = errors.New("the store is open for writing elsewhere")

// lock is an exclusive transaction on an empty file beside the store: a lock of SQLite's own, which goes with the process
// however it dies.
type lock struct {
	db   *sql.DB
	conn *sql.Conn
}

func takeLock(ctx context.Context, path string) (*lock, error) {
	db, err := connect(path+"-lock", 64, url.Values{"_busy_timeout": {"0"}})
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
	}
	if err == nil {
		return &lock{db, conn}, nil
	}
	if conn != nil {
		err = errors.Join(err, conn.Close())
	}
	if code := (*sqlite.Error)(nil); errors.As(err, &code) && code.Code()&0xff == busy {
		err = fmt.Errorf("%w: stop the other process, or send it the request with --server", ErrHeld)
	}
	return nil, errors.Join(err, db.Close())
}

const busy = 5 // SQLITE_BUSY

func (l *lock) release() error { return errors.Join(l.conn.Close(), l.db.Close()) }
