package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall/aggregate"
	"rollcall/api"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/rebuild"
	"rollcall/store"
	"rollcall/verify"
)

// remaking is a rebuild or rollback at work on a node.
type remaking struct {
	node     *node
	builds   store.Builds // nil for the node's
	hold     func(ctx context.Context) (release func(), err error)
	reporter eventlog.Reporter           // told what the new build no longer needs; nil for nobody
	show     func(*verify.Report) error  // a proof that found differences
	alone    func(context.Context) error // ends a node that takes events in, for a change of its log; nil for one that takes none
	over     *resharding                 // nil while the log stays
	events   atomic.Pointer[func() int64]
}

// remakeProgress is where it is.
type remakeProgress struct {
	Phase  rebuild.Phase `json:"phase"`
	Build  uint32        `json:"build"`
	Events int64         `json:"events"` // of the log that are in the new build
	Total  int64         `json:"events_total"`
	Left   float64       `json:"seconds_left"` // about; 0 when it is not known
}

func (p remakeProgress) line() string {
	switch p.Phase {
	case rebuild.Verifying:
		return fmt.Sprintf("build %d: verifying", p.Build)
	case rebuild.Activating:
		return fmt.Sprintf("build %d: taking over", p.Build)
	}
	line := fmt.Sprintf("build %d: %s of %s events", p.Build, humanize.Comma(p.Events), humanize.Comma(p.Total))
	if p.Left > 0 {
		line += ", " + time.Duration(p.Left*float64(time.Second)).Round(time.Second).String() + " left"
	}
	return line
}

// tellEvery is the pause between two words of the progress.
const tellEvery = 5 * time.Second

// run makes a build of the wanted configuration, or goes back, and activates it.
func (r *remaking) run(ctx context.Context, want *Config, o api.RebuildRequest, tell func(remakeProgress)) (made, before store.Build, err error) {
	target := *want
	b, err := r.wanted(ctx, &target, &o)
	if err == nil && target.LogShards != r.node.cfg.LogShards {
		err = r.reshard(ctx, &target, &b, o.Rate)
	}
	if err != nil {
		return made, before, err
	}
	if r.over != nil {
		o.Fresh = true // a copy is begun anew, and what was folded of the one before has other offsets
		defer func() { err = errors.Join(err, r.over.end()) }()
	}
	list, stale, err := r.node.erasedFrom(ctx, b.Number)
	if err != nil {
		return made, before, err
	}
	o.Fresh = o.Fresh || stale
	deps, err := r.deps(&target, o, list)
	if err != nil {
		return made, before, err
	}
	stop := r.tell(&deps, tell)
	defer stop()
	calendar, err := calendarOf(&target)
	if err != nil {
		return made, before, err
	}
	folding := aggregateConfig(&target, calendar)
	if !o.Rollback {
		if len(o.Days) == 0 {
			folding.LateHorizon = 0 // what came too late is not too late for a new build
		}
		b.Settings[foldedWith] = folding.LateHorizon.String()
	}
	return rebuild.Run(ctx, rebuild.Config{Build: b, Aggregate: folding, Rate: o.Rate, Fresh: o.Fresh}, deps)
}

// wanted is the build to make, or to go back to, whose settings target has then.
func (r *remaking) wanted(ctx context.Context, target *Config, o *api.RebuildRequest) (b store.Build, err error) {
	if o.Rollback {
		if b, err = lastKept(ctx, r.node.builds); err == nil {
			err = adopt(target, &b)
		}
	} else if err = target.from(o.Since, &r.node.build); err == nil {
		b = r.onSameLog(buildOf(target))
	}
	if err != nil {
		return b, err
	}
	if keys := differing(target, &r.node.build); len(o.Days) > 0 && len(keys) > 0 {
		return b, usageError(fmt.Sprintf("days: a repair keeps the settings of build %d, and %s would change: leave one out", r.node.build.Number, strings.Join(keys, ", ")))
	}
	return b, r.archivable(target)
}

// archivable refuses what the archive can't follow.
func (r *remaking) archivable(target *Config) error {
	c := &r.node.cfg
	switch {
	case c.Archive.Dir == "":
		return nil
	case c.LogShards != target.LogShards:
		return usageError(fmt.Sprintf("the archive in %s is by the %d shards of the log and their offsets: name another place for that of the new log with archive.dir, or leave it out, and start again", c.Archive.Dir, c.LogShards))
	case c.Timezone == target.Timezone && slices.Equal(c.Dimensions, target.Dimensions):
		return nil
	}
	return usageError(fmt.Sprintf("the archive in %s is by the days of %s and has the columns [%s]: name another place for that of the new build with archive.dir, or leave it out, and start again",
		c.Archive.Dir, c.Timezone, strings.Join(c.Dimensions, ", ")))
}

