//go:build unix

package chaostest

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"time"
)

// Grace is how long a process may take to end after SIGTERM.
const Grace = 20 * time.Second

// kill ends a process and starts another in its place.
func kill(s *Seat, pause time.Duration) Fault {
	return Fault{"SIGKILL of " + role(s), fmt.Sprintf("%s, back after %v", s.Name, pause), func(ctx context.Context) error {
		s.Kill()
		hold(ctx, pause)
		s.Up()
		return nil
	}}
}

// freeze has a process say nothing for a while.
func freeze(s *Seat, long time.Duration) Fault {
	return Fault{"SIGSTOP of " + role(s), fmt.Sprintf("%s for %v", s.Name, long), func(ctx context.Context) error {
		s.Freeze()
		hold(ctx, long)
		s.Thaw()
		return nil
	}}
}

// roll replaces processes one by one, each when the one before serves.
func roll(name string, seats []*Seat) Fault {
	return Fault{"rolling restart of " + name, fmt.Sprintf("%d processes", len(seats)), func(ctx context.Context) error {
		for _, s := range seats {
			if err := s.Term(Grace); err != nil {
				return err
			}
			s.Up()
			if err := served(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}}
}

// scale has 1, then 4, then 2 of the seats taken, and in the end those that were.
func scale(seats []*Seat, usual int, stay time.Duration) Fault {
	return Fault{"scaling 1, 4, 2", fmt.Sprintf("each for %v", stay), func(ctx context.Context) error {
		for _, n := range []int{1, 4, 2, usual} {
			if err := occupy(seats, n); err != nil {
				return err
			}
			hold(ctx, stay)
		}
		return nil
	}}
}

// occupy fills the first n seats and empties the others.
func occupy(seats []*Seat, n int) error {
	for i, s := range seats {
		if i < n {
			s.Up()
		} else if err := s.Term(Grace); err != nil {
			return err
		}
	}
	return nil
}

// served waits until the process in a seat listens.
func served(ctx context.Context, s *Seat) error {
	for end := time.Now().Add(Grace); s.URL() == ""; hold(ctx, 10*time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("%s does not listen after %v", s.Name, Grace)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// role is the part of a seat's name before its number.
func role(s *Seat) string {
	name, _, _ := strings.Cut(s.Name, "-")
	return name
}

// one draws a seat.
func one(d *rand.Rand, seats []*Seat) *Seat { return seats[d.Intn(len(seats))] }
