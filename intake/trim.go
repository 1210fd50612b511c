package intake

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"rollcall/store"
)

// Bounds is how much the quarantine keeps; 0 is no bound.
type Bounds struct {
	Letters int64 // the newest; a sixteenth more before the oldest go
	Age     time.Duration
}

// Trimmer deletes the oldest dead letters beyond the bounds, and counts them.
type Trimmer struct {
	bounds  Bounds
	letters Kept
	logger  *slog.Logger
	dropped atomic.Int64

	count, at int64 // there were count letters when at was the newest number
}

// NewTrimmer makes a Trimmer. Several processes may trim one store.
func NewTrimmer(bounds Bounds, letters Kept, logger *slog.Logger) *Trimmer {
	return &Trimmer{bounds: bounds, letters: letters, logger: logger}
}

// Dropped is the number of letters deleted since the start. It may be called at any time.
func (t *Trimmer) Dropped() int64 { return t.dropped.Load() }

// trimPage is how many letters are read or deleted at a time.
const trimPage = 1000

// Trim holds the quarantine to its bounds. Within them it reads two pages.
func (t *Trimmer) Trim(ctx context.Context, now time.Time) error {
	before := t.dropped.Load()
	err := t.trim(ctx, now)
	if n := t.dropped.Load() - before; n > 0 {
		t.logger.Warn("the quarantine was beyond its bounds: the oldest letters are deleted", "letters", n, "most", t.bounds.Letters, "age", t.bounds.Age)
	}
	return err
}

func (t *Trimmer) trim(ctx context.Context, now time.Time) error {
	if t.bounds.Age > 0 {
		oldest := now.Add(-t.bounds.Age).UnixMilli()
		if err := t.drop(ctx, func(l *store.DeadLetter) bool { return l.At < oldest }); err != nil {
			return err
		}
	}
	if t.bounds.Letters == 0 {
		return nil
	}
	newest, err := t.letters.Letters(ctx, store.LetterQuery{Newest: true, Limit: 1, MaxRaw: 1})
	if err != nil || len(newest) == 0 {
		return err
	}
	at := newest[0].Number
	if t.count+at-t.at <= t.bounds.Letters+t.bounds.Letters/16 { // numbers rise by one at least
		return nil
	}
	count, first, err := t.measure(ctx, at)
	if err == nil {
		err = t.drop(ctx, func(l *store.DeadLetter) bool { return l.Number < first })
	}
	if err == nil {
		t.count, t.at = count, at
	}
	return err
}

// measure goes back from a letter over as many as are kept, and gives their count and the number of the oldest.
func (t *Trimmer) measure(ctx context.Context, newest int64) (count, first int64, err error) {
	for first = newest + 1; count < t.bounds.Letters; {
		q := store.LetterQuery{Newest: true, Before: first, Limit: int(min(trimPage, t.bounds.Letters-count)), MaxRaw: 1}
		page, err := t.letters.Letters(ctx, q)
		if err != nil || len(page) == 0 {
			return count, first, err
		}
		count, first = count+int64(len(page)), page[len(page)-1].Number
	}
	return count, first, nil
}

// drop deletes letters from the oldest on, page by page, as long as all of a page are beyond.
func (t *Trimmer) drop(ctx context.Context, beyond func(*store.DeadLetter) bool) error {
	for {
		page, err := t.letters.Letters(ctx, store.LetterQuery{Limit: trimPage, MaxRaw: 1})
		if err != nil {
			return err
		}
		var numbers []int64
		for i := range page {
			if beyond(&page[i]) {
				numbers = append(numbers, page[i].Number)
			}
		}
		if len(numbers) > 0 {
			n, err := t.letters.DeleteLetters(ctx, numbers)
			if err != nil {
				return err
			}
			t.dropped.Add(n)
		}
		if len(numbers) < trimPage {
			return nil
		}
	}
}
