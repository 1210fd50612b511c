package storetest

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// history is a random life of a store beside its model.
type history struct {
	s     Store
	model *model
	views []heldView
}

type heldView struct {
	view store.View
	as   *model
}

// testHistory: whatever is done in whatever order, a view shows exactly the commits before it.
func testHistory(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{s: open(t, dims, 3), model: newModel(3)}
		for i := range h.model.shards {
			h.model.shards[i] = acquire(rt, h.s, i)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"commit":  h.commit,
			"stale":   h.stale,
			"acquire": h.acquire,
			"compact": h.compact,
			"expire":  h.expire,
			"view":    h.view,
			"":        h.check,
		})
		for _, held := range h.views {
			held.as.check(rt, held.view)
			must(rt, held.view.Close())
		}
		h.model.checkRest(rt, h.s)
	})
}

func (h *history) commit(t *rapid.T) {
	c := genCommit(t, h.model.shards)
	must(t, h.s.Commit(context.Background(), c))
	h.model.apply(c)
}

func (h *history) stale(t *rapid.T) {
	p := rapid.SampledFrom(h.model.shards).Draw(t, "position")
	if rapid.Bool().Draw(t, "epoch") {
		p.Epoch--
	} else {
		p.Offset++
	}
	c := &store.Commit{At: 1, Shards: []store.ShardCommit{genShard(t, p)}}
	if err := h.s.Commit(context.Background(), c); !errors.Is(err, store.ErrFenced) {
		t.Fatalf("stale commit: %v", err)
	}
}

func (h *history) acquire(t *rapid.T) {
	shard := rapid.IntRange(0, len(h.model.shards)-1).Draw(t, "shard")
	was := h.model.shards[shard]
	was.Epoch++
	if got := acquire(t, h.s, shard); got != was {
		t.Fatalf("acquired %+v, want %+v", got, was)
	}
	h.model.shards[shard] = was
}

func (h *history) compact(t *rapid.T) {
	all := rapid.Bool().Draw(t, "all")
	_, err := h.s.Compact(context.Background(), all, join)
	must(t, err)
	h.check(t)
	if !all {
		return
	}
	if stats, err := h.s.Compact(context.Background(), true, join); err != nil || stats.Chunks != 0 {
		t.Fatalf("a second compaction found %+v to merge, %v", stats, err)
	}
}

func (h *history) expire(t *rapid.T) {
	grain := rollcall.Grain(rapid.IntRange(0, 2).Draw(t, "grain"))
	before := block.Period(rapid.IntRange(-1, 1).Draw(t, "before"))
	hour := rapid.Int64Range(0, 4).Draw(t, "hour") * 3600_000
	must(t, h.s.ExpireHistory(context.Background(), hour))
	h.model.expireHistory(hour)
	must(t, h.s.Expire(context.Background(), grain, before))
	h.model.expire(grain, before)
}

func (h *history) view(t *rapid.T) {
	if len(h.views) < 4 {
		h.views = append(h.views, heldView{viewOf(t, h.s), h.model.clone()})
		return
	}
	h.views[0].as.check(t, h.views[0].view)
	must(t, h.views[0].view.Close())
	h.views = h.views[1:]
}

func (h *history) check(t *rapid.T) {
	v := viewOf(t, h.s)
	h.model.check(t, v)
	must(t, v.Close())
	h.model.checkRest(t, h.s)
}
