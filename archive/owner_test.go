package archive_test

import (
	"context"
	"fmt"
	"testing"

	"rollcall/archive"
	"rollcall/archive/s3/s3test"
	"rollcall/eventlog"
)

// idle is an owner that does nothing, and tells when it has its shards.
type idle struct{ taken chan struct{} }

func (i idle) Take([]int)                     { close(i.taken) }
func (i idle) Release(context.Context, []int) {}
func (i idle) Lose([]int)                     {}

// openOwner opens an archive of a process that owns all shards, as far as it knows, and for good.
func (b *bench) openOwner() *archive.Archive {
	b.t.Helper()
	a, err := b.open(b.keyed)
	check(b.t, err)
	i := idle{make(chan struct{})}
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(context.WithoutCancel(b.t.Context()))
	go func() { ended <- a.Following(eventlog.Sole{Shards: shards}).Own(ctx, i) }()
	b.t.Cleanup(func() { stop(); check(b.t, <-ended) })
	<-i.taken
	return a
}

// An owner that is frozen at any step, while another takes its shards over, writes and merges, changes nothing when it goes
// on: each row is there once.
func TestFrozenOwner(t *testing.T) {
	s := s3test.Start(t)
	for _, step := range archive.Steps {
		for nth := 1; nth <= 2; nth++ {
			t.Run(fmt.Sprint(step, nth), func(t *testing.T) {
				t.Parallel()
				b := newBenchOverS3(t, archive.Config{}, s)
				b.fence = b.place.(archive.Fence)
				b.run()
				b.post(start, 50)
				check(t, b.openOwner().Work(t.Context()))
				b.post(start+hour/2, 50)
				other, n, frozen := b.openOwner(), nth, false
				b.step = func(name string) {
					if name != step || frozen {
						return
					}
					if n--; n == 0 {
						frozen = true
						check(t, other.Work(t.Context()))
						b.post(start+hour/3, 50)
						check(t, other.Work(t.Context()))
					}
				}
				first := b.openOwner()
				err := first.Work(t.Context())
				if !frozen {
					t.Fatal("the step was not reached")
				}
				t.Logf("the frozen owner: %v", err)
				if rows, distinct := b.seen(); rows != distinct || rows != 300 {
					t.Errorf("%d rows, %d of them distinct", rows, distinct)
				}
				err = first.Work(t.Context()) // it believes that it owns the shards, and takes them back, one after the other
				for range shards {
					if err != nil {
						err = first.Work(t.Context())
					}
				}
				check(t, err)
				check(t, first.Prove(t.Context()))
				if rows, distinct := b.seen(); rows != distinct || rows != 300 {
					t.Errorf("at the end: %d rows, %d of them distinct", rows, distinct)
				}
				b.verified(b.reader(), "")
			})
		}
	}
}