func (r *remaking) deps(target *Config, o api.RebuildRequest, erased *erase.List) (rebuild.Deps, error) {
	n := r.node
	builds := r.builds
	if builds == nil {
		builds = n.builds
	}
	whole, err := n.wholeBut(erased)
	if err != nil {
		return rebuild.Deps{}, err
	}
	if r.over != nil {
		whole = r.over.copy.Log()
	}
	deps := rebuild.Deps{Builds: builds, Open: n.beside, Hold: r.hold,
		Aggregate: aggregate.Deps{Log: whole, Shards: n.cfg.LogShards, Logger: n.logger, Now: time.Now, Reporter: r.reporter, Step: failpoint()}}
	if r.over != nil {
		r.over.into(&deps, target.LogShards)
	}
	if o.Proof == "none" || o.Rollback {
		return deps, nil
	}
	calendar, err := calendarOf(target)
	chosen := proofDays(&o)
	deps.Verify = func(ctx context.Context, _ store.Build, v store.Viewer) error {
		cfg := verificationOf(target, calendar)
		cfg.LateHorizon, cfg.Days, cfg.Limit = 0, chosen, proofLimit // the new build keeps which rows were late
		report, err := verify.Run(ctx, cfg, verify.Deps{Source: verify.Log{Fetcher: whole}, Store: v, Now: time.Now})
		if err != nil {
			return err
		}
		if err := verdict(report); err != nil {
			return errors.Join(fmt.Errorf("%w; the new build was not activated", err), r.show(report))
		}
		return nil
	}
	return deps, err
}

// foldedWith is the setting of a build that tells the late horizon it was folded with: one that was begun with another is not
// gone on with.
const foldedWith = "late_horizon"

// proofDays are the days that a new build is proven by.
func proofDays(o *api.RebuildRequest) verify.Days {
	days, _ := daysOf(o.Days) // they were checked
	switch {
	case o.Proof == "all":
		return verify.Days{All: true}
	case len(days) > 0:
		return verify.Days{Dates: days}
	case o.Proof == "ledger":
		return verify.Days{}
	}
	return verify.Days{Sample: defaultSample, Seed: uint64(time.Now().UnixNano()) % 1_000_000}
}

const proofLimit = 20 // differences that are told

// tell passes the progress on, as it changes and every few seconds, until stop is called.
func (r *remaking) tell(deps *rebuild.Deps, tell func(remakeProgress)) (stop func()) {
	var phase atomic.Pointer[remakeProgress]
	totals, err := r.node.totals(context.Background())
	total := totals.Accepted + totals.Duplicates + totals.Late
	if err != nil {
		total = 0
	}
	began, first := time.Now(), int64(-1)
	word := func() {
		p := phase.Load()
		if p == nil {
			return
		}
		now := *p
		now.Events, now.Total = r.folded(), total
		if first < 0 {
			first = now.Events
		}
		if done := now.Events - first; done > 0 && now.Events < total {
			now.Left = time.Since(began).Seconds() * float64(total-now.Events) / float64(done)
		}
		tell(now)
	}
	words, ended := make(chan struct{}, 1), make(chan struct{})
	deps.Progress = func(p rebuild.Phase, b store.Build, events func() int64) {
		r.events.Store(&events)
		phase.Store(&remakeProgress{Phase: p, Build: b.Number})
		select {
		case words <- struct{}{}:
		default:
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for {
			select {
			case <-words:
			case <-tick.C:
			case <-done:
				return
			}
			word()
		}
	}()
	return func() { close(done); <-ended }
}

// folded is how many events of the log are in the new build.
func (r *remaking) folded() int64 {
	if events := r.events.Load(); events != nil {
		return (*events)()
	}
	return 0
}

// lastKept is the build to go back to: the one that was active last of those kept.
func lastKept(ctx context.Context, builds store.Builds) (store.Build, error) {
	all, err := builds.Builds(ctx)
	if err != nil {
		return store.Build{}, err
	}
	active, _ := store.ActiveBuild(all)
	all = slices.DeleteFunc(all, func(b store.Build) bool { return b.State != store.Kept })
	if len(all) == 0 {
		return store.Build{}, noneKept(active)
	}
	return slices.MaxFunc(all, func(a, b store.Build) int { return int(a.Activated - b.Activated) }), nil
}

// fenceOthers takes the shards of the active build from those that write it, who take them again after some seconds.
func (n *node) fenceOthers(ctx context.Context) (release func(), err error) {
	if n.embedded != nil {
		return func() {}, nil // nobody else has the directory
	}
	for shard := range n.cfg.LogShards {
		if _, err := n.store.Acquire(ctx, shard); err != nil {
			return nil, err
		}
	}
	return func() {}, nil
}
