package main

import (
	"context"
	"time"

	"rollcall"
	"rollcall/store"
	"rollcall/verify"
)

const (
	lookEvery      = time.Minute // at which days have changed
	backgroundPass = 2 << 20     // events of a shard at a time: some 128 MiB
	backgroundDays = 62          // of one verification
)

// newBackground makes what verifies closed days, in a process that folds. Of several processes it is the one that owns shard 0.
func (n *node) newBackground() *verify.Background {
	if !n.cfg.Verify.Background || n.aggregator == nil {
		return nil
	}
	c := n.verifyConfig()
	c.PassEvents = backgroundPass
	return verify.NewBackground(verify.BackgroundConfig{Config: c, Interval: n.cfg.Verify.Interval, Look: min(lookEvery, n.cfg.Verify.Interval),
		Share: float64(n.cfg.Verify.Share) / 100, MaxDays: backgroundDays},
		verify.BackgroundDeps{Source: wholeLog{n}, Store: n.store, Mine: n.ownsFirst, Logger: n.logger, Now: time.Now})
}

// wholeLog is the log with the archive behind it, opened for each reading.
type wholeLog struct{ node *node }

func (w wholeLog) Next(ctx context.Context, shard int) (rollcall.Offset, error) {
	return verify.Log{Fetcher: w.node.log}.Next(ctx, shard)
}

func (w wholeLog) Read(ctx context.Context, shard int, until rollcall.Offset, each func(*verify.Batch) error) error {
	log, err := w.node.whole()
	if err != nil {
		return err
	}
	return verify.Log{Fetcher: log}.Read(ctx, shard, until, each)
}

func (n *node) verifyConfig() verify.Config { return verificationOf(&n.cfg, n.calendar) }

// verificationOf gives what the figures of a configuration depend on, in the terms of a verification.
func verificationOf(c *Config, calendar rollcall.Calendar) verify.Config {
	rules, _ := c.rules(calendar) // calendarOf has read them
	return verify.Config{Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: calendar, Gap: c.SessionGap, Passive: c.PassiveTypes, Earlier: rules, Renamed: reversed(c.Renamed),
		LateHorizon: c.LateHorizon, MinuteRetention: c.MinuteRetention, HourRetention: c.HourRetention, DayRetention: c.DayRetention}
}

func (n *node) ownsFirst() bool {
	s := n.aggregator.Status()
	return len(s.Shards) > 0 && s.Shards[0].Shard == 0
}

// verifyStatus is how far the days are verified, by whichever process.
type verifyStatus struct {
	Background bool          `json:"background"` // this process may verify closed days
	Running    bool          `json:"running"`
	Through    *string       `json:"verified_through"` // all closed days up to this one are as the log has them; null for none
	Days       int           `json:"closed_days"`
	Good       int           `json:"verified_days"` // as they are now, without a difference
	Pending    int           `json:"pending_days"`  // not yet, or committed to since
	Bad        []differingAt `json:"differing_days"`
	LastRun    string        `json:"last_run,omitempty"`
	TookMS     int64         `json:"last_run_ms"`
	Unverified string        `json:"unverified,omitempty"` // why days could not be verified
}

// differingAt is a day whose figures are not those of the log.
type differingAt struct {
	Day         string `json:"day"` // "" for the sums and the end of the log
	Differences int64  `json:"differences"`
	At          string `json:"at"`
}

// standing asks the store how far the days are verified.
func (n *node) standing(ctx context.Context) (s verify.Standing, err error) {
	view, err := n.store.View(ctx)
	if err != nil {
		return s, err
	}
	head := view.Head()
	if err := view.Close(); err != nil {
		return s, err
	}
	kept, err := n.store.Verified(ctx)
	if err != nil {
		return s, err
	}
	now, c := time.Now().UnixMilli(), n.verifyConfig()
	return verify.StandingOf(head, kept, c.OldestDay(now), n.calendar.Date(now)), nil
}

func (n *node) verifyStatus(ctx context.Context) (v verifyStatus, err error) {
	s, err := n.standing(ctx)
	if err != nil {
		return v, err
	}
	v = verifyStatus{Days: s.Days, Good: s.Good, Pending: len(s.Pending), Bad: []differingAt{}, TookMS: s.Took}
	if n.background != nil {
		state := n.background.State()
		v.Background, v.Running, v.Unverified = true, state.Running, state.Unverified
	}
	if s.Through != nil {
		day := s.Through.String()
		v.Through = &day
	}
	if s.At > 0 {
		v.LastRun = n.stamp(time.UnixMilli(s.At))
	}
	for _, b := range s.Bad {
		day := b.Day.String()
		if b.Day == store.WholeLog {
			day = ""
		}
		v.Bad = append(v.Bad, differingAt{day, b.Differences, n.stamp(time.UnixMilli(b.At))})
	}
	return v, nil
}

// line tells of it in `rollcall status`.
func (v *verifyStatus) line() string {
	if v.LastRun == "" {
		return "nothing yet"
	}
	text := "no day"
	if v.Through != nil {
		text = "all closed days through " + *v.Through
	}
	for i, b := range v.Bad {
		if i == daysShown {
			return text + " …"
		}
		day := b.Day
		if day == "" {
			day = "the log as a whole"
		}
		text += "; DIFFERS: " + day
	}
	return text
}
