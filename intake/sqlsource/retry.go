package sqlsource

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	patience = 2 * time.Minute
	maxPause = 10 * time.Second
)

// retry does something that only reads until it works, fails for good, or two minutes have passed.
func (s *Source) retry(ctx context.Context, do func() error) error {
	deadline := s.pace.now().Add(patience)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, maxPause) {
		err := do()
		if err == nil || ctx.Err() != nil || !s.passing(err) || s.pace.now().After(deadline) {
			return err
		}
		s.deps.Logger.Warn("reading from the database failed: trying again", "error", err, "pause", pause)
		if sleep(ctx, pause) != nil {
			return err
		}
	}
}

// Numbers of the server's errors that pass.
const (
	serverShutdown    = 1053
	connectionKilled  = 1927
	tooManyConns      = 1040
	lockWait          = 1205
	deadlock          = 1213
	timeoutOfMySQL    = 3024
	timeoutOfMariaDB  = 1969
	queryInterrupted  = 1317
	tikvServerBusy    = 9003
	tikvServerTimeout = 9002
)

// passing tells whether an error may be gone the next time. A statement that took too long asks for less.
func (s *Source) passing(err error) bool {
	if isError(err, timeoutOfMySQL, timeoutOfMariaDB) {
		if s.limit <= minPageRows {
			return false
		}
		s.limit = max(s.limit/2, minPageRows)
		return true
	}
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) ||
		isError(err, serverShutdown, connectionKilled, tooManyConns, lockWait, deadlock, queryInterrupted, tikvServerBusy, tikvServerTimeout)
}
