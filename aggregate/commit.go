package aggregate

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/fold"
	"rollcall/store"
)

// stats are counters for Status.
type stats struct {
	commits, retries, snapshots atomic.Int64
	lastCommitMS                atomic.Int64 // Unix ms
	commitTook                  atomic.Int64 // ns
	over                        atomic.Bool  // state is over its budget until a snapshot
}

// relief is the least time between snapshots that are made only because state is over its budget: what is in use stays over
// it, whatever is written out.
const relief = 2 * time.Second

func (a *Aggregator) nudge() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// commitLoop commits whenever the interval has passed or enough events are folded.
func (a *Aggregator) commitLoop(ctx context.Context) error {
	tick := time.NewTicker(a.cfg.CommitInterval)
	defer tick.Stop()
	sinceSnapshot, lastSnapshot := int64(0), a.deps.Now()
	for {
		select {
		case <-tick.C:
		case <-a.wake:
		case <-ctx.Done():
			return nil
		}
		sinceSnapshot += a.folded.Load()
		age := a.deps.Now().Sub(lastSnapshot)
		due := sinceSnapshot >= a.cfg.SnapshotEvents || age >= a.cfg.SnapshotInterval || age >= relief && a.stats.over.Load()
		if err := a.commit(ctx, due, a.askCut(ctx)); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if due {
			sinceSnapshot, lastSnapshot = 0, a.deps.Now()
			a.stats.over.Store(false)
		}
	}
}

