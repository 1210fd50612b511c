package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"rollcall/store"
	"rollcall/store/mysql"
)

const (
	sizesEvery = 30 * time.Second // the store's sizes are looked at no more often: it reads all its keys
	sizesTime  = 5 * time.Second  // for that look
)

// gauges gives the state of the node to Prometheus.
type gauges struct {
	node *node

	offset, lag, epoch, users, accepted, duplicates, late              *prometheus.Desc // by shard
	freshness, quarantined, lost, dropped, commits, retries, snapshots *prometheus.Desc
	owned, fenced                                                      *prometheus.Desc
	commitTook, logBytes, appends, syncs, storeBytes, chunks           *prometheus.Desc

	mu    sync.Mutex
	at    time.Time // when sizes were looked at
	sizes []store.Size
}

// registry makes a registry with the figures of the node, the process and the Go runtime.
func (n *node) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(newGauges(n), newCacheGauges(n.cache, n.level), newVerifyGauges(n), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if n.archive != nil {
		r.MustRegister(newArchiveGauges(n.archiveNow))
	}
	if n.turns != nil {
		r.MustRegister(newTurnGauges(n.turns))
	}
	if s, is := n.store.(*mysql.Store); is {
		r.MustRegister(storeFigures(s.Stats))
	}
	if n.source.stats != nil {
		r.MustRegister(sourceFigures(n.source.stats))
	}
	return r
}

// archiveNow is the archive beside what is committed.
func (n *node) archiveNow() *archiveStatus {
	ctx, cancel := context.WithTimeout(context.Background(), sizesTime)
	defer cancel()
	positions, err := n.positions(ctx)
	if err != nil {
		n.logger.Warn("look at the positions of the shards", "error", err)
	}
	return n.archiveStatus(positions)
}

func newGauges(n *node) *gauges {
	return &gauges{
		node:        n,
		offset:      describe("shard_offset", "Next offset to commit.", "shard"),
		lag:         describe("shard_lag_events", "What is in the log and not in the figures: events, in a log on servers records.", "shard"),
		epoch:       describe("shard_epoch", "Epoch of the shard's owner.", "shard"),
		users:       describe("shard_users", "Users known.", "shard"),
		accepted:    describe("events_accepted_total", "Events in the figures.", "shard"),
		duplicates:  describe("events_duplicate_total", "Events dropped as duplicates.", "shard"),
		late:        describe("events_late_total", "Events beyond the late horizon.", "shard"),
		freshness:   describe("freshness_seconds", "Age of the moment up to which every acknowledged event is in the figures."),
		quarantined: describe("quarantine_letters_total", "Dead letters kept since the start."),
		lost:        describe("quarantine_lost_total", "Dead letters that could not be kept."),
		dropped:     describe("quarantine_dropped_total", "Dead letters deleted as beyond quarantine.max_letters or max_age since the start."),
		commits:     describe("commits_total", "Commits since the start."),
		retries:     describe("commit_retries_total", "Commits tried again since the start."),
		snapshots:   describe("snapshots_total", "Snapshots since the start."),
		owned:       describe("shards_owned", "Shards that this process owns."),
		fenced:      describe("shards_fenced_total", "Shards that another process took over unannounced, since the start."),
		commitTook:  describe("last_commit_seconds", "How long the last commit took."),
		logBytes:    describe("log_bytes", "Size of the log on disk."),
		appends:     describe("log_appends_total", "Appends that were acknowledged since the start."),
		syncs:       describe("log_syncs_total", "Syncs of the log since the start."),
		storeBytes:  describe("store_bytes", "Size of each kind of content of the store, at most 30 s old.", "kind"),
		chunks:      describe("store_chunks", "Chunks of each kind of content of the store, at most 30 s old.", "kind"),
	}
}

// Describe names the gauges.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.offset, g.lag, g.epoch, g.users, g.accepted, g.duplicates, g.late, g.freshness, g.quarantined, g.lost, g.dropped,
		g.commits, g.retries, g.snapshots, g.owned, g.fenced, g.commitTook, g.logBytes, g.appends, g.syncs, g.storeBytes, g.chunks} {
		to <- d
	}
}

// Collect reads the state of the node.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	give := func(kind prometheus.ValueType) func(d *prometheus.Desc, v float64, labels ...string) {
		return func(d *prometheus.Desc, v float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(d, kind, v, labels...)
		}
	}
	gauge, counter := give(prometheus.GaugeValue), give(prometheus.CounterValue)
	ctx, cancel := context.WithTimeout(context.Background(), sizesTime)
	defer cancel()
	positions, err := g.node.positions(ctx)
	if err != nil {
		g.node.logger.Warn("look at the positions of the shards", "error", err)
	}
	for i := range positions {
		p := &positions[i]
		shard := strconv.Itoa(p.Shard)
		gauge(g.offset, float64(p.Offset), shard)
		if _, _, lag, err := g.node.bounds(ctx, p); err == nil {
			gauge(g.lag, float64(lag), shard)
		}
		gauge(g.epoch, float64(p.Epoch), shard)
		gauge(g.users, float64(p.Users), shard)
		counter(g.accepted, float64(p.Accepted), shard)
		counter(g.duplicates, float64(p.Duplicates), shard)
		counter(g.late, float64(p.Late), shard)
	}
	kept, lost := g.node.quarantine.Counts()
	counter(g.quarantined, float64(kept))
	counter(g.lost, float64(lost))
	counter(g.dropped, float64(g.node.trimmer.Dropped()))
	gauge(g.freshness, time.Since(g.node.freshness()).Seconds())
	if a := g.node.aggregator; a != nil {
		agg := a.Status()
		gauge(g.owned, float64(len(agg.Shards)))
		counter(g.commits, float64(agg.Commits))
		counter(g.retries, float64(agg.Retries))
		counter(g.snapshots, float64(agg.Snapshots))
		counter(g.fenced, float64(agg.Fenced))
		gauge(g.commitTook, agg.CommitTook.Seconds())
	}
	if l := g.node.embedded; l != nil {
		log := l.Stats()
		counter(g.appends, float64(log.Appends))
		counter(g.syncs, float64(log.Syncs))
		gauge(g.logBytes, float64(log.Bytes))
	}
	for _, s := range g.stored() {
		gauge(g.storeBytes, float64(s.Bytes), s.Name)
		gauge(g.chunks, float64(s.Chunks), s.Name)
	}
}

// stored gives the sizes of the store. When they can't be had, the ones before stand in for them.
func (g *gauges) stored() []store.Size {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.at.IsZero() && time.Since(g.at) < sizesEvery {
		return g.sizes
	}
	ctx, cancel := context.WithTimeout(context.Background(), sizesTime)
	defer cancel()
	sizes, err := g.node.store.Sizes(ctx)
	if g.at = time.Now(); err != nil {
		g.node.logger.Warn("look at the sizes of the store", "error", err)
		return g.sizes
	}
	g.sizes = sizes
	return sizes
}
