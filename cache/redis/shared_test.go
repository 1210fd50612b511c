//go:build unix

package redis

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
	"rollcall/store"
)

const (
	roomy   = 64 << 20
	nothing = 1 // bytes of memory: every look-up goes on to Redis
)

// What one process has read is there for the others, without their store being opened for it.
func TestBlocksAreSharedByProcesses(t *testing.T) {
	s := redistest.Start(t)
	w := newWritten(t)
	first := newProcess(t, w, roomy, patient(s.Addr))
	want := first.answer(t)
	if got := w.stored(t); got != want {
		t.Fatal("the first is wrong")
	}
	redistest.Eventually(t, "blocks are put", func() bool { return first.level.Stats().Puts == 2*someDays })
	second := newProcess(t, reader(t, w), roomy, patient(s.Addr))
	if _, err := second.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	opened := second.store.opened.Load()
	if second.answer(t) != want {
		t.Error("the second is wrong")
	}
	if st := second.level.Stats(); st.Hits != 2*someDays || second.store.opened.Load() != opened {
		t.Errorf("%d views opened, %+v", second.store.opened.Load()-opened, st)
	}
	if s.Do("FLUSHALL"); first.answer(t) != want || second.answer(t) != want || newProcess(t, reader(t, w), roomy, patient(s.Addr)).answer(t) != want {
		t.Error("wrong without the blocks in Redis")
	}
}

// A commit that one process announces is seen by the others within milliseconds, and what it supersedes goes from Redis.
func TestCommitsAreSeenAndSupersedeKeys(t *testing.T) {
	s := redistest.Start(t)
	w := newWritten(t)
	first, second := newProcess(t, w, roomy, patient(s.Addr)), newProcess(t, reader(t, w), roomy, patient(s.Addr))
	var took []time.Duration
	for i := range 20 {
		if want := w.stored(t); first.answer(t) != want || second.answer(t) != want {
			t.Fatalf("after %d commits: wrong", i)
		}
		redistest.Eventually(t, "nothing is pending", func() bool { return !first.busy() && !second.busy() })
		before, err := second.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.commit(t, firstDay+someDays/2)
		began := time.Now()
		first.Announce()
		ctx, cancel := context.WithTimeout(t.Context(), redistest.Patience)
		_, err = second.Next(ctx, before)
		took = append(took, time.Since(began))
		if cancel(); err != nil {
			t.Fatalf("commit %d is not seen: %v", i, err)
		}
	}
	slices.Sort(took)
	if median := took[len(took)/2]; median > time.Second {
		t.Errorf("seen after %s", median)
	}
	t.Logf("a commit is seen by the other process after %s (median), %s at worst", took[len(took)/2], took[len(took)-1])
	v, err := w.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	redistest.Eventually(t, "no superseded key is in Redis", func() bool { return len(superseded(t, s, v.Head())) == 0 })
}

// superseded lists the keys of blocks in Redis that the head does not name.
func superseded(t *testing.T, s *redistest.Server, head *store.Head) (keys []string) {
	t.Helper()
	for key := range strings.FieldsSeq(strings.Trim(s.Do("KEYS", "rollcall:*"), "[]")) {
		var part [8]uint64 // prefix, identity, build, kind, grain, which, period, version
		for i, text := range strings.Split(key, ":")[1:] {
			n, err := strconv.ParseUint(text, 36, 64)
			if err != nil {
				t.Fatalf("key %s: %v", key, err)
			}
			part[i+1] = n
		}
		for _, stamp := range head.Stamps[store.DayClock] {
			if uint64(stamp.Period) == part[6] && stamp.Version != part[7] {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// With Redis dead, answers are right; when it comes back it is used again.
func TestAnswersWithRedisDead(t *testing.T) {
	s := redistest.Start(t)
	w := newWritten(t)
	p := newProcess(t, w, nothing, quick(s.Addr))
	want := p.answer(t)
	s.Kill()
	for range 20 {
		if p.answer(t) != want {
			t.Fatal("wrong without Redis")
		}
	}
	w.commit(t, firstDay)
	p.Announce()
	if p.answer(t) != w.stored(t) {
		t.Fatal("wrong after a commit without Redis")
	}
	s.Restart()
	hits := p.level.Stats().Hits
	redistest.Eventually(t, "Redis is used again", func() bool { return p.answer(t) == w.stored(t) && p.level.Stats().Hits > hits })
}

// With Redis frozen, answers are right, and the waits for it are those of a few Gets that open the breaker and of one in
// each pause.
func TestAnswersWithRedisFrozen(t *testing.T) {
	s := redistest.Start(t)
	w := newWritten(t)
	p := newProcess(t, w, nothing, Config{Addr: s.Addr})
	want := p.answer(t)
	redistest.Eventually(t, "Redis is used", func() bool { return p.answer(t) == want && p.level.Stats().Hits > 0 })
	cfg := p.level.cfg
	s.Freeze()
	took := make([]time.Duration, 200)
	timeouts, began := p.level.Stats().Timeouts, time.Now()
	for i := range took {
		took[i] = timed(func() {
			if p.answer(t) != want {
				t.Error("wrong while Redis is frozen")
			}
		})
	}
	elapsed := time.Since(began)
	slices.Sort(took)
	p99, worst := took[len(took)*99/100-1], took[len(took)-1]
	if p99 > cfg.Timeout+slack || worst > 2*cfg.Timeout+slack { // an answer is two Gets
		t.Errorf("p99 %s, at worst %s", p99, worst)
	}
	if n, most := p.level.Stats().Timeouts-timeouts, int64(cfg.Failures)+int64(elapsed/cfg.Pause)+1; n > most {
		t.Errorf("%d Gets timed out in %s, want at most %d", n, elapsed, most)
	}
	t.Logf("200 answers with Redis frozen in %s: median %s, p99 %s, at worst %s", elapsed, took[100], p99, worst)
	s.Thaw()
	hits := p.level.Stats().Hits
	redistest.Eventually(t, "Redis is used again", func() bool { return p.answer(t) == want && p.level.Stats().Hits > hits })
}
