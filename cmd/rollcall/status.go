package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// nodeStatus is the reply of GET /api/v1/status.
type nodeStatus struct {
	Version         string        `json:"version"`
	At              string        `json:"at"`
	CompleteThrough string        `json:"complete_through"` // every event acknowledged up to then is in the figures
	Dimensions      []string      `json:"dimensions"`
	Timezone        string        `json:"timezone"`
	Accepted        int64         `json:"accepted"`
	Duplicates      int64         `json:"duplicates"`
	Late            int64         `json:"late"`
	Users           int64         `json:"users"`
	Lag             uint64        `json:"lag"` // events in the log that are not yet in the figures
	Quarantined     int64         `json:"quarantined_since_start"`
	Lost            int64         `json:"quarantine_lost"`
	Commits         int64         `json:"commits_since_start"`
	Snapshots       int64         `json:"snapshots_since_start"`
	Retries         int64         `json:"commit_retries"`
	CommitMS        float64       `json:"last_commit_ms"`
	Log             logStatus     `json:"log"`
	Shards          []shardStatus `json:"shards"`
	Store           []sizeStatus  `json:"store"`
	Cache           cacheStatus   `json:"cache"`
}

type logStatus struct {
	Segments  int     `json:"segments"`
	Bytes     int64   `json:"bytes"`
	Appends   int64   `json:"appends_since_start"`
	Syncs     int64   `json:"syncs_since_start"`
	SyncP99MS float64 `json:"sync_p99_ms"`
	Failed    string  `json:"failed,omitempty"`
}

type shardStatus struct {
	Shard      int    `json:"shard"`
	Epoch      uint64 `json:"epoch"`
	Offset     uint64 `json:"offset"` // committed
	Snapshot   uint64 `json:"snapshot"`
	LogFirst   uint64 `json:"log_first"`
	LogNext    uint64 `json:"log_next"`
	Lag        uint64 `json:"lag"`
	Accepted   int64  `json:"accepted"`
	Duplicates int64  `json:"duplicates"`
	Late       int64  `json:"late"`
	Users      int64  `json:"users"`
	Newest     string `json:"newest_event,omitempty"`
}

type sizeStatus struct {
	Name   string `json:"name"`
	Chunks int64  `json:"chunks"`
	Bytes  int64  `json:"bytes"`
}

// status gathers the state of the node.
func (n *node) status(ctx context.Context) (*nodeStatus, error) {
	sizes, err := n.store.Sizes(ctx)
	if err != nil {
		return nil, err
	}
	now, agg, log := time.Now(), n.aggregator.Status(), n.log.Stats()
	kept, lost := n.quarantine.Counts()
	s := &nodeStatus{Version: version(), At: n.stamp(now), CompleteThrough: n.stamp(n.freshness()), Dimensions: append([]string{}, n.cfg.Dimensions...), Timezone: n.cfg.Timezone,
		Quarantined: kept, Lost: lost, Commits: agg.Commits, Snapshots: agg.Snapshots, Retries: agg.Retries, CommitMS: inMS(agg.CommitTook),
		Log: logStatus{Segments: log.Segments, Bytes: log.Bytes, Appends: log.Appends, Syncs: log.Syncs, SyncP99MS: inMS(log.SyncP99)}, Cache: n.cacheStatus()}
	if log.Failed != nil {
		s.Log.Failed = log.Failed.Error()
	}
	for i, p := range agg.Shards {
		bounds := log.Shards[i]
		sh := shardStatus{Shard: i, Epoch: p.Epoch, Offset: uint64(p.Offset), Snapshot: uint64(p.Snapshot), LogFirst: uint64(bounds.First),
			LogNext: uint64(bounds.Next), Accepted: p.Accepted, Duplicates: p.Duplicates, Late: p.Late, Users: p.Users}
		sh.Lag = sh.LogNext - min(sh.Offset, sh.LogNext)
		if p.Accepted > 0 {
			sh.Newest = n.stamp(time.UnixMilli(p.MaxTime))
		}
		s.Accepted, s.Duplicates, s.Late, s.Users, s.Lag = s.Accepted+sh.Accepted, s.Duplicates+sh.Duplicates, s.Late+sh.Late, s.Users+sh.Users, s.Lag+sh.Lag
		s.Shards = append(s.Shards, sh)
	}
	for _, size := range sizes {
		s.Store = append(s.Store, sizeStatus{size.Name, size.Chunks, size.Bytes})
	}
	return s, nil
}

