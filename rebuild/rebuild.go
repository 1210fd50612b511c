package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rollcall/aggregate"
	"rollcall/store"
)

// Config says which build to make.
type Config struct {
	Build     store.Build      // its dimensions, shards and settings; with a number: that build, which is there
	Aggregate aggregate.Config // of the same meaning
	Rate      int64            // events/s at most; 0 as fast as it goes
	Fresh     bool             // begin anew, though one with these settings was begun
}

// Deps are the parts a rebuild works with.
type Deps struct {
	Builds    store.Builds
	Open      func(ctx context.Context, b store.Build) (Handle, error) // a handle on a build beside the active one
	Aggregate aggregate.Deps                                           // Log, Shards, Logger, Now, Step; the rest is for the active build
	// Verify proves the new build, before it is activated; nil for no proof.
	Verify func(ctx context.Context, b store.Build, v store.Viewer) error
	// Hold stops commits to the active build for some seconds or until release is called.
	Hold func(ctx context.Context) (release func(), err error)
	// Progress is told what is being done, and asked for the number of events folded; nil for nobody.
	Progress func(phase Phase, b store.Build, events func() int64)
}

// Phase is what a rebuild is at.
type Phase string

// The phases, in their order.
const (
	Folding    Phase = "folding"
	Verifying  Phase = "verifying"
	Activating Phase = "activating"
)

// Steps are what Deps.Aggregate.Step is told of, besides the aggregator's own.
var Steps = [...]string{"rebuild.begun", "rebuild.folded", "rebuild.verified", "rebuild.held", "rebuild.caught_up", "rebuild.activated"}

// holds bounds the attempts to come level with the active build.
const holds = 10

// Run makes the build and activates it, and gives what it was made of and which build was active before. Errors:
// eventlog.ErrTrimmed (wrapped) when the log's beginning is gone, what Verify gives, store.ErrRetired when another rebuild was faster.
func Run(ctx context.Context, cfg Config, deps Deps) (made, before store.Build, err error) {
	if deps.Progress == nil {
		deps.Progress = func(Phase, store.Build, func() int64) {}
	}
	r := &run{cfg: cfg, deps: deps}
	if before, err = active(ctx, deps.Builds); err != nil {
		return made, before, err
	}
	if made, err = r.begin(ctx); err != nil {
		return made, before, err
	}
	if err := r.run(ctx, made, before); err != nil {
		return made, before, fmt.Errorf("rebuild, build %d: %w", made.Number, err)
	}
	return made, before, nil
}

func active(ctx context.Context, builds store.Builds) (store.Build, error) {
	all, err := builds.Builds(ctx)
	if err != nil {
		return store.Build{}, err
	}
	b, ok := store.ActiveBuild(all)
	if !ok {
		return b, errors.New("there is no build yet: import something first")
	}
	return b, nil
}

type run struct {
	cfg  Config
	deps Deps
}

func (r *run) step(i int) {
	if r.deps.Aggregate.Step != nil {
		r.deps.Aggregate.Step(Steps[i])
	}
}

// begin finds the build that was begun for the same, or begins one. What was begun for something else, or is to be begun
// anew, is dropped.
func (r *run) begin(ctx context.Context) (store.Build, error) {
	all, err := r.deps.Builds.Builds(ctx)
	if err != nil {
		return store.Build{}, err
	}
	want := r.cfg.Build
	for _, b := range all {
		switch {
		case want.Number != 0 && b.Number == want.Number:
			return b, nil
		case want.Number == 0 && b.State == store.Building && same(b, want) && !r.cfg.Fresh:
			return b, nil
		case want.Number == 0 && b.State == store.Building:
			if err := r.deps.Builds.Drop(ctx, b.Number); err != nil {
				return b, err
			}
		}
	}
	if want.Number != 0 {
		return want, fmt.Errorf("there is no build %d", want.Number)
	}
	b, err := r.deps.Builds.Begin(ctx, want)
	if err == nil {
		r.step(0)
	}
	return b, err
}

// same tells whether a build is what is wanted; the store may keep more of it.
func same(b, want store.Build) bool {
	for key, text := range want.Settings {
		if b.Settings[key] != text {
			return false
		}
	}
	return slices.Equal(b.Dimensions, want.Dimensions) && b.Shards == want.Shards
}

func (r *run) run(ctx context.Context, b, before store.Build) error {
	r.deps.Aggregate.Log = limited(r.deps.Aggregate.Log, r.cfg.Rate)
	prepared := false
	for attempt := 1; ; attempt++ {
		err := r.work(ctx, b, func(f *folding) error {
			if !prepared {
				if err := r.prepare(ctx, f, b); err != nil {
					return err
				}
				prepared = true
			}
			r.deps.Progress(Activating, b, f.events)
			return f.reach(ctx)
		})
		if err == nil {
			err = r.activate(ctx, before, b)
		}
		var behind *store.BehindError
		if !errors.As(err, &behind) || attempt == holds {
			return err
		}
	}
}

// work folds while do works, and then commits with a snapshot.
func (r *run) work(ctx context.Context, b store.Build, do func(*folding) error) error {
	h, err := r.deps.Open(ctx, b)
	if err != nil {
		return err
	}
	f, err := fold(ctx, r.cfg.Aggregate, r.deps.Aggregate, h)
	if err == nil {
		err = errors.Join(do(f), f.finish())
	}
	return errors.Join(err, h.Close())
}

// prepare brings the build to the end of the log and proves it.
func (r *run) prepare(ctx context.Context, f *folding, b store.Build) error {
	r.deps.Progress(Folding, b, f.events)
	if err := f.reach(ctx); err != nil {
		return err
	}
	r.step(1)
	if r.deps.Verify == nil {
		return nil
	}
	r.deps.Progress(Verifying, b, f.events)
	if err := r.deps.Verify(ctx, b, f.handle); err != nil {
		return err
	}
	r.step(2)
	return f.reach(ctx)
}

// activate holds the active build, comes level with it, and takes its place.
func (r *run) activate(ctx context.Context, from, to store.Build) error {
	release, err := r.deps.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	r.step(3)
	if err := r.work(ctx, to, func(f *folding) error { return f.reach(ctx) }); err != nil {
		return err
	}
	r.step(4)
	if err := r.deps.Builds.Activate(ctx, from.Number, to.Number); err != nil {
		return err
	}
	r.step(5)
	return nil
}
