package simtest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/eventlog"
	"rollcall/rebuild"
	"rollcall/simtest"
	"rollcall/store"
	"rollcall/store/sqlite"
	"rollcall/verify"
)

// remade is a pipeline whose figures are made anew now and then.
type remade struct {
	*pipeline
	d      simtest.Dice
	whole  simtest.World // as it is recorded
	flaws  flaws
	builds *sqlite.Builds
	made   map[uint32]*version // by number
	active uint32
	bare   int // events at the beginning that were recorded without dimensions

	rebuilds, cut, returned int
}

func openRemade(t *testing.T, d simtest.Dice, w simtest.World, f flaws) (*remade, error) {
	dir, err := os.MkdirTemp(t.TempDir(), "world")
	if err != nil {
		return nil, err
	}
	r := &remade{d: d, whole: w, flaws: f, made: map[uint32]*version{}}
	r.pipeline = &pipeline{world: w, dir: dir, recorded: w.Config.Dimensions, openStore: r.open, segmentBytes: 1 << 11}
	if d.Intn(3) == 0 {
		r.bare, r.recorded = d.Intn(len(w.Events)+1), []string{}
	}
	first := r.other()
	builds, err := sqlite.OpenBuilds(dir, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	b, err := builds.Begin(context.Background(), buildOf(&first))
	if err != nil {
		return nil, err
	}
	r.made[b.Number] = &version{b, first}
	return r, r.start()
}

// open opens the active build.
func (r *remade) open() (s *sqlite.Store, err error) {
	if r.builds, err = sqlite.OpenBuilds(r.dir, nil, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	all, err := r.builds.Builds(context.Background())
	if err != nil {
		return nil, err
	}
	b, _ := store.ActiveBuild(all)
	r.active, r.world.Config = b.Number, r.made[b.Number].config
	return r.builds.Open(context.Background(), b.Number, false, nil)
}

// close ends the pipeline, whose aggregator may have found out that another build is active.
func (r *remade) close() error {
	err := r.Close()
	if errors.Is(err, store.ErrRetired) || errors.Is(err, store.ErrFenced) {
		return nil
	}
	return err
}

// remake makes a build, or goes back to one, while events arrive, and goes on with the one that is active then.
func (r *remade) remake(arriving []simtest.Logged) error {
	v, before := r.target(), r.active
	ctx, cut := context.WithCancel(context.Background())
	defer cut()
	appended := make(chan error, 1)
	go func() { appended <- r.Append(arriving) }()
	made, _, err := rebuild.Run(ctx, rebuild.Config{Build: v.build, Aggregate: r.foldingOf(v), Rate: int64(r.d.Intn(2)) * 10_000_000, Fresh: r.d.Intn(5) == 0}, r.deps(v, cut))
	if appendErr := <-appended; appendErr != nil {
		return appendErr
	}
	if err != nil && ctx.Err() == nil {
		return err
	}
	if err != nil {
		r.cut++
	}
	if v.build.Number == 0 && made.Number != 0 {
		r.made[made.Number] = &version{made, v.config}
	}
	all, listErr := r.builds.Builds(context.Background())
	if listErr != nil {
		return listErr
	}
	if b, _ := store.ActiveBuild(all); b.Number != before {
		r.rebuilds++
		if v.build.Number == 0 {
			if err := r.activated(r.made[b.Number]); err != nil {
				return err
			}
		}
	}
	if err := r.close(); err != nil {
		return err
	}
	return r.start()
}

// target draws what to make, or to go back to.
func (r *remade) target() *version {
	all, _ := r.builds.Builds(context.Background()) // of what is in memory
	var kept []store.Build
	for _, b := range all {
		if b.State == store.Kept {
			kept = append(kept, b)
		}
		if b.State == store.Building && r.d.Intn(2) == 0 { // go on
			return &version{buildOf(&r.made[b.Number].config), r.made[b.Number].config}
		}
	}
	if len(kept) > 0 && r.d.Intn(3) == 0 {
		b := kept[r.d.Intn(len(kept))]
		return &version{b, r.made[b.Number].config}
	}
	c := r.other()
	return &version{buildOf(&c), c}
}

// foldingOf is how a build is folded beside the active one.
func (r *remade) foldingOf(v *version) aggregate.Config {
	c := v.config
	if v.build.Number == 0 {
		c.LateHorizon = 0
	}
	r.flaws.spoil(&c, r.whole.Config.LateHorizon)
	return r.folding(&c)
}

// activated notes how far a new build had come without regard to lateness.
func (r *remade) activated(v *version) error {
	name := "store.db"
	if v.build.Number > 1 {
		name = fmt.Sprintf("store-%d.db", v.build.Number)
	}
	reader, err := sqlite.OpenReadOnly(context.Background(), filepath.Join(r.dir, name))
	if err != nil {
		return err
	}
	defer reader.Close()
	view, err := reader.View(context.Background())
	if err != nil {
		return err
	}
	v.config.AnyAge = nil
	for _, p := range view.Head().Shards {
		v.config.AnyAge = append(v.config.AnyAge, folded(p))
	}
	return view.Close()
}

// deps are those of a rebuild that is cut off at a step by chance, in two of three.
func (r *remade) deps(v *version, cut func()) rebuild.Deps {
	var passed atomic.Int64
	last := int64(1 + r.d.Intn(60))
	if r.d.Intn(3) == 0 {
		last = -1
	}
	pass := func(string) {
		if passed.Add(1) == last {
			cut()
		}
	}
	hold := r.halt
	if r.d.Intn(2) == 0 {
		hold = r.fence
	}
	return rebuild.Deps{
		Builds: r.builds,
		Open: func(ctx context.Context, b store.Build) (rebuild.Handle, error) {
			s, err := r.builds.Open(ctx, b.Number, true, nil)
			return hourly{s, &r.commits}, err
		},
		Hold: hold,
		Verify: func(_ context.Context, _ store.Build, view store.Viewer) error {
			if v.build.Number != 0 || r.flaws != (flaws{}) {
				return nil // one goes back without a proof; flaws are found by the figures alone
			}
			c := v.config
			c.LateHorizon = 0
			return r.verify(&c, view)
		},
		Aggregate: aggregate.Deps{Log: &spoiledLog{r.log, &r.flaws}, Shards: r.log.Shards(), Logger: slog.New(slog.DiscardHandler), Step: pass},
	}
}

// halt has the live aggregator end, as a pause of what it is given does.
func (r *remade) halt(context.Context) (func(), error) {
	r.owner.stop()
	err := <-r.owner.done
	r.owner.done <- err
	return func() {}, nil
}

// fence takes the shards from the live aggregator, as a rebuild beside other processes does.
func (r *remade) fence(ctx context.Context) (func(), error) {
	for shard := range r.log.Shards() {
		if _, err := r.store.Acquire(ctx, shard); err != nil {
			return nil, err
		}
	}
	return func() {}, nil
}

// spoiledLog gives a rebuild what its flaw makes of the log.
type spoiledLog struct {
	eventlog.Fetcher
	flaws *flaws
}

func (l *spoiledLog) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	records, err := l.Fetcher.Fetch(ctx, shard, from, until, maxBytes, buf)
	return l.flaws.fetch(records), err
}

func (r *remade) verify(c *simtest.Config, view store.Viewer) error {
	report, err := verify.Run(context.Background(), verify.Config{Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: rollcall.NewCalendar(c.Location),
		Gap: c.Gap, Earlier: c.Earlier, Passive: c.Passive, LateHorizon: c.LateHorizon, MinuteRetention: orAlways(c.MinuteRetention), HourRetention: orAlways(c.HourRetention),
		Days: verify.Days{All: true}, Limit: 5, PassEvents: 1000},
		verify.Deps{Source: verify.Log{Fetcher: r.log}, Store: view, Now: func() time.Time { return time.UnixMilli(0) }})
	if err == nil && !report.Equal {
		err = wrong{report}
	}
	return err
}

// verifyAll verifies every build, however lateness was judged in its parts.
func (r *remade) verifyAll() error {
	all, err := r.builds.Builds(context.Background())
	if err != nil {
		return err
	}
	for _, b := range all {
		if err := r.verifyBuild(&b); err != nil {
			return fmt.Errorf("build %d: %w", b.Number, err)
		}
	}
	return nil
}

func (r *remade) verifyBuild(b *store.Build) error {
	var view store.Viewer = r.store
	if b.State != store.Active {
		s, err := r.builds.Open(context.Background(), b.Number, true, nil)
		if err != nil {
			return err
		}
		defer s.Close()
		view = s
	}
	c := r.made[b.Number].config
	return r.verify(&c, view)
}
