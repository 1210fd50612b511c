package main

import (
	"fmt"
	"strconv"

	"github.com/dustin/go-humanize"
	"github.com/prometheus/client_golang/prometheus"

	"rollcall/store"
)

// archiveStatus is the archive's part of nodeStatus: of the shards that the process asked writes.
type archiveStatus struct {
	Dir      string               `json:"dir"`
	Events   int64                `json:"events"` // accepted ones in the files
	Dropped  int64                `json:"dropped"`
	Expired  int64                `json:"expired"` // deleted by archive.max_age
	Files    int                  `json:"files"`
	Bytes    int64                `json:"bytes"`
	First    string               `json:"first,omitempty"` // day
	Last     string               `json:"last,omitempty"`
	Lag      int64                `json:"lag"`      // events in the figures and not in the archive, as far as it is known
	Failures int64                `json:"failures"` // since the start
	Failed   string               `json:"failed,omitempty"`
	Shards   []archiveShardStatus `json:"shards"`
}

type archiveShardStatus struct {
	Shard int    `json:"shard"`
	Next  uint64 `json:"next"` // offset: records before it are archived
	Lag   *int64 `json:"lag"`
}

func (n *node) archiveStatus(positions []store.Position) *archiveStatus {
	if n.archive == nil {
		return nil
	}
	a := n.archive.Status()
	s := &archiveStatus{Dir: n.cfg.Archive.Dir, Events: a.Events.Rows, Dropped: a.Dropped.Rows, Expired: a.Expired.Rows, Files: a.Files, Bytes: a.Bytes,
		First: a.First, Last: a.Last, Failures: a.Failures, Shards: []archiveShardStatus{}}
	if a.Failed != nil {
		s.Failed = a.Failed.Error()
	}
	for i := range positions {
		p := &positions[i]
		shard := archiveShardStatus{Shard: p.Shard, Next: uint64(a.Next[p.Shard])}
		if lag, known := n.archive.Lag(p); known {
			shard.Lag = &lag
			s.Lag += lag
		}
		s.Shards = append(s.Shards, shard)
	}
	return s
}

func (s *archiveStatus) line() string {
	text := fmt.Sprintf("%s events in %d files, %s; %s to come", humanize.Comma(s.Events), s.Files, humanBytes(s.Bytes), humanize.Comma(s.Lag))
	if s.Failed != "" {
		text += "; failing: " + s.Failed
	}
	return text
}

// archiveGauges gives the archive to Prometheus.
type archiveGauges struct {
	now                                    func() *archiveStatus
	offset, lag                            *prometheus.Desc // by shard
	events, files, bytes, failing, failure *prometheus.Desc
}

func newArchiveGauges(now func() *archiveStatus) *archiveGauges {
	return &archiveGauges{now: now,
		offset:  describe("archive_offset", "Offset before which records are archived.", "shard"),
		lag:     describe("archive_lag_events", "Events in the figures and not in the archive.", "shard"),
		events:  describe("archive_events", "Accepted events in the files of the archive."),
		files:   describe("archive_files", "Files of the archive."),
		bytes:   describe("archive_bytes", "Size of the archive."),
		failing: describe("archive_failing", "1 when the archive could not be written the last time."),
		failure: describe("archive_failures_total", "Times that the archive could not be written, since the start."),
	}
}

// Describe names the gauges.
func (g *archiveGauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.offset, g.lag, g.events, g.files, g.bytes, g.failing, g.failure} {
		to <- d
	}
}

// Collect reads the state of the archive.
func (g *archiveGauges) Collect(to chan<- prometheus.Metric) {
	s := g.now()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, shard := range s.Shards {
		gauge(g.offset, float64(shard.Next), strconv.Itoa(shard.Shard))
		if shard.Lag != nil {
			gauge(g.lag, float64(*shard.Lag), strconv.Itoa(shard.Shard))
		}
	}
	failing := 0.0
	if s.Failed != "" {
		failing = 1
	}
	gauge(g.events, float64(s.Events))
	gauge(g.files, float64(s.Files))
	gauge(g.bytes, float64(s.Bytes))
	gauge(g.failing, failing)
	to <- prometheus.MustNewConstMetric(g.failure, prometheus.CounterValue, float64(s.Failures))
}
