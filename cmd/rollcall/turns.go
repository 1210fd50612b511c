package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"rollcall/redisaddr"
	"rollcall/turns"
)

// openTurns joins the turns that aggregators take at writing; nil where none are configured.
func openTurns(c *Config, logger *slog.Logger) (*turns.Turns, error) {
	if len(c.Turns) == 0 {
		return nil, nil
	}
	t := turns.Config{Name: c.Redis.Prefix + ":turn"}
	for _, text := range c.Turns {
		s, err := turnServer(text, c.Redis.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("store.turns: %w", err)
		}
		t.Servers = append(t.Servers, s)
	}
	return turns.New(t, turns.Deps{Logger: logger})
}

// turnServer reads the address of one server.
func turnServer(text, ca string) (turns.Server, error) {
	a, err := redisaddr.Parse(text)
	if err != nil {
		return turns.Server{}, err
	}
	if a.Cluster || a.Master != "" {
		return turns.Server{}, errors.New("each address is one server, independent of the others: no Cluster and no Sentinel")
	}
	s := turns.Server{Addr: a.Hosts[0], Username: a.Username, Password: a.Password, DB: a.DB}
	if !a.TLS {
		return s, nil
	}
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		s.TLS.RootCAs, err = authorities(ca)
	}
	return s, err
}

// turnGauges gives the turns to Prometheus.
type turnGauges struct {
	turns                           *turns.Turns
	taken, waited, without, waiting *prometheus.Desc
}

func newTurnGauges(t *turns.Turns) *turnGauges {
	return &turnGauges{t,
		describe("turns_taken_total", "Turns to write that were had since the start."),
		describe("turns_waited_total", "Of them, those that another process had first."),
		describe("turns_without_total", "Commits without a turn, as none came in time or too few servers answered."),
		describe("turns_waiting_seconds_total", "Time spent waiting for turns."),
	}
}

// Describe names the gauges.
func (g *turnGauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.taken, g.waited, g.without, g.waiting} {
		to <- d
	}
}

// Collect reads the counters.
func (g *turnGauges) Collect(to chan<- prometheus.Metric) {
	s := g.turns.Stats()
	for d, v := range map[*prometheus.Desc]float64{g.taken: float64(s.Taken), g.waited: float64(s.Waited), g.without: float64(s.Without), g.waiting: s.Waiting.Seconds()} {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
}
