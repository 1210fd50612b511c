package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"rollcall/eventlog"
	"rollcall/fold"
	"rollcall/record"
	"rollcall/store"
)

// stats are counters for Status.
type stats struct {
	commits, retries, snapshots atomic.Int64
	fenced                      atomic.Int64
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

// commitLoop commits whenever the interval has passed or enough events are folded, and what is to be let go of.
func (o *owner) commitLoop() error {
	a := o.a
	tick := time.NewTicker(a.cfg.CommitInterval)
	defer tick.Stop()
	sinceSnapshot, lastSnapshot := int64(0), a.deps.Now()
	for {
		select {
		case <-tick.C:
		case <-a.wake:
		case r := <-o.releases:
			if err := o.commit(func(w *worker) bool { return slices.Contains(r.shards, w.shard) }); err != nil {
				return err
			}
			close(r.done)
			continue
		case <-o.work.Done():
			return nil
		}
		sinceSnapshot += a.folded.Load()
		age := a.deps.Now().Sub(lastSnapshot)
		due := sinceSnapshot >= a.cfg.SnapshotEvents || age >= a.cfg.SnapshotInterval || age >= relief && a.stats.over.Load()
		if err := o.commit(func(*worker) bool { return due }); err != nil {
			return err
		}
		if due {
			sinceSnapshot, lastSnapshot = 0, a.deps.Now()
			a.stats.over.Store(false)
		}
	}
}

// commit gathers the workers' shares and commits them, with a snapshot of some. A share that meets a fence is left out,
// and the others are committed without it; what is tried again is always the same share.
func (o *owner) commit(snapshot func(*worker) bool) error {
	parts := o.cuts(snapshot)
	if len(parts) > 0 {
		o.a.deps.Step(Steps[1])
	}
	for len(parts) > 0 {
		err := o.a.write(o.work, parts)
		var fence *store.FencedError
		if errors.As(err, &fence) {
			parts, err = o.without(parts, fence)
		} else if err == nil {
			o.a.published(parts)
			parts = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cuts asks the workers that run for their shares.
func (o *owner) cuts(snapshot func(*worker) bool) (parts []*part) {
	o.a.mu.Lock()
	workers := slices.DeleteFunc(slices.Clone(o.a.workers), func(w *worker) bool { return w == nil || !w.live })
	o.a.mu.Unlock()
	for _, w := range workers {
		c := cutRequest{snapshot(w), make(chan *part, 1)}
		select {
		case w.cuts <- c:
			if p := <-c.reply; p != nil {
				parts = append(parts, p)
			}
		case <-w.ended:
		case <-o.work.Done():
			return nil
		}
	}
	return parts
}

// without takes the share that met a fence out. A commit whose outcome did not become known may have been applied: then
// the store is where the share ends, in the share's epoch, which no other can have brought about.
func (o *owner) without(parts []*part, fence *store.FencedError) ([]*part, error) {
	i := slices.IndexFunc(parts, func(p *part) bool { return p.w.shard == fence.Shard })
	if i < 0 {
		return nil, fmt.Errorf("commit: %w", fence)
	}
	p := parts[i]
	if p.from < p.to.Offset && fence.Stored.Epoch == p.to.Epoch && fence.Stored.Offset == p.to.Offset {
		o.a.published(parts[i : i+1])
	} else {
		o.fenced(p.w, fence)
	}
	return slices.Delete(slices.Clone(parts), i, i+1), context.Cause(o.work)
}

// write commits shares, durably.
func (a *Aggregator) write(ctx context.Context, parts []*part) error {
	c := &store.Commit{At: a.deps.Now().UnixMilli(), Calendar: a.cfg.Calendar}
	for _, p := range parts {
		c.Shards = append(c.Shards, p.commit(c.At, a.cfg.Dimensions))
	}
	err := a.persist(ctx, func(ctx context.Context) error {
		defer a.deps.Turn(ctx)()
		a.deps.Step(Steps[2])
		began := time.Now()
		defer func() { a.stats.commitTook.Store(int64(time.Since(began))) }()
		return a.deps.Store.Commit(ctx, c)
	})
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	a.deps.Step(Steps[3])
	a.stats.commits.Add(1)
	a.stats.lastCommitMS.Store(c.At)
	return nil
}

// published tells readers, waiters, workers and the log what is committed.
func (a *Aggregator) published(parts []*part) {
	a.deps.Announce()
	a.mu.Lock()
	for _, p := range parts {
		p.w.committed = p.to
	}
	a.news()
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
	a.report(parts)
	a.deps.Step(Steps[4])
}

func (a *Aggregator) report(parts []*part) {
	if a.deps.Reporter == nil {
		return
	}
	progress := make([]eventlog.Progress, len(parts))
	for i, p := range parts {
		progress[i] = eventlog.Progress{Shard: p.w.shard, Committed: p.to.Offset, Snapshot: p.to.Snapshot}
	}
	if err := a.deps.Reporter.Report(context.Background(), progress); err != nil {
		a.deps.Logger.Warn("tell the log what is committed", "error", err)
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
	c.State = append(c.State, drops(p.w.shard, d.Drops)...)
	if p.limits != nil {
		c.State = append(c.State, store.StateChunk{Key: key(store.Limits, 0), Data: record.AppendLimits(nil, *p.limits)})
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
	c.Letters = append(c.Letters, p.letters...)
	for _, l := range d.Letters {
		c.Letters = append(c.Letters, p.letter(at, l, dims))
	}
	return c
}

// drops gives the rows that count in no figure as chunks of state, one a part.
func drops(shard int, all []record.Drop) (chunks []store.StateChunk) {
	for _, d := range all {
		key := store.StateKey{Shard: shard, Kind: store.Drops, Part: store.DropsPart(d.Offset)}
		if n := len(chunks); n == 0 || chunks[n-1].Key != key {
			chunks = append(chunks, store.StateChunk{Key: key})
		}
		last := &chunks[len(chunks)-1]
		last.Data = record.AppendDrop(last.Data, d)
	}
	return chunks
}

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
	return store.DeadLetter{At: at, Source: fmt.Sprintf("shard %d offset %d row %d", p.w.shard, l.Offset, l.Row), Reason: store.ReasonLate,
		Detail: "older than late_horizon allows when it was folded", Raw: text}
}

// Status tells how far the aggregator is.
type Status struct {
	Shards     []store.Position // those that it owns, as committed, by number
	Commits    int64
	Retries    int64
	Snapshots  int64
	Fenced     int64         // shards that another process took over unannounced
	LastCommit int64         // Unix ms; 0 for none since the start
	CommitTook time.Duration // the last one
}

// Status gives the committed positions and the rhythm of commits.
func (a *Aggregator) Status() Status {
	s := Status{Commits: a.stats.commits.Load(), Retries: a.stats.retries.Load(), Snapshots: a.stats.snapshots.Load(), Fenced: a.stats.fenced.Load(),
		LastCommit: a.stats.lastCommitMS.Load(), CommitTook: time.Duration(a.stats.commitTook.Load())}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.workers {
		if w != nil && w.live {
			s.Shards = append(s.Shards, w.committed)
		}
	}
	return s
}
