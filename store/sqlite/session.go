package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"modernc.org/sqlite"
)

// errClosed tells that the store is closed.
var errClosed = errors.New("the store is closed")

// connect makes a pool of connections with cacheKB of pages each. Options are those of the driver and of SQLite's URIs.
func connect(path string, cacheKB int, options url.Values) (*sql.DB, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if !options.Has("_busy_timeout") {
		options.Set("_busy_timeout", fmt.Sprint(busyTimeout))
	}
	options.Add("_pragma", fmt.Sprintf("cache_size(-%d)", cacheKB))
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(full), RawQuery: options.Encode()}
	connector, err := sqlite.NewConnector(uri.String())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// session is one connection and its prepared statements. One goroutine uses it at a time.
type session struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

func newSession(ctx context.Context, db *sql.DB, settings ...string) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	for _, setting := range settings {
		if _, err := conn.ExecContext(ctx, setting); err != nil {
			return nil, errors.Join(fmt.Errorf("connect: %w", err), conn.Close())
		}
	}
	return &session{conn, map[string]*sql.Stmt{}}, nil
}

func (s *session) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if p := s.statements[query]; p != nil {
		return p, nil
	}
	p, err := s.conn.PrepareContext(ctx, query)
	if err == nil {
		s.statements[query] = p
	}
	return p, err
}

// exec runs a statement, which is prepared once.
func (s *session) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	p, err := s.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return p.ExecContext(ctx, args...)
}

// each runs a query, which is prepared once, and calls row on each row.
func (s *session) each(ctx context.Context, row func(scan func(...any) error) error, query string, args ...any) error {
	p, err := s.prepared(ctx, query)
	if err != nil {
		return err
	}
	rows, err := p.QueryContext(ctx, args...)
	if err != nil {
		return err
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

// values is a statement that takes many rows: head, then a group of parameters for each row, then tail. Rows are sent by
// the batch, since a call costs as much as several rows.
type values struct{ head, group, tail string }

func (v *values) text(n int) string {
	return v.head + strings.Repeat(v.group+", ", n-1) + v.group + v.tail
}

const batchRows = 32

// execValues sends n rows; row appends the arguments of row i to args.
func (s *session) execValues(ctx context.Context, v *values, n int, row func(args []any, i int) []any) error {
	var args []any
	for i := 0; i < n; {
		size := batchRows
		if n-i < batchRows {
			size = 1 // two statements in all, whatever n is
		}
		args = args[:0]
		for end := i + size; i < end; i++ {
			args = row(args, i)
		}
		if _, err := s.exec(ctx, v.text(size), args...); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) closeStatements() error {
	var errs []error
	for _, p := range s.statements {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

func (s *session) close() error { return errors.Join(s.closeStatements(), s.conn.Close()) }

// pool is a bounded number of reading sessions.
type pool struct {
	db    *sql.DB
	inUse chan struct{} // one for each session in use
	mu    sync.Mutex
	idle  []*session // the last one used is the next one
	shut  bool
}

func newPool(path string, n, cacheKB int) (*pool, error) {
	db, err := connect(path, cacheKB, url.Values{"mode": {"ro"}})
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(n)
	return &pool{db: db, inUse: make(chan struct{}, n)}, nil
}

// take waits until a session is free. It is given back or dropped.
func (p *pool) take(ctx context.Context) (*session, error) {
	select {
	case p.inUse <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%d readers are at work: %w", cap(p.inUse), ctx.Err())
	}
	s, err := p.free(ctx)
	if err != nil {
		<-p.inUse
	}
	return s, err
}

func (p *pool) free(ctx context.Context) (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return s, nil
	}
	return newSession(ctx, p.db)
}

func (p *pool) give(s *session) error {
	defer func() { <-p.inUse }()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return s.close()
	}
	p.idle = append(p.idle, s)
	return nil
}

func (p *pool) drop(s *session) error {
	defer func() { <-p.inUse }()
	return s.close()
}

// with runs f in a session of the pool.
func (p *pool) with(ctx context.Context, f func(*session) error) error {
	s, err := p.take(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(s), p.give(s))
}

// close closes the sessions that are free; the others are closed when they are given back.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	var errs []error
	for _, s := range p.idle {
		errs = append(errs, s.close())
	}
	p.idle = nil
	return errors.Join(append(errs, p.db.Close())...)
}
