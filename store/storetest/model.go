package storetest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// model is a store in memory, as simple as can be: the deltas as they came.
type model struct {
	shards  []store.Position
	cells   map[block.CellKey][]*block.Cells
	sets    map[block.SetKey][]*block.Sets
	state   map[store.StateKey][][]byte
	ledger  map[[2]int64]store.LedgerRow // by hour and shard
	letters []store.DeadLetter
	history map[[2]int64]store.Change // by day and hour
	version uint64                    // of commits alone
	at      int64
}

func newModel(shards int) *model {
	m := &model{cells: map[block.CellKey][]*block.Cells{}, sets: map[block.SetKey][]*block.Sets{},
		state: map[store.StateKey][][]byte{}, ledger: map[[2]int64]store.LedgerRow{}, history: map[[2]int64]store.Change{}}
	for i := range shards {
		m.shards = append(m.shards, store.Position{Shard: i})
	}
	return m
}

func (m *model) clone() *model {
	c := *m
	c.shards, c.letters = slices.Clone(m.shards), slices.Clone(m.letters)
	c.cells, c.sets, c.state, c.ledger = cloneLists(m.cells), cloneLists(m.sets), cloneLists(m.state), maps.Clone(m.ledger)
	c.history = maps.Clone(m.history)
	return &c
}

func cloneLists[K comparable, V any](m map[K][]V) map[K][]V {
	c := make(map[K][]V, len(m))
	for k, v := range m {
		c[k] = slices.Clone(v)
	}
	return c
}

func (m *model) apply(c *store.Commit) {
	m.at = c.At
	m.addHistory(c)
	for _, sc := range c.Shards {
		to := sc.To
		if !sc.Snapshot {
			to.Snapshot = m.shards[to.Shard].Snapshot
		}
		m.shards[to.Shard] = to
		for _, b := range sc.Cells {
			m.cells[b.Key] = append(m.cells[b.Key], b)
		}
		for _, b := range sc.Sets {
			m.sets[b.Key] = append(m.sets[b.Key], b)
		}
		for _, s := range sc.State {
			if s.Full {
				m.state[s.Key] = nil
			}
			m.state[s.Key] = append(m.state[s.Key], s.Data)
		}
		for _, r := range sc.Ledger {
			m.addLedger(r)
		}
		m.letters = append(m.letters, sc.Letters...)
	}
}

func (m *model) addLedger(r store.LedgerRow) {
	key := [2]int64{r.Hour, int64(r.Shard)}
	sum := m.ledger[key]
	sum.Shard, sum.Hour = r.Shard, r.Hour
	sum.Count, sum.Duplicates, sum.Late = sum.Count+r.Count, sum.Duplicates+r.Duplicates, sum.Late+r.Late
	lo := sum.HashLo + r.HashLo
	if lo < r.HashLo {
		sum.HashHi++
	}
	sum.HashHi, sum.HashLo = sum.HashHi+r.HashHi, lo
	m.ledger[key] = sum
}

func (m *model) expire(g rollcall.Grain, before block.Period) {
	maps.DeleteFunc(m.cells, func(k block.CellKey, _ []*block.Cells) bool { return k.Grain == g && k.Period < before })
	maps.DeleteFunc(m.sets, func(k block.SetKey, _ []*block.Sets) bool { return k.Grain == g && k.Period < before })
}

const (
	low  = block.Period(-1 << 40)
	high = block.Period(1 << 40)
)

// check compares what a view shows with the model.
func (m *model) check(t fatal, v store.View) {
	t.Helper()
	h := v.Head()
	if !slices.Equal(h.Shards, m.shards) || h.Committed != m.at {
		t.Fatalf("head\n%+v at %d\nwant\n%+v at %d", h.Shards, h.Committed, m.shards, m.at)
	}
	m.checkCells(t, v)
	m.checkSets(t, v)
	dropped, err := v.Ledger(context.Background(), -1<<50, 1<<50, true)
	must(t, err)
	if want := slices.DeleteFunc(m.ledgerRows(), func(r store.LedgerRow) bool { return r.Late == 0 && r.Duplicates == 0 }); !slices.Equal(dropped, want) {
		t.Fatalf("ledger of drops\n%+v\nwant\n%+v", dropped, want)
	}
	ledger, err := v.Ledger(context.Background(), -1<<50, 1<<50, false)
	must(t, err)
	if want := m.ledgerRows(); !slices.Equal(ledger, want) {
		t.Fatalf("ledger\n%+v\nwant\n%+v", ledger, want)
	}
	m.checkHistory(t, v)
	m.checkState(t, v)
	m.checkStates(t, v)
}

// checkStates reads ranges of parts, which give what their parts give one by one.
func (m *model) checkStates(t fatal, v store.View) {
	t.Helper()
	for key := range m.state {
		until := key.Part + 3
		chunks, err := v.States(context.Background(), key, until)
		must(t, err)
		found := map[int64]string{}
		for i, c := range chunks {
			if c.Key.Shard != key.Shard || c.Key.Kind != key.Kind || i > 0 && c.Key.Part < chunks[i-1].Key.Part {
				t.Fatalf("asked from %+v to %d, got %+v", key, until, c.Key)
			}
			found[c.Key.Part] += string(c.Data)
		}
		for part := key.Part; part < until; part++ {
			one := store.StateKey{Shard: key.Shard, Kind: key.Kind, Part: part}
			if want := string(bytes.Join(m.state[one], nil)); found[part] != want {
				t.Fatalf("state %+v of a range: %q, want %q", one, found[part], want)
			}
			delete(found, part)
		}
		if len(found) > 0 {
			t.Fatalf("asked from %+v to %d, got too much: %v", key, until, found)
		}
	}
}

