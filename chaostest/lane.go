//go:build unix

package chaostest

import (
	"context"
	"fmt"
	"math/rand"
	"time"
)

// Fault is something that goes wrong and is put right again.
type Fault struct {
	Name   string // its line of the table
	Detail string // to whom, how long
	Strike func(ctx context.Context) error
}

// Lane deals its faults one after the other.
type Lane struct {
	Name  string
	Seed  int64
	Pause time.Duration // at most, between two faults
	// Deck draws one fault of each kind. What they do is settled here, so that it follows from the seed.
	Deck func(d *rand.Rand) []Fault
}

// Run deals whole decks until enough is closed, the first one in any case. A fault that can't be put right is an error.
func (l *Lane) Run(ctx context.Context, ledger *Ledger, enough <-chan struct{}, log func(string, ...any)) error {
	d := rand.New(rand.NewSource(l.Seed))
	for deck := 0; ; deck++ {
		faults := l.Deck(d)
		d.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		pauses := make([]time.Duration, len(faults))
		for i := range pauses {
			pauses[i] = upTo(d, l.Pause)
		}
		for i, fault := range faults {
			if deck > 0 && closed(enough) {
				return nil
			}
			if err := l.strike(ctx, ledger, &fault, log); err != nil {
				return err
			}
			hold(ctx, pauses[i])
		}
	}
}

func (l *Lane) strike(ctx context.Context, ledger *Ledger, fault *Fault, log func(string, ...any)) error {
	begin, end := time.Now(), ledger.Begin(fault.Name)
	defer end()
	if err := fault.Strike(ctx); err != nil {
		return fmt.Errorf("%s, %s: %w", fault.Name, fault.Detail, err)
	}
	log("%-8s %s, %s: over after %v", l.Name, fault.Name, fault.Detail, time.Since(begin).Round(time.Millisecond))
	return ctx.Err()
}

// hold lets a fault or the calm after it last; the duration is what is tested.
func hold(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// upTo draws a duration below most, in ms.
func upTo(d *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(d.Int63n(max(1, most.Milliseconds()))) * time.Millisecond
}

// between draws a duration.
func between(d *rand.Rand, least, most time.Duration) time.Duration {
	return least + upTo(d, most-least)
}
