package intake

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"rollcall/store"
)

// Letters keeps dead letters durably, all of a call or none.
type Letters interface {
	Quarantine(ctx context.Context, letters []store.DeadLetter) error
}

const (
	letterRoom   = 4 << 20 // bytes held in memory, beyond which Add waits
	letterWeight = 1 << 10 // bytes a letter counts for at least
	letterBatch  = 1000
	letterPause  = 250 * time.Millisecond // how long a batch gathers, and between tries
	letterTries  = 5                      // of a batch once Close was called
)

// Quarantine gathers dead letters and writes them in batches. Add is safe for concurrent use.
type Quarantine struct {
	keep    Letters
	logger  *slog.Logger
	room    *semaphore.Weighted
	letters chan store.DeadLetter // never full: room lets fewer in
	closing chan struct{}
	done    chan struct{}

	kept, lost atomic.Int64
}

// NewQuarantine starts the writer; Close ends it.
func NewQuarantine(keep Letters, logger *slog.Logger) *Quarantine {
	q := &Quarantine{keep: keep, logger: logger, room: semaphore.NewWeighted(letterRoom),
		letters: make(chan store.DeadLetter, letterRoom/letterWeight), closing: make(chan struct{}), done: make(chan struct{})}
	go q.run()
	return q
}

// Add hands a letter over and copies its bytes. It waits for room until ctx ends; a letter it can't hand over is counted
// as lost and logged.
func (q *Quarantine) Add(ctx context.Context, l store.DeadLetter) {
	if err := q.room.Acquire(ctx, weight(&l)); err != nil {
		q.lose([]store.DeadLetter{l}, err)
		return
	}
	l.Raw = append([]byte(nil), l.Raw...)
	q.letters <- l
}

// Keep writes letters before it returns, and keeps nothing of them. It tries until ctx ends, and then gives its error: some
// of them may be durable.
func (q *Quarantine) Keep(ctx context.Context, letters []store.DeadLetter) error {
	for len(letters) > 0 {
		batch := letters[:min(len(letters), letterBatch)]
		for try := 1; ; try++ {
			err := q.keep.Quarantine(ctx, batch)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("write quarantine: %w", ctx.Err())
			}
			q.logger.Warn("write quarantine", "letters", len(batch), "try", try, "error", err)
			pause(ctx, letterPause)
		}
		q.kept.Add(int64(len(batch)))
		letters = letters[len(batch):]
	}
	return nil
}

// pause waits, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Close writes what is held and ends the writer. No Add may run beside it or follow it.
func (q *Quarantine) Close() {
	close(q.closing)
	close(q.letters)
	<-q.done
}

// Counts tells how many letters are durable and how many could not be kept.
func (q *Quarantine) Counts() (kept, lost int64) { return q.kept.Load(), q.lost.Load() }

func weight(l *store.DeadLetter) int64 {
	return int64(min(max(len(l.Raw)+len(l.Detail)+len(l.Source), letterWeight), letterRoom))
}

func (q *Quarantine) run() {
	defer close(q.done)
	for first := range q.letters {
		batch := q.gather(first)
		q.write(batch)
		for i := range batch {
			q.room.Release(weight(&batch[i]))
		}
	}
}

// gather waits a moment for more letters to share a transaction.
func (q *Quarantine) gather(first store.DeadLetter) []store.DeadLetter {
	batch, pause := []store.DeadLetter{first}, time.NewTimer(letterPause)
	defer pause.Stop()
	for bytes := weight(&first); len(batch) < letterBatch && bytes < letterRoom/2; {
		select {
		case l, ok := <-q.letters:
			if !ok {
				return batch
			}
			batch = append(batch, l)
			bytes += weight(&l)
		case <-pause.C:
			return batch
		}
	}
	return batch
}

// write tries until it succeeds; once the quarantine is closing, a few times.
func (q *Quarantine) write(batch []store.DeadLetter) {
	for try := 1; ; try++ {
		err := q.keep.Quarantine(context.Background(), batch)
		if err == nil {
			q.kept.Add(int64(len(batch)))
			return
		}
		q.logger.Warn("write quarantine", "letters", len(batch), "try", try, "error", err)
		select {
		case <-q.closing:
			if try >= letterTries {
				q.lose(batch, err)
				return
			}
		default:
		}
		time.Sleep(letterPause)
	}
}

func (q *Quarantine) lose(letters []store.DeadLetter, err error) {
	q.lost.Add(int64(len(letters)))
	for _, l := range letters {
		q.logger.Error("dead letter lost", "source", l.Source, "reason", l.Reason, "detail", l.Detail, "error", err)
	}
}
