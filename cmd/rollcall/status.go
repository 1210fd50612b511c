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

	"rollcall"
	"rollcall/store"
)

// nodeStatus is the reply of GET /api/v1/status.
type nodeStatus struct {
	Version         string         `json:"version"`
	At              string         `json:"at"`
	Started         string         `json:"started"`
	CompleteThrough string         `json:"complete_through"` // every event acknowledged up to then is in the figures
	Roles           []string       `json:"roles"`
	Dimensions      []string       `json:"dimensions"`
	Timezone        string         `json:"timezone"`
	Accepted        int64          `json:"accepted"`
	Duplicates      int64          `json:"duplicates"`
	Late            int64          `json:"late"`
	Users           int64          `json:"users"`
	Lag             *uint64        `json:"lag"` // what is in the log and not yet in the figures: events, in a log on servers records; null when the log can't be asked
	Quarantined     int64          `json:"quarantined_since_start"`
	Lost            int64          `json:"quarantine_lost"`
	Dropped         int64          `json:"quarantine_dropped_since_start"` // beyond quarantine.max_letters or max_age; by the process asked
	Quarantine      letterStatus   `json:"quarantine"`                     // what the store keeps; up to 5 s old
	Commits         int64          `json:"commits_since_start"`
	Snapshots       int64          `json:"snapshots_since_start"`
	Retries         int64          `json:"commit_retries"`
	Fenced          int64          `json:"shards_fenced"` // taken over by another process unannounced
	CommitMS        float64        `json:"last_commit_ms"`
	Log             logStatus      `json:"log"`
	Source          *sourceStatus  `json:"source,omitempty"`
	Shards          []shardStatus  `json:"shards"`
	Store           []sizeStatus   `json:"store"`
	Cache           cacheStatus    `json:"cache"`
	Verify          verifyStatus   `json:"verify"`
	Archive         *archiveStatus `json:"archive,omitempty"`
}

// logStatus is the log's part. All but its kind and failure are of an embedded log.
type logStatus struct {
	Kind      string  `json:"kind"`
	Segments  int     `json:"segments"`
	Bytes     int64   `json:"bytes"`
	Appends   int64   `json:"appends_since_start"`
	Syncs     int64   `json:"syncs_since_start"`
	SyncP99MS float64 `json:"sync_p99_ms"`
	Failed    string  `json:"failed,omitempty"`
}

type shardStatus struct {
	Shard      int     `json:"shard"`
	Owned      bool    `json:"owned"` // by the process asked
	Epoch      uint64  `json:"epoch"`
	Offset     uint64  `json:"offset"` // committed
	Snapshot   uint64  `json:"snapshot"`
	LogFirst   uint64  `json:"log_first"`
	LogNext    uint64  `json:"log_next"`
	Lag        *uint64 `json:"lag"`
	Accepted   int64   `json:"accepted"`
	Duplicates int64   `json:"duplicates"`
	Late       int64   `json:"late"`
	Users      int64   `json:"users"`
	Newest     string  `json:"newest_event,omitempty"`
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
	positions, err := n.positions(ctx)
	if err != nil {
		return nil, err
	}
	letters, err := n.letters.status(ctx, n.store)
	if err != nil {
		return nil, err
	}
	kept, lost := n.quarantine.Counts()
	s := &nodeStatus{Version: version(), At: n.stamp(time.Now()), Started: n.stamp(n.started), CompleteThrough: n.stamp(n.freshness()), Roles: n.cfg.Roles,
		Dimensions: append([]string{}, n.cfg.Dimensions...), Timezone: n.cfg.Timezone, Quarantined: kept, Lost: lost, Dropped: n.trimmer.Dropped(), Quarantine: letters, Log: n.logStatus(), Source: n.sourceStatus(), Cache: n.cacheStatus()}
	if s.Verify, err = n.verifyStatus(ctx); err != nil {
		return nil, err
	}
	s.Archive = n.archiveStatus(positions)
	owned := n.aggregatorStatus(s)
	for i := range positions {
		s.add(n.shardStatus(ctx, &positions[i], owned, &s.Log))
	}
	for _, size := range sizes {
		s.Store = append(s.Store, sizeStatus{size.Name, size.Chunks, size.Bytes})
	}
	return s, nil
}

// aggregatorStatus fills in the rhythm of commits, and gives the shards that this process owns.
func (n *node) aggregatorStatus(s *nodeStatus) (owned map[int]bool) {
	owned = map[int]bool{}
	if n.aggregator == nil {
		return owned
	}
	agg := n.aggregator.Status()
	s.Commits, s.Snapshots, s.Retries, s.Fenced, s.CommitMS = agg.Commits, agg.Snapshots, agg.Retries, agg.Fenced, inMS(agg.CommitTook)
	for _, p := range agg.Shards {
		owned[p.Shard] = true
	}
	return owned
}

func (n *node) logStatus() logStatus {
	s := logStatus{Kind: n.cfg.LogKind}
	if n.embedded == nil {
		return s
	}
	log := n.embedded.Stats()
	s.Segments, s.Bytes, s.Appends, s.Syncs, s.SyncP99MS = log.Segments, log.Bytes, log.Appends, log.Syncs, inMS(log.SyncP99)
	if log.Failed != nil {
		s.Failed = log.Failed.Error()
	}
	return s
}

