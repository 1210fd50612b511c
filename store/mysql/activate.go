package mysql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/store"
)

// Activate changes the active build in one transaction, which holds the shards of both, so that no commit is under way. When
// the connection breaks at its end the outcome is unknown: the same call, repeated, does it, or gives ErrRetired once it is done. Then
// the view for SQL is made anew; if that fails, it is tried again when the active build is opened.
func (b *Builds) Activate(ctx context.Context, from, to uint32) error {
	err := b.store.transact(ctx, func(t *session) error { return t.activate(ctx, from, to) })
	if err != nil {
		return fmt.Errorf("activate build %d in place of %d: %w", to, from, err)
	}
	b.store.showActive(ctx)
	return nil
}

// showActive has the view for SQL follow the active build. Nothing rests on it but the view.
func (s *Store) showActive(ctx context.Context) {
	if err := s.config.alone(ctx, func(t *session) error { return t.show(ctx) }); err != nil {
		s.config.Logger.WarnContext(ctx, "the view aggregated_daily_metrics still shows another build", "error", err)
	}
}

func (s *session) activate(ctx context.Context, from, to uint32) error {
	list, err := s.registry(ctx, " FOR UPDATE")
	if err != nil {
		return err
	}
	f := flip{from: s.of(from, false), to: s.of(to, true)}
	for i := range list {
		if list[i].Number == from {
			f.was = list[i]
		}
		if list[i].Number == to {
			f.is = list[i]
		}
	}
	if f.was.State != store.Active {
		return f.from.retired()
	}
	for _, step := range []func(context.Context) error{f.check, f.hold, f.takeLetters, f.turn, f.record} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// flip is one activation, in its transaction.
type flip struct {
	from, to *session
	was, is  registered
	last     int64 // letter of to
}

// check refuses a build that is not there or not whole.
func (f *flip) check(ctx context.Context) error {
	switch f.is.Number {
	case 0:
		return noBuild(f.to.build)
	case f.was.Number:
		return errors.New("it is active")
	}
	if err := f.is.usable(); err != nil {
		return err
	}
	for _, s := range []*session{f.from, f.to} {
		version, err := s.schemaVersion(ctx)
		if err == nil {
			err = s.current(version)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hold waits for the commits under way and keeps further ones out, in the order in which they lock: shards, then heads, of
// the older build first.
func (f *flip) hold(ctx context.Context) error {
	at := map[uint32][]store.Position{}
	both := []*session{f.from, f.to}
	if f.to.build < f.from.build {
		both[0], both[1] = f.to, f.from
	}
	for _, s := range both {
		held, err := s.positions(ctx, " ORDER BY shard FOR UPDATE")
		if err != nil {
			return err
		}
		at[s.build] = held
	}
	if err := behind(at[f.from.build], at[f.to.build]); err != nil {
		return err
	}
	for _, s := range both {
		if err := s.hold(ctx); err != nil {
			return err
		}
	}
	return nil
}

// behind compares the positions, where the shards are as many.
func behind(active, next []store.Position) error {
	if len(active) != len(next) {
		return nil
	}
	for i := range active {
		if next[i].Offset < active[i].Offset {
			return &store.BehindError{Shard: active[i].Shard, At: next[i].Offset, Want: active[i].Offset}
		}
	}
	return nil
}

// lettersOfStatement bounds the letters that one statement copies.
const lettersOfStatement = 4096

// takeLetters copies the letters that no commit brought, on the server, and notes how far those of to reach then.
func (f *flip) takeLetters(ctx context.Context) error {
	const add = "INSERT INTO ~letters (at, source, reason, detail, raw) SELECT at, source, reason, detail, raw FROM "
	theirs := f.from.in("~letters")
	after := int64(0)
	if f.is.Activated > 0 {
		after = f.was.letters
	}
	for {
		var last int64
		if _, err := f.to.one(ctx, []any{&last}, "SELECT COALESCE(MAX(number), 0) FROM (SELECT number FROM "+theirs+
			" WHERE number > ? ORDER BY number LIMIT ?) AS next_ones", after, lettersOfStatement); err != nil {
			return err
		}
		if last == 0 {
			break
		}
		if _, err := f.to.exec(ctx, add+theirs+" WHERE number > ? AND number <= ? AND reason NOT IN (?, ?) ORDER BY number",
			after, last, []byte(store.ReasonLate), []byte(store.ReasonForeign)); err != nil {
			return err
		}
		after = last
	}
	_, err := f.to.one(ctx, []any{&f.last}, "SELECT COALESCE(MAX(number), 0) FROM ~letters")
	return err
}

// turn gives the rows of both the keys of what they are from now on, and raises epochs, revisions, and the version of to
// above that of from.
func (f *flip) turn(ctx context.Context) error {
	var version int64
	if _, err := f.from.one(ctx, []any{&version}, "SELECT version FROM ~head"); err != nil {
		return err
	}
	for _, s := range []*session{f.from, f.to} {
		if _, err := s.exec(ctx, "UPDATE ~shards SET shard = -1 - shard, epoch = epoch + 1"); err != nil {
			return err
		}
		version++
		if _, err := s.exec(ctx, "UPDATE ~head SET build = -build, revision = revision + 1, version = GREATEST(version + 1, ?)", version); err != nil {
			return err
		}
	}
	return nil
}

// record writes the states.
func (f *flip) record(ctx context.Context) error {
	if _, err := f.from.exec(ctx, "UPDATE builds SET state = ? WHERE number = ?", string(store.Kept), f.from.build); err != nil {
		return err
	}
	_, err := f.to.exec(ctx, "UPDATE builds SET state = ?, activated = ?, letters = ? WHERE number = ?",
		string(store.Active), time.Now().UnixMilli(), f.last, f.to.build)
	return err
}