// askCut asks a running worker for its share.
func (a *Aggregator) askCut(ctx context.Context) func(*worker, bool) (*part, error) {
	return func(w *worker, snapshot bool) (*part, error) {
		c := cutRequest{snapshot, make(chan *part, 1)}
		select {
		case w.cuts <- c:
			return <-c.reply, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// commit gathers the workers' shares and commits them. A share once taken stays open until it is committed, whatever
// comes between: the worker's next share begins where it ends.
func (a *Aggregator) commit(ctx context.Context, snapshot bool, cut func(*worker, bool) (*part, error)) error {
	for i, w := range a.workers {
		if a.open[i] != nil {
			continue
		}
		p, err := cut(w, snapshot)
		if err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		a.open[i] = p
	}
	var parts []*part
	c := &store.Commit{At: a.deps.Now().UnixMilli()}
	for _, p := range a.open {
		if p != nil {
			parts = append(parts, p)
			c.Shards = append(c.Shards, p.commit(c.At, a.cfg.Dimensions))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	a.deps.Step(Steps[1])
	if err := a.write(ctx, c); err != nil {
		return err
	}
	clear(a.open)
	a.deps.Step(Steps[3])
	a.published(parts)
	a.deps.Step(Steps[4])
	return nil
}

// write commits, durably.
func (a *Aggregator) write(ctx context.Context, c *store.Commit) error {
	err := a.persist(ctx, func(ctx context.Context) error {
		a.deps.Step(Steps[2])
		began := time.Now()
		defer func() { a.stats.commitTook.Store(int64(time.Since(began))) }()
		return a.deps.Store.Commit(ctx, c)
	})
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	a.stats.commits.Add(1)
	a.stats.lastCommitMS.Store(c.At)
	return nil
}

// published tells waiters and workers what is committed.
func (a *Aggregator) published(parts []*part) {
	a.deps.Announce()
	a.mu.Lock()
	for _, p := range parts {
		p.w.committed = p.to
	}
	close(a.changed)
	a.changed = make(chan struct{})
	a.mu.Unlock()
	for _, p := range parts {
		if p.state != nil {
			p.w.snapshotClock = p.state.Clock
			a.stats.snapshots.Add(1)
		}
		select { // the newer word replaces one not yet heard
		case <-p.w.durable:
		default:
		}
		p.w.durable <- durable{p.delta.Clock, p.w.snapshotClock}
	}
}

// commit gives the share in the store's terms.
func (p *part) commit(at int64, dims []string) store.ShardCommit {
	d := p.delta
	c := store.ShardCommit{From: p.from, To: p.to, Snapshot: p.state != nil, Cells: d.Cells, Sets: d.Sets}
	for _, s := range d.Sets {
		s.Key.Shard = p.w.shard
	}
	key := func(kind store.StateKind, part int64) store.StateKey {
		return store.StateKey{Shard: p.w.shard, Kind: kind, Part: part}
	}
	for i, data := range d.Users {
		c.State = append(c.State, store.StateChunk{Key: key(store.Users, d.Parts[i]), Data: data})
	}
	if st := p.state; st != nil {
		c.State = append(c.State, store.StateChunk{Key: key(store.IDs, headPart), Full: true, Data: st.Head})
		for _, x := range st.IDs {
			c.State = append(c.State, store.StateChunk{Key: key(store.IDs, x.Part), Data: x.Data})
		}
		for _, x := range st.Sessions {
			c.State = append(c.State, store.StateChunk{Key: key(store.Sessions, x.Part), Data: x.Data})
		}
		for _, x := range st.SessionIDs {
			c.State = append(c.State, store.StateChunk{Key: key(store.SessionIDs, x.Part), Data: x.Data})
		}
	}
	for _, l := range d.Ledger {
		c.Ledger = append(c.Ledger, store.LedgerRow{Shard: p.w.shard, Hour: l.Hour, Count: l.Count, HashHi: l.HashHi, HashLo: l.HashLo, Duplicates: l.Duplicates, Late: l.Late})
	}
	for _, l := range d.Letters {
		c.Letters = append(c.Letters, p.letter(at, l, dims))
	}
	return c
}

// ReasonLate is the reason of an event beyond the late horizon.
const ReasonLate = "beyond_late_horizon"

// letter keeps a late event as the JSON object that would send it again.
func (p *part) letter(at int64, l fold.Late, dims []string) store.DeadLetter {
	e := &l.Event
	raw := map[string]any{"user_id": string(e.User), "time": time.UnixMilli(e.Time).UTC().Format("2006-01-02T15:04:05.000Z07:00")}
	put := func(name string, v []byte) {
		if len(v) > 0 {
			raw[name] = string(v)
		}
	}
	put("event_id", e.ID)
	put("session_id", e.Session)
	put("type", e.Type)
	for i, v := range e.Dims {
		if i < len(dims) {
			put(dims[i], v)
		}
	}
	if e.Record {
		raw["session_duration"], raw["is_bounce"], raw["is_new_user"] = float64(e.Duration)/1000, e.Bounce, e.NewUser
	}
	text, _ := json.Marshal(raw)
	return store.DeadLetter{At: at, Source: fmt.Sprintf("shard %d offset %d row %d", p.w.shard, l.Offset, l.Row), Reason: ReasonLate,
		Detail: "older than late_horizon allows when it was folded", Raw: text}
}

// Status tells how far the aggregator is.
type Status struct {
	Shards     []store.Position
	Commits    int64
	Retries    int64
	Snapshots  int64
	LastCommit int64         // Unix ms; 0 for none since the start
	CommitTook time.Duration // the last one
}

// Status gives the committed positions and the rhythm of commits.
func (a *Aggregator) Status() Status {
	s := Status{Commits: a.stats.commits.Load(), Retries: a.stats.retries.Load(), Snapshots: a.stats.snapshots.Load(),
		LastCommit: a.stats.lastCommitMS.Load(), CommitTook: time.Duration(a.stats.commitTook.Load())}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.workers {
		s.Shards = append(s.Shards, w.committed)
	}
	return s
}

// Floors gives the offset of each shard's snapshot: what the log must keep.
func (a *Aggregator) Floors() []rollcall.Offset {
	var floors []rollcall.Offset
	for _, p := range a.Status().Shards {
		floors = append(floors, p.Snapshot)
	}
	return floors
}
