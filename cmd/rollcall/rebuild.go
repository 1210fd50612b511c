package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall"
	"rollcall/api"
	"rollcall/eventlog"
	"rollcall/store"
	"rollcall/verify"
)

type rebuildCmd struct {
	Settings
	Rate   int64    `help:"Events a second at most; as fast as it goes by default, and 250,000 beside a server." placeholder:"N" group:"Rebuild"`
	Keep   int      `help:"Builds to keep to go back to, besides the new one." default:"1" group:"Rebuild"`
	Proof  string   `help:"What to verify before the new build takes over: sample (the ledger and three days), all, ledger or none." enum:"sample,all,ledger,none" default:"sample" group:"Rebuild"`
	Days   []string `help:"Repair these days, or ranges of them: nothing else changes, and they are recounted before the new build takes over." placeholder:"2026-11-01,2026-11-03..2026-11-07" group:"Rebuild"`
	Since  string   `help:"First day that a changed session gap, or passive types, hold for: earlier days stay as they are." placeholder:"2026-11-01" group:"Rebuild"`
	Fresh  bool     `help:"Begin anew, though such a rebuild was begun before." group:"Rebuild"`
	Server string   `help:"Ask the server at this address instead." placeholder:"URL" group:"Rebuild"`
	Key    string   `help:"Key for the server." env:"ROLLCALL_KEY" placeholder:"KEY" group:"Rebuild"`
}

func (c *rebuildCmd) Help() string {
	return `Makes all figures anew from the log, beside those that are in use, with the same engine: after a change of dimensions, session_gap,
timezone or passive_types, or after data were repaired. It comes level with what goes on arriving, verifies, and then takes over in
one step; readers see the old figures or the new ones, never a mix. The old ones are kept: rollcall rollback goes back to them.
Events that came too late for the old figures are in the new ones. When it is interrupted, the same command goes on.

A directory that a server holds is rebuilt by that server, which goes on counting and answering. With a log and a store on servers
the command does the work itself, beside the processes that write.

Examples:
  rollcall rebuild --session-gap 1h
  rollcall rebuild --session-gap 1h --since 2026-11-01
  rollcall rebuild --dimensions campaign_id,age_group,device --server http://localhost:8080
  rollcall rebuild --days 2026-11-03
  rollcall rebuild --config production.yaml --rate 300000 --proof all
  rollcall rollback`
}

// checkRemake tells what is wrong with a request.
func checkRemake(o *api.RebuildRequest) error {
	switch {
	case o.Rate < 0:
		return usageError("rate: give events a second, or 0 for as fast as it goes")
	case o.Keep != nil && (*o.Keep < 0 || *o.Keep > 100):
		return usageError("keep: give 0 to 100")
	case !slices.Contains([]string{"", "sample", "all", "ledger", "none"}, o.Proof):
		return usageError(fmt.Sprintf("proof: %q is none of sample, all, ledger, none", o.Proof))
	}
	if _, err := daysOf(o.Days); err != nil {
		return usageError("days: " + err.Error())
	}
	if o.Since != "" {
		if _, err := rollcall.ParseDate(o.Since); err != nil {
			return usageError("since: " + err.Error())
		}
	}
	if len(o.Days) > 0 && o.Since != "" {
		return usageError("since: a repair of days changes no settings: leave one out")
	}
	if o.Since != "" && o.Rollback {
		return usageError("since: a rollback goes back with all days")
	}
	if len(o.Days) > 0 && o.Rollback {
		return usageError("days: a rollback goes back with all of them")
	}
	return nil
}

// daysOf reads days and ranges of them.
func daysOf(texts []string) (days []rollcall.Date, err error) {
	for _, text := range texts {
		if days, err = appendDays(days, text); err != nil {
			return nil, err
		}
	}
	return days, nil
}

// kept is how many builds are kept besides the new one.
func kept(o *api.RebuildRequest) int {
	if o.Keep == nil {
		return 1
	}
	return *o.Keep
}

func (c *rebuildCmd) Run(e *world) error {
	o := api.RebuildRequest{Days: c.Days, Since: c.Since, Rate: c.Rate, Keep: &c.Keep, Proof: c.Proof, Fresh: c.Fresh}
	if err := checkRemake(&o); err != nil {
		return err
	}
	c.anew = true
	if c.Server != "" {
		o.Settings = c.given()
		return remake(e, c.Server, c.Key, o)
	}
	want, err := c.config(e.environ)
	if err != nil {
		return err
	}
	err = remakeHere(e, want, o)
	if at := serverOf(want.Data); errors.Is(err, eventlog.ErrLocked) && at != "" {
		o.Settings = c.given()
		return remake(e, at, c.Key, o)
	}
	return err
}

