package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// verifyGauges tells Prometheus how far the days are verified.
type verifyGauges struct {
	node                            *node
	through, differing, pending     *prometheus.Desc
	lastRun, took, running, blocked *prometheus.Desc
}

func newVerifyGauges(n *node) *verifyGauges {
	return &verifyGauges{
		node:      n,
		through:   describe("verified_through_seconds", "End of the newest day up to which all closed days are verified, as Unix time; 0 for none."),
		differing: describe("verify_differing_days", "Days whose figures are not those of the log."),
		pending:   describe("verify_pending_days", "Closed days not verified, or committed to since."),
		lastRun:   describe("verify_last_run_seconds", "When the last verification ended, as Unix time; 0 for never."),
		took:      describe("verify_last_run_duration_seconds", "How long the last verification was under way."),
		running:   describe("verify_running", "1 while this process verifies closed days."),
		blocked:   describe("verify_unverified", "1 when days could not be verified; the status tells why."),
	}
}

// Describe names the gauges.
func (g *verifyGauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.through, g.differing, g.pending, g.lastRun, g.took, g.running, g.blocked} {
		to <- d
	}
}

// Collect asks the store.
func (g *verifyGauges) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), sizesTime)
	defer cancel()
	s, err := g.node.standing(ctx)
	if err != nil {
		g.node.logger.Warn("look at what was verified", "error", err)
		return
	}
	give := func(d *prometheus.Desc, v float64) { to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	through := 0.0
	if s.Through != nil {
		hours := g.node.calendar.Hours(*s.Through + 1)
		through = float64(hours[0]) / 1000
	}
	give(g.through, through)
	give(g.differing, float64(len(s.Bad)))
	give(g.pending, float64(len(s.Pending)))
	give(g.lastRun, float64(s.At)/1000)
	give(g.took, (time.Duration(s.Took) * time.Millisecond).Seconds())
	if b := g.node.background; b != nil {
		state := b.State()
		give(g.running, truth(state.Running))
		give(g.blocked, truth(state.Unverified != ""))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