// stateReader is a store, or a view of it.
type stateReader interface {
	State(ctx context.Context, key store.StateKey) ([]store.StateChunk, error)
}

// checkState compares the parts of state that were written.
func (m *model) checkState(t fatal, from stateReader) {
	t.Helper()
	for key, chunks := range m.state {
		if got, want := readState(t, from, key), string(bytes.Join(chunks, nil)); got != want {
			t.Fatalf("state %+v: %q, want %q", key, got, want)
		}
	}
}

// readState joins the chunks of a part.
func readState(t fatal, from stateReader, key store.StateKey) string {
	t.Helper()
	chunks, err := from.State(context.Background(), key)
	must(t, err)
	var all []byte
	for _, c := range chunks {
		if c.Key != key {
			t.Fatalf("asked for %+v, got %+v", key, c.Key)
		}
		all = append(all, c.Data...)
	}
	return string(all)
}

func (m *model) checkCells(t fatal, v store.View) {
	t.Helper()
	for _, grain := range []rollcall.Grain{rollcall.Minute, rollcall.Hour, rollcall.Day} {
		for _, cuboid := range rollcall.Cuboids(len(dims)) {
			blocks, err := v.Cells(context.Background(), grain, cuboid, low, high)
			must(t, err)
			var got, want [][]byte
			for _, b := range blocks {
				if key := (block.CellKey{Grain: grain, Period: b.Key.Period, Cuboid: cuboid}); b.Key != key {
					t.Fatalf("asked for %v, got %v", key, b.Key)
				}
				got = append(got, b.Encode(nil))
			}
			for _, key := range sortedKeys(m.cells, func(k block.CellKey) (block.Period, bool) { return k.Period, k.Grain == grain && k.Cuboid == cuboid }) {
				if b := block.MergeCells(m.cells[key]); b.Len() > 0 {
					want = append(want, b.Encode(nil))
				}
			}
			if !slices.EqualFunc(got, want, bytes.Equal) {
				t.Fatalf("cells of %v %#x: %d blocks differ from the %d wanted", grain, cuboid, len(got), len(want))
			}
		}
	}
}

func (m *model) checkSets(t fatal, v store.View) {
	t.Helper()
	for _, grain := range []rollcall.Grain{rollcall.Minute, rollcall.Day} {
		for shard := range m.shards {
			for _, masks := range []bool{true, false} {
				var want []string
				for _, key := range sortedKeys(m.sets, func(k block.SetKey) (block.Period, bool) { return k.Period, k.Grain == grain && k.Shard == shard }) {
					if b := block.MergeSets(m.sets[key]); b.Len() > 0 {
						want = append(want, setsText(b, masks))
					}
				}
				if got := readSets(t, v, grain, shard, masks); !slices.Equal(got, want) {
					t.Fatalf("sets of %v shard %d, masks %v:\n%s\nwant\n%s", grain, shard, masks, got, want)
				}
			}
		}
	}
}

func readSets(t fatal, v store.View, grain rollcall.Grain, shard int, masks bool) (texts []string) {
	t.Helper()
	blocks, err := v.Sets(context.Background(), grain, shard, low, high, masks)
	must(t, err)
	for _, b := range blocks {
		s, err := b.Sets()
		must(t, err)
		if masks && !b.HasMasks() {
			t.Fatalf("%v: the masks are missing", b.Key)
		}
		texts = append(texts, setsText(s, masks))
	}
	return texts
}

func setsText(s *block.Sets, masks bool) string {
	text := fmt.Sprint(s.Key, s.Dims, s.Start, s.Users)
	if masks {
		text += fmt.Sprint(s.Masks)
	}
	return text
}

// sortedKeys lists the keys that are wanted by rising period.
func sortedKeys[K comparable, V any](m map[K]V, period func(K) (block.Period, bool)) []K {
	var keys []K
	for k := range m {
		if _, wanted := period(k); wanted {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b K) int {
		pa, _ := period(a)
		pb, _ := period(b)
		return int(pa - pb)
	})
	return keys
}

func (m *model) ledgerRows() []store.LedgerRow {
	found := slices.Collect(maps.Values(m.ledger))
	slices.SortFunc(found, func(a, b store.LedgerRow) int {
		if a.Hour != b.Hour {
			return int(a.Hour - b.Hour)
		}
		return a.Shard - b.Shard
	})
	return found
}

// checkRest compares what the writer reads, and what no view shows.
func (m *model) checkRest(t fatal, s Store) {
	t.Helper()
	m.checkState(t, s)
	letters, err := s.Letters(context.Background(), store.LetterQuery{Limit: 1000})
	must(t, err)
	same := func(a, b store.DeadLetter) bool {
		return a.At == b.At && a.Source == b.Source && a.Reason == b.Reason && a.Detail == b.Detail && bytes.Equal(a.Raw, b.Raw)
	}
	if !slices.EqualFunc(letters, m.letters, same) {
		t.Fatalf("letters %+v\nwant %+v", letters, m.letters)
	}
}
