package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall/store"
)

type quarantineCmd struct {
	List   quarantineListCmd   `cmd:"" help:"List what could not be accepted, and why."`
	Replay quarantineReplayCmd `cmd:"" help:"Put it in again, after what was wrong is put right."`
}

type quarantineListCmd struct {
	Settings
	After  int64  `help:"Begin behind this number." default:"0"`
	Reason string `help:"Only entries with this reason." placeholder:"REASON"`
	Limit  int    `help:"Most entries." default:"100"`
	Counts bool   `help:"Count the newest 100,000 entries by reason instead."`
	Format string `help:"Form: text or json (one object a line, raw bytes in base64)." enum:"text,json" default:"text"`
}

func (c *quarantineListCmd) Help() string {
	return `Examples:
  rollcall quarantine list
  rollcall quarantine list --counts
  rollcall quarantine list --reason bad_time
  rollcall quarantine list --after 100 --limit 1000 --format json`
}

func (c *quarantineListCmd) Run(e *world) error {
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	if c.Limit < 1 || c.Limit > 1_000_000 {
		return usageError("--limit: give 1 to 1000000")
	}
	n, err := openAnswers(e, cfg)
	if err != nil {
		return err
	}
	if c.Counts {
		return errors.Join(c.count(e, n), n.close())
	}
	letters, err := n.store.Letters(e.ctx, store.LetterQuery{After: c.After, Reason: c.Reason, Limit: c.Limit})
	if err == nil {
		err = c.print(e, n, letters)
	}
	return errors.Join(err, n.close())
}

const countedLetters = 100_000

func (c *quarantineListCmd) count(e *world, n *node) error {
	counts, err := n.store.CountLetters(e.ctx, countedLetters)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		for _, k := range counts {
			if err := (printable{e.out}).encode(map[string]any{"reason": k.Reason, "count": k.Count, "newest": n.stamp(time.UnixMilli(k.Newest))}); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "reason\tcount\tnewest\n")
	for _, k := range counts {
		fmt.Fprintf(w, "%s\t%s\t%s\n", escaped(k.Reason), humanize.Comma(k.Count), n.stamp(time.UnixMilli(k.Newest)))
	}
	return w.Flush()
}

func (c *quarantineListCmd) print(e *world, n *node, letters []store.DeadLetter) error {
	if c.Format == "json" {
		for _, l := range letters {
			if err := (printable{e.out}).encode(map[string]any{"number": l.Number, "at": n.stamp(time.UnixMilli(l.At)), "source": l.Source, "reason": l.Reason, "detail": l.Detail, "raw": l.Raw}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, l := range letters {
		if _, err := fmt.Fprintf(e.out, "%d  %s  %s  %s\n    %.200q\n", l.Number, n.stamp(time.UnixMilli(l.At)), escaped(l.Source), escaped(l.Detail), l.Raw); err != nil {
			return err
		}
	}
	return nil
}
