package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"rollcall/store"
)

// Activate makes another build the active one. While it works, calls of the handles on both wait; views that are open go
// on. What it does to the files comes before the registry says that the build is active, and can be done again.
func (b *Builds) Activate(ctx context.Context, from, to uint32) error {
	if err := b.activate(ctx, from, to); err != nil {
		return fmt.Errorf("activate build %d in place of %d: %w", to, from, err)
	}
	return nil
}

func (b *Builds) activate(ctx context.Context, from, to uint32) error {
	b.flip.Lock()
	defer b.flip.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.registry.clone()
	old, fresh := next.find(from), next.find(to)
	switch {
	case old == nil || old.State != store.Active:
		return store.ErrRetired
	case fresh == nil || fresh == old:
		return fmt.Errorf("there is no build %d beside the active one", to)
	}
	a, doneA, err := b.handle(ctx, *old)
	if err != nil {
		return err
	}
	defer doneA()
	z, doneZ, err := b.handle(ctx, *fresh)
	if err != nil {
		return err
	}
	defer doneZ()
	if old.Log == fresh.Log && old.Shards == fresh.Shards {
		if err := behind(ctx, a, z); err != nil {
			return err
		}
	}
	if err := a.raiseEpochs(ctx); err != nil {
		return err
	}
	b.step("old epochs raised")
	if err := z.follow(ctx, a, *old, *fresh, b.step); err != nil {
		return err
	}
	b.step("followed")
	old.State, fresh.State, fresh.Activated = store.Kept, store.Active, time.Now().UnixMilli()
	next.Builds = slices.DeleteFunc(next.Builds, func(x store.Build) bool { return x.Log != fresh.Log })
	if err := b.save(next); err != nil {
		return err
	}
	a.retired, z.retired = true, true
	return nil
}

// handle gives the handle that is open on a build, or one for the time until done is called.
func (b *Builds) handle(ctx context.Context, build store.Build) (s *Store, done func(), err error) {
	if s := b.open[build.Number]; s != nil {
		return s, func() {}, nil
	}
	if s, err = Open(ctx, b.config(build, nil)); err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close() }, nil
}

// behind tells in which shard z has not come as far as a.
func behind(ctx context.Context, a, z *Store) error {
	want, err := a.positions(ctx)
	if err != nil {
		return err
	}
	at, err := z.positions(ctx)
	if err != nil {
		return err
	}
	for shard := range want {
		if at[shard].Offset < want[shard].Offset {
			return &store.BehindError{Shard: shard, At: at[shard].Offset, Want: want[shard].Offset}
		}
	}
	return nil
}

func (s *Store) positions(ctx context.Context) (all []store.Position, err error) {
	err = s.own.with(ctx, func(t *session) error {
		return t.each(ctx, func(scan func(...any) error) error {
			p, err := scanPosition(scan)
			all = append(all, p)
			return err
		}, selectPositions+" ORDER BY shard")
	})
	return all, err
}

func (s *Store) raiseEpochs(ctx context.Context) error {
	return s.writer.within(ctx, func(ctx context.Context, t *session) error {
		if _, err := t.exec(ctx, "UPDATE shards SET epoch = epoch + 1"); err != nil {
			return err
		}
		return t.revise(ctx)
	})
}

// follow brings what must go over from the store that was active, in one transaction.
func (s *Store) follow(ctx context.Context, from *Store, old, fresh store.Build, step func(string)) error {
	var version int64
	err := from.own.with(ctx, func(t *session) error {
		_, err := t.one(ctx, []any{&version}, "SELECT version FROM head")
		return err
	})
	if err != nil {
		return err
	}
	return s.writer.within(ctx, func(ctx context.Context, t *session) error {
		if _, err := t.exec(ctx, "UPDATE shards SET epoch = epoch + 1"); err != nil {
			return err
		}
		const raise = "UPDATE head SET version = max(version, ?) + 1, revision = revision + 1"
		if _, err := t.exec(ctx, raise, version); err != nil {
			return err
		}
		step("version raised")
		since := int64(0)
		if fresh.Activated > 0 {
			since = old.Activated
		}
		if err := t.takeLetters(ctx, from, since); err != nil {
			return err
		}
		step("letters taken")
		return nil
	})
}

// lettersAtOnce bounds the letters in memory while they go over.
const lettersAtOnce = 1000

// takeLetters copies the letters since a time that no commit brought. What an attempt before copied goes first.
func (s *session) takeLetters(ctx context.Context, from *Store, since int64) error {
	if _, err := s.exec(ctx, "DELETE FROM letters WHERE at >= ? AND reason NOT IN (?, ?)", since, []byte(store.ReasonLate), []byte(store.ReasonForeign)); err != nil {
		return err
	}
	for after := int64(0); ; {
		letters, err := from.Letters(ctx, store.LetterQuery{After: after, Limit: lettersAtOnce})
		if err != nil || len(letters) == 0 {
			return err
		}
		after = letters[len(letters)-1].Number
		var over []store.DeadLetter
		for _, l := range letters {
			if l.At >= since && l.Reason != store.ReasonLate && l.Reason != store.ReasonForeign {
				over = append(over, l)
			}
		}
		if err := s.insertLetters(ctx, over); err != nil {
			return err
		}
	}
}

// enter lets a call of a handle in, unless its build has changed roles. The call ends with leave.
func (s *Store) enter() (leave func(), err error) {
	if s.builds == nil {
		return func() {}, nil
	}
	s.builds.flip.RLock()
	if s.retired {
		s.builds.flip.RUnlock()
		return nil, store.ErrRetired
	}
	return s.builds.flip.RUnlock, nil
}

// syncDir makes the names in a directory durable, where that is a thing to do.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
