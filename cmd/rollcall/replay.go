package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/intake"
	"rollcall/store"
)

type quarantineReplayCmd struct {
	Settings
	Reason string   `help:"Only entries with this reason." placeholder:"REASON"`
	After  int64    `help:"Begin behind this number." default:"0"`
	Limit  int64    `help:"Most entries to look at; 0 for all." default:"0"`
	DryRun bool     `help:"Tell what would be accepted, and change nothing."`
	Map    []string `help:"Input field of a name, as fields does." placeholder:"user_id=visitorid"`
	Format string   `help:"Form of the summary: text or json." enum:"text,json" default:"text"`
}

func (c *quarantineReplayCmd) Help() string {
	return `Puts what is in the quarantine through intake again, with the settings of today. What is accepted now is durable
in the log before it leaves the quarantine; what is refused again stays as it is. Events without an event_id are given one,
so that a replay that was cut off, even by a crash, counts nothing twice when it is run again with the same settings.

Left alone are late events, lines of CSV, and messages in Avro or Protobuf: the summary tells how many, and what to do.

It works on a data directory that no server holds, and beside the processes that share a log and a store on servers. A
running server has no address for it.

Examples:
  rollcall quarantine replay --dry-run
  rollcall quarantine replay --reason missing_user_id --map user_id=visitorid
  rollcall quarantine replay --reason invalid_time --timezone Asia/Seoul --format json
  rollcall quarantine replay --config rollcall.yaml --after 120000 --limit 1000`
}

// healing tells what to do about letters that are left alone.
func healing(reason string) string {
	switch reason {
	case store.ReasonLate:
		return "they are in the log and stay too late for these figures; figures made anew from the log with a longer late_horizon have them"
	case store.ReasonForeign:
		return "others wrote them into the log, in a form of their own; name such a topic as the source"
	case intake.ReasonManyFaults:
		return "messages whose good records are counted already; have their producer send the others again"
	case intake.TooLate:
		return "older than late_horizon allows behind the newest event; give the aggregators a longer one, and this command too"
	default:
		return "lines of CSV, whose header is not kept, or messages in Avro or Protobuf; import the corrected file, have the producer send them again"
	}
}

// replayed is what a replay did.
type replayed struct {
	DryRun      bool             `json:"dry_run"`
	Read        int64            `json:"read"`
	Replayed    int64            `json:"replayed"`
	Duplicates  *int64           `json:"duplicates,omitempty"` // of those replayed; nil where other processes fold
	Late        *int64           `json:"late,omitempty"`
	Rejected    map[string]int64 `json:"rejected_again"` // by today's reason
	Left        map[string]int64 `json:"left_alone"`
	Interrupted bool             `json:"interrupted"`
}

func (c *quarantineReplayCmd) Run(e *world) error {
	for _, m := range c.Map {
		if _, err := pairsOf(m); err != nil {
			return usageError("--map: " + err.Error())
		}
	}
	if c.After < 0 || c.Limit < 0 {
		return usageError("--after and --limit: give 0 or more")
	}
	c.add("fields", strings.Join(c.Map, ","))
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	sum := replayed{DryRun: c.DryRun, Rejected: map[string]int64{}, Left: map[string]int64{}}
	if cfg.embedded() {
		err = c.local(e, cfg, &sum)
	} else {
		err = c.beside(e, cfg, &sum)
	}
	sum.Interrupted = err != nil && e.ctx.Err() != nil
	if err != nil && sum.Read == 0 {
		return err
	}
	if printErr := c.print(e.out, &sum); err == nil {
		err = printErr
	}
	if sum.Interrupted {
		return errors.New("interrupted: what was replayed is in the log; run the same command again to go on")
	}
	return err
}

// local replays into the data directory, and waits until what was accepted is committed.
func (c *quarantineReplayCmd) local(e *world, cfg Config, sum *replayed) error {
	if err := existing(cfg); err != nil {
		return err
	}
	cfg.Quarantine = intake.Bounds{} // what is to be replayed must not be too old for it
	var counted imported
	err := locally(e, cfg, &counted, func(ctx context.Context, n *node, _ *intake.Files) error { return c.replay(ctx, e, n, sum) })
	if errors.Is(err, eventlog.ErrLocked) {
		return fmt.Errorf("replay works on the data directory itself and can't ask a server: end the process that holds %s first: %w", cfg.Data, eventlog.ErrLocked)
	}
	if !c.DryRun {
		sum.Duplicates, sum.Late = &counted.Duplicates, &counted.Late
	}
	return err
}