func inMS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (n *node) stamp(t time.Time) string {
	return t.In(n.calendar.Location()).Format("2006-01-02T15:04:05.000Z07:00")
}

// freshness is the moment up to which every event that was acknowledged is committed.
func (n *node) freshness() time.Time {
	through := time.Now()
	shards := n.log.Stats().Shards
	for i, p := range n.aggregator.Status().Shards {
		// Received never falls within a shard, so what is not committed was received at that of the last one or later.
		if at := time.UnixMilli(p.Received - 1); p.Offset < shards[i].Next && at.Before(through) {
			through = at
		}
	}
	return through
}

// totals sums the positions of all shards.
func (n *node) totals() (t struct{ Accepted, Duplicates, Late int64 }) {
	for _, p := range n.aggregator.Status().Shards {
		t.Accepted, t.Duplicates, t.Late = t.Accepted+p.Accepted, t.Duplicates+p.Duplicates, t.Late+p.Late
	}
	return t
}

// reached tells whether s has committed all that was in the log at the time of goal.
func (s *nodeStatus) reached(goal *nodeStatus) bool {
	for i := range goal.Shards {
		if i >= len(s.Shards) || s.Shards[i].Offset < goal.Shards[i].LogNext {
			return false
		}
	}
	return true
}

type statusCmd struct {
	Settings
	Server string `help:"Ask a running server at this address." placeholder:"URL"`
	Key    string `help:"API key of the server." placeholder:"KEY" env:"ROLLCALL_KEY"`
	Format string `help:"Form: table or json." enum:"table,json" default:"table"`
}

func (c *statusCmd) Help() string {
	return `Examples:
  rollcall status
  rollcall status --server http://localhost:8080 --format json`
}

func (c *statusCmd) Run(e *world) error {
	s, err := c.ask(e)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		out := json.NewEncoder(e.out)
		out.SetIndent("", "  ")
		return out.Encode(s)
	}
	return s.table(e.out)
}

func (c *statusCmd) ask(e *world) (s *nodeStatus, err error) {
	cfg, err := c.config(e.environ)
	if err != nil {
		return nil, err
	}
	if c.Server != "" {
		cl, err := newClient(c.Server, c.Key)
		if err != nil {
			return nil, err
		}
		remote, err := cl.status(e.ctx)
		return &remote, err
	}
	n, err := openExisting(e, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	return n.status(e.ctx)
}

func (s *nodeStatus) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	count := humanize.Comma
	fmt.Fprintf(w, "shard\toffset\tlog end\tlag\taccepted\tduplicates\tlate\tusers\tnewest event\t\n")
	for _, sh := range s.Shards {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t\n", sh.Shard, sh.Offset, sh.LogNext, sh.Lag, count(sh.Accepted), count(sh.Duplicates), count(sh.Late), count(sh.Users), sh.Newest)
	}
	fmt.Fprintf(w, "all\t\t\t%d\t%s\t%s\t%s\t%s\t\t\n\n", s.Lag, count(s.Accepted), count(s.Duplicates), count(s.Late), count(s.Users))
	fmt.Fprintf(w, "store\tchunks\tbytes\t\n")
	for _, z := range s.Store {
		fmt.Fprintf(w, "%s\t%s\t%s\t\n", z.Name, count(z.Chunks), humanBytes(z.Bytes))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nlog               %d segments, %s\n", s.Log.Segments, humanBytes(s.Log.Bytes))
	fmt.Fprintf(out, "cache             %s\n", s.Cache.line())
	if s.Cache.Redis != nil {
		fmt.Fprintf(out, "redis             %s\n", s.Cache.Redis.line())
	}
	fmt.Fprintf(out, "complete through  %s\n", s.CompleteThrough)
	fmt.Fprintf(out, "dimensions        %v in %s\n", s.Dimensions, s.Timezone)
	_, err := fmt.Fprintf(out, "version           %s\n", s.Version)
	if s.Log.Failed != "" {
		_, err = fmt.Fprintf(out, "the log has failed: %s; restart the server\n", s.Log.Failed)
	}
	return err
}
