//go:build unix

package chaostest

import (
	"context"
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

// Journal is told of each fault, and fails the test for one that could not be done or put right.
type Journal interface {
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
}

// Run deals whole decks until enough is closed or ctx ends, the first one in any case.
func (l *Lane) Run(ctx context.Context, ledger *Ledger, enough <-chan struct{}, journal Journal) {
	d := rand.New(rand.NewSource(l.Seed))
	for deck := 0; ; deck++ {
		faults := l.Deck(d)
		d.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		pauses := make([]time.Duration, len(faults))
		for i := range pauses {
			pauses[i] = upTo(d, l.Pause)
		}
		for i, fault := range faults {
			if deck > 0 && closed(enough) || ctx.Err() != nil {
				return
			}
			l.strike(ctx, ledger, &fault, journal)
			hold(ctx, pauses[i])
		}
	}
}

func (l *Lane) strike(ctx context.Context, ledger *Ledger, fault *Fault, journal Journal) {
	begin, end := time.Now(), ledger.Begin(fault.Name)
	defer end()
	if err := fault.Strike(ctx); err != nil {
		journal.Errorf("%-8s %s, %s: %v", l.Name, fault.Name, fault.Detail, err)
		return
	}
	journal.Logf("%-8s %s, %s: over after %v", l.Name, fault.Name, fault.Detail, time.Since(begin).Round(time.Millisecond))
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
