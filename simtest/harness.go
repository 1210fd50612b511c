package simtest

import (
	"fmt"

	"pgregory.net/rapid"
)

// Harness is an implementation under test: a log, what folds it, a store and queries. Its clock stands at World.Now, or where
// a question has it, and it expires no cells.
type Harness interface {
	// Append puts events, with the times they were received, into the log, durably.
	Append(events []Logged) error
	// Restart stops gracefully and starts again.
	Restart() error
	// Crash loses everything that is not durable, and starts again.
	Crash() error
	Answers
	// Close ends it.
	Close() error
}

// Answers are over everything appended.
type Answers interface {
	Query(q Query) ([]Row, error)
	// Retention gives rows as CohortRows does.
	Retention(q Cohorts) ([]Row, error)
}

const (
	batchEvents  = 20
	finalQueries = 20
)

// Check runs a random world through a harness.
func Check(t *rapid.T, limits bool, open func(w World) (Harness, error)) {
	d := Rapid(t)
	w := RandomWorld(d, limits)
	h, err := open(w)
	if err != nil {
		t.Fatal(err)
	}
	err = Run(d, w, h)
	if closed := h.Close(); err == nil {
		err = closed
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, w)
	}
}

// Run appends the events of a world in batches, restarting and crashing between them, compares a query now and then
// and many at the end. The error tells the first difference.
func Run(d Dice, w World, h Harness) error {
	for start := 0; start < len(w.Events); {
		end := min(start+1+d.Intn(batchEvents), len(w.Events))
		if err := h.Append(w.Events[start:end]); err != nil {
			return fmt.Errorf("append [%d,%d): %w", start, end, err)
		}
		if err := disturb(d, h); err != nil {
			return fmt.Errorf("after event %d: %w", end, err)
		}
		if start = end; once(d, 3) {
			if err := compare(d, &w, end, 1, h); err != nil {
				return err
			}
		}
	}
	return compare(d, &w, len(w.Events), finalQueries, h)
}

func disturb(d Dice, h Harness) error {
	switch d.Intn(6) {
	case 4:
		return h.Restart()
	case 5:
		return h.Crash()
	}
	return nil
}

// compare asks both sides about the first n events.
func compare(d Dice, w *World, n, queries int, h Harness) error {
	o := NewOracle(w.Config, w.Events[:n])
	for range queries {
		q := RandomQuery(d, w, o)
		got, err := h.Query(q)
		if err != nil {
			return fmt.Errorf("after %d events: query %s: %w", n, q.Text(w.Config.Location), err)
		}
		if err := Diff(o.Answer(q), got); err != nil {
			return fmt.Errorf("after %d events: query %s:\n%w", n, q.Text(w.Config.Location), err)
		}
		if err := compareRetention(d, w, o, h); err != nil {
			return fmt.Errorf("after %d events: %w", n, err)
		}
	}
	return nil
}

func compareRetention(d Dice, w *World, o *Oracle, h Harness) error {
	q := RandomCohorts(d, w)
	got, err := h.Retention(q)
	if err == nil {
		err = Diff(o.Retention(q), got)
	}
	if err != nil {
		return fmt.Errorf("retention %s at %s:\n%w", q.Text(w.Config.Location), w.at(q.Now), err)
	}
	return nil
}
