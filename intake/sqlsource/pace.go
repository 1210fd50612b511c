package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"
)

// pace decides how long to rest between pages, so that no more than rate rows a second are read, and less while
// statements take longer than usual.
type pace struct {
	rate    int
	now     func() time.Time
	start   time.Time     // of the page before
	rows    int           // in it
	busy    time.Duration // that the server worked for it
	usual   float64       // ns a row, a moving average
	slower  float64       // by how much to stretch the time between pages: 1 to maxSlower
	checked time.Time     // when the server's load was looked at
}

const (
	maxSlower  = 32
	checkEvery = time.Second
	// A statement is slow when it takes this many times as long as usual; below slack it never is.
	slowBy = 2
	slack  = 20 * time.Millisecond
)

func newPace(rate int) *pace { return &pace{rate: rate, now: time.Now, slower: 1} }

// spent tells of a page.
func (p *pace) spent(rows int, busy time.Duration) {
	p.start, p.rows, p.busy = p.now().Add(-busy), rows, busy
	if rows == 0 {
		return
	}
	perRow := float64(busy) / float64(rows)
	if p.usual == 0 {
		p.usual = perRow
	}
	if busy > slack && perRow > slowBy*p.usual {
		p.slower = min(p.slower*2, maxSlower)
		p.usual += (perRow - p.usual) * 0.02 // what stays slow becomes usual, in time
		return
	}
	p.slower = max(p.slower*0.8, 1)
	p.usual += (perRow - p.usual) * 0.1
}

// rest is how long to wait before the next page.
func (p *pace) rest() time.Duration {
	if p.rows == 0 {
		return 0
	}
	turn := p.busy
	if p.rate > 0 {
		turn = max(turn, time.Duration(float64(p.rows)/float64(p.rate)*float64(time.Second)))
	}
	return max(time.Duration(float64(turn)*p.slower)-p.now().Sub(p.start), 0)
}

// idle waits as long as the pace demands, and then for as long as the server runs too much.
func (s *Source) idle(ctx context.Context) error {
	if err := sleep(ctx, s.pace.rest()); err != nil {
		return err
	}
	told := false
	for s.cfg.MaxRunning > 0 && s.pace.now().Sub(s.pace.checked) >= checkEvery {
		running, err := s.running(ctx)
		if err != nil {
			return err
		}
		s.pace.checked = s.pace.now()
		if running <= s.cfg.MaxRunning {
			break
		}
		if !told {
			told = true
			s.deps.Logger.Warn("the database is busy: waiting", "threads_running", running, "limit", s.cfg.MaxRunning)
		}
		if err := sleep(ctx, checkEvery); err != nil {
			return err
		}
	}
	return nil
}

// running is how many statements the server runs now, or 0 where it does not tell.
func (s *Source) running(ctx context.Context) (n int, err error) {
	var name, value string
	err = s.retry(ctx, func() error {
		return s.db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Threads_running'").Scan(&name, &value)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil {
		n, err = strconv.Atoi(value)
	}
	return n, err
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
