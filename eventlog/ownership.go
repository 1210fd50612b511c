package eventlog

import (
	"context"

	"rollcall"
)

// Ownership shares the shards out among the processes that fold them: every shard has one owner, and as a process comes
// or goes the shards move. It makes the work even and quick to move, no more: two processes may for a moment both believe
// that they own a shard, and the fence of the store lets one of them write.
type Ownership interface {
	// Own joins, calls owner as shards come and go, until ctx is done; then it releases all shards and leaves. An error
	// tells why this process can't own any (any more).
	Own(ctx context.Context, owner Owner) error
}

// Owner is told which shards are its own. The calls come one after the other.
type Owner interface {
	// Take begins the work on shards. It returns soon and loads state in the background.
	Take(shards []int)
	// Release ends it: when it returns, what was folded is committed, or ctx is done. Then another owner may begin.
	Release(ctx context.Context, shards []int)
	// Lose ends it for shards that have another owner already: nothing more is written.
	Lose(shards []int)
}

// Progress tells how far the store is with a shard: records before Committed are in the figures, and those before
// Snapshot are needed by nobody who takes the shard over.
type Progress struct {
	Shard               int
	Committed, Snapshot rollcall.Offset
}

// Reporter is told of every commit, after it: a log shows it to its own tools, and lets go of what is no longer needed.
// The store's offset stays the truth: an error is logged and nothing else.
type Reporter interface {
	Report(ctx context.Context, progress []Progress) error
}

// Sole is the ownership of a process that has the log for itself.
type Sole struct{ Shards int }

// Own takes all shards and keeps them until ctx is done.
func (s Sole) Own(ctx context.Context, owner Owner) error {
	all := make([]int, s.Shards)
	for i := range all {
		all[i] = i
	}
	owner.Take(all)
	<-ctx.Done()
	owner.Release(context.WithoutCancel(ctx), all)
	return nil
}
