package sqlsource

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config says what to read and how gently.
type Config struct {
	DSN       string // mysql://user:password@host:port/database, or as go-sql-driver takes it; a secret
	TLSCA     string // file of certificates (PEM) that sign the server's; turns TLS on
	Table     string // name, or database.name
	KeyColumn string // what makes a row unique; empty for the primary key
	Fields    []Field

	Since, Until time.Time      // of the rows to read, half-open; zero for no bound
	Lag          time.Duration  // rows younger than this are left for the next time
	Location     *time.Location // of DATETIME and DATE
	Report       *time.Location // in which the receiver takes times without a zone

	Rate             int           // rows a second; 0 for no limit
	PageRows         int           // most rows a statement
	StatementTimeout time.Duration // kept by the server
	MaxRunning       int           // no reading while the server runs more statements than that; 0 for any
}

// Field is one value of an event. "time" is the one to walk by.
type Field struct {
	Name     string   // of a field or dimension
	Input    string   // the name the receiver's decoder reads
	Columns  []string // the first of them that the table has is read
	Required bool     // it is an error when it has none
}

// Deps is what a Source works with.
type Deps struct {
	Logger *slog.Logger
}

// Limits of a page.
const (
	maxPageRows  = 100_000
	maxPageBytes = 8 << 20
	minPageRows  = 100 // a statement that times out is not asked for fewer
)

func (c *Config) check() error {
	switch {
	case c.Table == "":
		return errors.New("no table is named")
	case c.PageRows < 1 || c.PageRows > maxPageRows:
		return fmt.Errorf("%d rows a query: want 1 to %d", c.PageRows, maxPageRows)
	case c.Rate < 0:
		return fmt.Errorf("%d rows a second: want 1 or more, or 0 for no limit", c.Rate)
	case c.Lag < 0:
		return fmt.Errorf("a lag of %s: want 0 or more", c.Lag)
	case c.StatementTimeout < 0:
		return fmt.Errorf("a statement timeout of %s: want 0 or more", c.StatementTimeout)
	case !c.Until.IsZero() && !c.Since.Before(c.Until):
		return errors.New("the rows to read end before they begin")
	}
	return nil
}

// pageRows is how many rows a page asks for: about a quarter of a second's worth, so that the load is even.
func (c *Config) pageRows() int {
	if c.Rate == 0 {
		return c.PageRows
	}
	return min(c.PageRows, max(c.Rate/4, 1))
}