// beside replays into the log on servers, which others fold.
func (c *quarantineReplayCmd) beside(e *world, cfg Config, sum *replayed) error {
	cfg.Roles, cfg.CacheKind, cfg.MySQL.Migrate = []string{roleQuery}, "memory", false
	n, err := openData(e, cfg)
	if err != nil {
		return err
	}
	if _, is := n.raw.(*direct); is {
		err = usageError("the log is a topic that others write: correct the events and send them there")
	} else {
		err = c.replay(e.ctx, e, n, sum)
	}
	return errors.Join(err, n.close())
}

func (c *quarantineReplayCmd) replay(ctx context.Context, e *world, n *node, sum *replayed) error {
	v, err := n.store.View(ctx)
	if err != nil {
		return err
	}
	identity, shards := v.Head().Identity, v.Head().Shards
	if err := v.Close(); err != nil {
		return err
	}
	leave := map[string]bool{store.ReasonLate: true, store.ReasonForeign: true, intake.ReasonManyFaults: true}
	r, err := intake.NewReplay(intake.ReplayConfig{Shape: n.shape(), Store: identity, Leave: leave, Late: n.late(shards)},
		intake.ReplayDeps{Log: n.log, Letters: n.store, Step: failpoint()})
	if err != nil {
		return err
	}
	total, err := c.total(ctx, n)
	if err != nil {
		return err
	}
	m := newMeter(e.err, total, false, r.Read)
	defer m.end()
	done, err := r.Run(ctx, intake.ReplayQuery{After: c.After, Reason: c.Reason, Limit: c.Limit, Dry: c.DryRun})
	sum.Read, sum.Replayed, sum.Rejected, sum.Left = done.Read, done.Accepted, done.Rejected, done.Left
	return err
}

// late tells, as folding does, whether an event is beyond the horizon of its shard, at these positions.
func (n *node) late(shards []store.Position) func(shard int, ms int64) bool {
	if n.cfg.LateHorizon == 0 {
		return nil
	}
	oldest := make([]rollcall.Date, len(shards))
	for i := range shards {
		oldest[i] = math.MinInt32
		if shards[i].Accepted > 0 {
			oldest[i] = n.calendar.Date(shards[i].MaxTime - n.cfg.LateHorizon.Milliseconds())
		}
	}
	return func(shard int, ms int64) bool { return n.calendar.Date(ms) < oldest[shard] }
}

// total is how many letters will be looked at, 0 where that is not known.
func (c *quarantineReplayCmd) total(ctx context.Context, n *node) (total int64, err error) {
	counts, err := n.store.CountLetters(ctx, countedLetters)
	all := int64(0)
	for _, k := range counts {
		if all += k.Count; c.Reason == "" || k.Reason == c.Reason {
			total += k.Count
		}
	}
	switch {
	case c.Limit > 0 && (c.After > 0 || all == countedLetters || c.Limit < total):
		return c.Limit, err
	case c.After > 0 || all == countedLetters:
		return 0, err
	}
	return total, err
}

func (c *quarantineReplayCmd) print(out io.Writer, s *replayed) error {
	if c.Format == "json" {
		return json.NewEncoder(out).Encode(s)
	}
	name := "replayed"
	if s.DryRun {
		name = "acceptable"
	}
	n := humanize.Comma
	_, err := fmt.Fprintf(out, "read            %s\n%-15s %s\n", n(s.Read), name, n(s.Replayed))
	if s.Duplicates != nil {
		fmt.Fprintf(out, "  duplicates    %s\n", n(*s.Duplicates))
	}
	if s.Late != nil && *s.Late > 0 {
		fmt.Fprintf(out, "  too late      %s, in the quarantine anew\n", n(*s.Late))
	}
	rows := func(title string, counts map[string]int64, line func(reason, count string)) {
		total := int64(0)
		for _, count := range counts {
			total += count
		}
		fmt.Fprintf(out, "%-15s %s\n", title, n(total))
		for _, reason := range slices.Sorted(maps.Keys(counts)) {
			line(escaped(reason), n(counts[reason]))
		}
	}
	rows("rejected again", s.Rejected, func(reason, count string) { fmt.Fprintf(out, "  %s  %s\n", reason, count) })
	rows("left alone", s.Left, func(reason, count string) { fmt.Fprintf(out, "  %s  %s: %s\n", reason, count, healing(reason)) })
	if s.DryRun {
		_, err = fmt.Fprintln(out, "nothing was changed (--dry-run)")
	}
	return err
}
