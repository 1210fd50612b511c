package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall"
	"rollcall/generate"
	"rollcall/intake"
)

const (
	liveEvery   = 200 * time.Millisecond
	livePause   = time.Minute // a machine that slept longer, by the clock on the wall, leaves a gap
	brokenFirst = 12          // broken records that come with the history
	brokenEvery = 500         // live events that one broken record comes with
)

// live sends what arrives from now on, and first, behind a history that has just been made, what has arrived meanwhile.
func (d *demo) live(ctx context.Context) error {
	to, last := d.sender(), time.Now()
	if !d.gap {
		if err := to.send(ctx, d.story, last.UnixMilli()); err != nil {
			return err
		}
	}
	if d.gap || d.rate > 0 {
		d.story.Resume(last.UnixMilli(), d.rate)
	}
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		now := time.Now()
		if now.Round(0).Sub(last.Round(0)) > livePause {
			d.story.Resume(now.UnixMilli(), d.rate)
		}
		if err := to.send(ctx, d.story, now.UnixMilli()); err != nil {
			return err
		}
		last = now
	}
}

// sender sends lines the way that those of files go.
type sender struct {
	files *intake.Files
	json  *generate.JSON
	lines []byte
	sent  int64
}

func (d *demo) sender() *sender {
	shape := d.n.shape()
	shape.Fields = nil // the lines have the names of this program
	return &sender{json: generate.NewJSON(shape.Dimensions), files: intake.NewFiles(intake.FilesConfig{Shape: shape, Workers: 1},
		intake.FilesDeps{Log: d.n.log, Quarantine: d.n.quarantine, Now: time.Now})}
}

// liveBytes is how much is sent at a time at most, but for one event.
const liveBytes = 4 << 20

// send sends what the story has before now, and now and then a broken record.
func (s *sender) send(ctx context.Context, story *generate.Story, now int64) error {
	var ev rollcall.Event
	for story.Next(now, &ev) {
		s.lines = s.json.Append(s.lines, &ev)
		if s.sent++; s.sent%brokenEvery == 0 {
			s.lines = generate.Broken(s.lines, brokenFirst+s.sent/brokenEvery, now)
		}
		if len(s.lines) > liveBytes {
			if err := s.flush(ctx, "live"); err != nil {
				return err
			}
		}
	}
	return s.flush(ctx, "live")
}

func (s *sender) flush(ctx context.Context, name string) error {
	if len(s.lines) == 0 {
		return nil
	}
	_, err := s.files.Import(ctx, intake.Source{Name: name + ".ndjson", Reader: bytes.NewReader(s.lines)})
	s.lines = s.lines[:0]
	return err
}

// spoil sends the broken records of the history.
func (d *demo) spoil(ctx context.Context) error {
	s := d.sender()
	for i := range int64(brokenFirst) {
		s.lines = generate.Broken(s.lines, i, d.plot.Until.UnixMilli())
	}
	return s.flush(ctx, "history")
}

// sum tells what there is once the history is.
func (d *demo) sum(made int64, took time.Duration) error {
	if made == 0 {
		shards, err := d.n.positions(d.e.ctx)
		last := int64(0)
		for i := range shards {
			last = max(last, shards[i].MaxTime)
		}
		first := d.plot.Until.AddDate(0, 0, 1-d.plot.Days)
		d.say("history", "going on with %s events from %s until %s; --fresh makes them anew", humanize.Comma(d.counted()),
			first.Format(time.DateOnly), time.UnixMilli(last).UTC().Format(toMinute))
		return err
	}
	d.say("", "%s events in %.1f s, %s a second; %s people", humanize.Comma(made), took.Seconds(), humanize.Comma(perSecond(made, took)),
		humanize.Comma(int64(d.story.Users())))
	if from, until := d.story.Outage(); !from.IsZero() {
		d.say("", "campaigns come and go; on %s, from %s to %s UTC, an outage", from.Format("Monday "+time.DateOnly), from.Format("15:04"), until.Format("15:04"))
	}
	d.say("", "%d broken records are in the quarantine, for you to see", brokenFirst)
	return nil
}

// welcome tells what to do now, and opens the page.
func (d *demo) welcome(address string) {
	switch {
	case d.rate < 0:
		d.say("live", "no traffic (--rate 0)")
	case d.rate == 0:
		d.say("live", "traffic goes on as the history has it; --rate 50/s sets another rate")
	default:
		d.say("live", "%g events a second", d.rate)
	}
	fmt.Fprintf(d.e.err, "\n    %s/\n\n", address)
	d.say("ask", "rollcall query --server %s --grain total --group-by campaign_id", address)
	d.say("", "curl '%s/api/v1/query?metrics=active_users,bounce_rate'", address)
	d.say("stop", "Ctrl-C; the same command goes on with these data")
	if d.browse && atTerminal(d.e) {
		openBrowser(d.e.ctx, address+"/")
	}
}