// shardStatus looks at a shard in the log too. A log that can't be asked is told in its status.
func (n *node) shardStatus(ctx context.Context, p *store.Position, owned map[int]bool, log *logStatus) shardStatus {
	s := shardStatus{Shard: p.Shard, Owned: owned[p.Shard], Epoch: p.Epoch, Offset: uint64(p.Offset), Snapshot: uint64(p.Snapshot),
		Accepted: p.Accepted, Duplicates: p.Duplicates, Late: p.Late, Users: p.Users}
	if p.Accepted > 0 {
		s.Newest = n.stamp(time.UnixMilli(p.MaxTime))
	}
	if log.Failed != "" && n.embedded == nil {
		return s // another shard has waited for it
	}
	first, next, lag, err := n.bounds(ctx, p)
	if err != nil {
		log.Failed = err.Error()
		return s
	}
	s.LogFirst, s.LogNext, s.Lag = uint64(first), uint64(next), &lag
	return s
}

// bounds gives those of a shard, and how much of the log lies behind a position: the difference of the offsets, unless
// the log says otherwise.
func (n *node) bounds(ctx context.Context, p *store.Position) (first, next rollcall.Offset, lag uint64, err error) {
	first, next, err = n.log.Bounds(ctx, p.Shard)
	lag = uint64(next - min(p.Offset, next))
	if counts, ok := n.raw.(interface {
		Behind(ctx context.Context, shard int, from rollcall.Offset) (int64, error)
	}); ok && err == nil && lag > 0 {
		var records int64
		records, err = counts.Behind(ctx, p.Shard, p.Offset)
		lag = uint64(max(records, 0))
	}
	return first, next, lag, err
}

func (s *nodeStatus) add(sh shardStatus) {
	s.Accepted, s.Duplicates, s.Late, s.Users = s.Accepted+sh.Accepted, s.Duplicates+sh.Duplicates, s.Late+sh.Late, s.Users+sh.Users
	switch {
	case sh.Lag == nil:
		s.Lag = nil
	case len(s.Shards) == 0:
		lag := *sh.Lag
		s.Lag = &lag
	case s.Lag != nil:
		*s.Lag += *sh.Lag
	}
	s.Shards = append(s.Shards, sh)
}

func inMS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (n *node) stamp(t time.Time) string {
	return t.In(n.calendar.Location()).Format("2006-01-02T15:04:05.000Z07:00")
}

// reached tells whether s has committed all that was in the log at the time of goal.
func (s *nodeStatus) reached(goal *nodeStatus) bool {
	if goal.Lag == nil {
		return false
	}
	for i := range goal.Shards {
		if i >= len(s.Shards) || s.Shards[i].Offset < goal.Shards[i].LogNext {
			return false
		}
	}
	return true
}

func lagged(lag *uint64) string {
	if lag == nil {
		return "?"
	}
	return humanize.Comma(int64(*lag))
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
		fmt.Fprintf(w, "%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", sh.Shard, sh.Offset, sh.LogNext, lagged(sh.Lag), count(sh.Accepted), count(sh.Duplicates), count(sh.Late), count(sh.Users), sh.Newest)
	}
	fmt.Fprintf(w, "all\t\t\t%s\t%s\t%s\t%s\t%s\t\t\n\n", lagged(s.Lag), count(s.Accepted), count(s.Duplicates), count(s.Late), count(s.Users))
	fmt.Fprintf(w, "store\tchunks\tbytes\t\n")
	for _, z := range s.Store {
		fmt.Fprintf(w, "%s\t%s\t%s\t\n", z.Name, count(z.Chunks), humanBytes(z.Bytes))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if s.Log.Kind == kindEmbedded {
		fmt.Fprintf(out, "\nlog               %d segments, %s\n", s.Log.Segments, humanBytes(s.Log.Bytes))
	} else {
		fmt.Fprintf(out, "\nlog               %s\n", s.Log.Kind)
	}
	if s.Source != nil {
		fmt.Fprintf(out, "source            %s\n", s.Source.line())
	}
	if s.Archive != nil {
		fmt.Fprintf(out, "archive           %s\n", s.Archive.line())
	}
	fmt.Fprintf(out, "quarantine        %s\n", s.Quarantine.line())
	if s.Dropped > 0 {
		fmt.Fprintf(out, "  dropped         %s since the start, beyond its bounds\n", count(s.Dropped))
	}
	fmt.Fprintf(out, "cache             %s\n", s.Cache.line())
	if s.Cache.Redis != nil {
		fmt.Fprintf(out, "redis             %s\n", s.Cache.Redis.line())
	}
	fmt.Fprintf(out, "complete through  %s\n", s.CompleteThrough)
	fmt.Fprintf(out, "verified          %s\n", s.Verify.line())
	fmt.Fprintf(out, "dimensions        %v in %s\n", s.Dimensions, s.Timezone)
	_, err := fmt.Fprintf(out, "version           %s\n", s.Version)
	if s.Log.Failed != "" {
		_, err = fmt.Fprintf(out, "the log has failed: %s\n", s.Log.Failed)
	}
	return err
}