// given are the lasting settings of the command line and its file.
func (c *rebuildCmd) given() map[string]string {
	layers, _ := c.layers(nil)
	configured := defaults()
	given := map[string]string{}
	for _, l := range layers {
		apply(&configured, []layer{l})
		for _, s := range settings(&configured) {
			if s.lasting && l.Exists(s.key) {
				given[s.key] = asText(s.value.plain())
			}
		}
	}
	return given
}

type rollbackCmd struct {
	Settings
	Rate   int64  `help:"Events a second at most while the old build catches up." placeholder:"N" group:"Rollback"`
	Server string `help:"Ask the server at this address instead." placeholder:"URL" group:"Rollback"`
	Key    string `help:"Key for the server." env:"ROLLCALL_KEY" placeholder:"KEY" group:"Rollback"`
}

func (c *rollbackCmd) Help() string {
	return `Goes back to the build that was active before the last rebuild: it folds what it has missed, and takes over in one step. The
build it takes the place of is kept, so that another rollback undoes this one.

Examples:
  rollcall rollback
  rollcall rollback --server http://localhost:8080`
}

func (c *rollbackCmd) Run(e *world) error {
	o := api.RebuildRequest{Rate: c.Rate, Rollback: true}
	if err := checkRemake(&o); err != nil {
		return err
	}
	if c.Server != "" {
		return remake(e, c.Server, c.Key, o)
	}
	c.anew = true
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	err = remakeHere(e, cfg, o)
	if at := serverOf(cfg.Data); errors.Is(err, eventlog.ErrLocked) && at != "" {
		return remake(e, at, c.Key, o)
	}
	return err
}

// remakeHere makes a build in this process, beside nobody in a data directory, beside those that write on servers.
func remakeHere(e *world, want Config, o api.RebuildRequest) error {
	if err := existing(want); err != nil {
		return err
	}
	cfg := want
	cfg.goesOver, cfg.rebuilds, cfg.Recorded = true, true, want.Dimensions
	if err := adoptActive(&cfg); err != nil {
		return err
	}
	n, err := openToVerify(e, cfg)
	if err != nil {
		return err
	}
	if want.Source.Kind == kindKafka {
		want.LogShards = n.cfg.LogShards
	}
	began := time.Now()
	r := &remaking{node: n, hold: n.fenceOthers, show: func(report *verify.Report) error { return printReport(e.err, report) }}
	made, before, err := r.run(e.ctx, &want, o, func(p remakeProgress) { fmt.Fprintln(e.err, p.line()) })
	switch {
	case err != nil || o.Rollback:
	case cfg.embedded(): // once the store of the build before is closed, and while nobody else can have the directory
		n.closeBuilds = func() error { return prune(e.ctx, n.builds, kept(&o)) }
	default:
		err = n.pruneLater(e.ctx, kept(&o))
	}
	if err := errors.Join(err, n.close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "build %d is active, in place of build %d: %s events in %s\n", made.Number, before.Number, humanize.Comma(r.folded()), time.Since(began).Round(time.Millisecond))
	return err
}

// adoptActive makes the settings of a data directory's active build those of the configuration.
func adoptActive(c *Config) error {
	if !c.embedded() {
		return nil
	}
	all, err := buildsIn(c.Data)
	if err != nil {
		return err
	}
	if b, ok := store.ActiveBuild(all); ok {
		return adopt(c, &b)
	}
	return nil
}

// goOverTime is what processes need to go over to another build.
const goOverTime = 5 * time.Second

// pruneLater deletes the builds beyond those that are kept, once nobody uses them any more.
func (n *node) pruneLater(ctx context.Context, keep int) error {
	if keep == 0 {
		select {
		case <-time.After(goOverTime):
		case <-ctx.Done():
		}
	}
	return prune(ctx, n.builds, keep)
}

// prune deletes the kept builds but for the newest few.
func prune(ctx context.Context, builds store.Builds, keep int) error {
	all, err := builds.Builds(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(b store.Build) bool { return b.State != store.Kept })
	slices.SortFunc(all, func(a, b store.Build) int { return int(b.Number) - int(a.Number) })
	for _, b := range all[min(keep, len(all)):] {
		if err := builds.Drop(ctx, b.Number); err != nil {
			return err
		}
	}
	return nil
}
