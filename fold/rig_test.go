package fold_test

import (
	"fmt"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/fold"
	"rollcall/record"
	"rollcall/simtest"
)

// rig is a shard with a store and a log of its own, in memory: it cuts, snapshots, evicts and restarts when told.
type rig struct {
	t      *testing.T
	cfg    fold.Config
	dims   []string
	shard  *fold.Shard
	values []map[string]rollcall.Value
	texts  [][]string

	log                           [][]simtest.Logged // records: batches of events received at one time
	folded, committed, snapshotAt int                // records
	erased                        record.Users       // out of each record before it is folded
	ledger                        map[int64]fold.LedgerDelta

	cells                map[block.CellKey]*block.Cells
	sets                 map[block.SetKey]*block.Sets
	users                map[int64][][]byte
	ids, names, parts    map[int64][][]byte
	head                 []byte
	counts               fold.Counts
	clock, snapshotClock uint64
}

func newRig(t *testing.T, cfg simtest.Config) *rig {
	r := &rig{t: t, dims: cfg.Dimensions, cells: map[block.CellKey]*block.Cells{}, sets: map[block.SetKey]*block.Sets{},
		users: map[int64][][]byte{}, ids: map[int64][][]byte{}, names: map[int64][][]byte{}, parts: map[int64][][]byte{}}
	for range cfg.Dimensions {
		r.values = append(r.values, map[string]rollcall.Value{rollcall.NotSet: 0, rollcall.Other: 1, "": 0})
		r.texts = append(r.texts, []string{rollcall.NotSet, rollcall.Other})
	}
	passive := map[string]bool{}
	for _, p := range cfg.Passive {
		passive[p] = true
	}
	orForEver := func(d time.Duration) int64 {
		if d == 0 {
			return 1 << 60
		}
		return d.Milliseconds()
	}
	r.cfg = fold.Config{Dims: len(r.dims), Cuboids: rollcall.Cuboids(len(r.dims)), Calendar: rollcall.NewCalendar(cfg.Location),
		Gap: cfg.Gap.Milliseconds(), Earlier: cfg.Earlier, Passive: passive, LateHorizon: cfg.LateHorizon.Milliseconds(),
		MinuteRetention: orForEver(cfg.MinuteRetention), HourRetention: orForEver(cfg.HourRetention),
		Text:  func(d int, v rollcall.Value) string { return r.texts[d][v] },
		Admit: func(int, rollcall.Date, rollcall.Value) bool { return true }}
	r.shard = fold.New(r.cfg, fold.Key{7, 9})
	return r
}

func (r *rig) must(err error) {
	if err != nil {
		r.t.Helper()
		r.t.Fatal(err)
	}
}

// foldNext folds the next record of the log.
func (r *rig) foldNext() {
	events := r.log[r.folded]
	e := record.NewEncoder(r.dims)
	for i := range events {
		e.Add(&events[i].Event)
	}
	b := &fold.Batch{Received: events[0].Received, Offset: rollcall.Offset(r.folded)}
	payload, _, err := r.erased.Erase(e.Bytes())
	r.must(err)
	r.must(b.Decode(payload))
	r.resolve(b)
	d := r.shard.Prepare(b)
	b.KnownIDs, b.KnownSessions = r.known(d.IDs, r.ids, fold.ReadIDs), r.known(d.Sessions, r.names, fold.ReadSessionIDs)
	for done := 0; done < len(b.Rows); {
		var need fold.Need
		if done, need = r.shard.Fold(b, done); done < len(b.Rows) {
			r.load(need)
		}
	}
	r.folded++
}

func (r *rig) resolve(b *fold.Batch) {
	for i, s := range b.Tuples {
		dim := i % len(r.dims)
		text := string(b.Strings[s])
		v, ok := r.values[dim][text]
		if !ok {
			v = rollcall.Value(len(r.texts[dim]))
			r.values[dim][text] = v
			r.texts[dim] = append(r.texts[dim], text)
		}
		b.Values = append(b.Values, v)
	}
}

func (r *rig) known(keys []fold.UserKey, parts map[int64][][]byte, read func(int64, [][]byte) (*fold.KeyList, error)) map[fold.UserKey]int32 {
	found := map[fold.UserKey]int32{}
	for _, k := range keys {
		part := fold.KeyPart(k.User)
		list, err := read(part, parts[part])
		r.must(err)
		if v, ok := list.Find(k); ok {
			found[k] = v
		}
	}
	return found
}

func (r *rig) load(n fold.Need) {
	switch n.Missing {
	case fold.MissingDay:
		r.shard.LoadDay(n.Day, r.sets[block.SetKey{Grain: rollcall.Day, Period: block.Period(n.Day)}])
	case fold.MissingHour:
		r.shard.LoadHour(n.Hour, r.sets[block.SetKey{Grain: rollcall.Minute, Period: block.Period(n.Hour)}])
	case fold.MissingPart:
		r.must(r.shard.LoadSessions(n.Part, r.parts[n.Part]))
	default:
		r.t.Fatal("nothing needed, yet not done")
	}
}

// commit stores the deltas, and with a snapshot the state.
func (r *rig) commit(snapshot bool) {
	d := r.shard.Cut()
	for _, l := range d.Ledger {
		r.addLedger(l)
	}
	for _, c := range d.Cells {
		if old := r.cells[c.Key]; old != nil {
			c = block.MergeCells([]*block.Cells{old, c})
		}
		r.cells[c.Key] = c
	}
	for _, x := range d.Sets {
		if old := r.sets[x.Key]; old != nil {
			x = block.MergeSets([]*block.Sets{old, x})
		}
		r.sets[x.Key] = x
	}
	for i, data := range d.Users {
		r.users[d.Parts[i]] = append(r.users[d.Parts[i]], data)
	}
	r.counts, r.committed, r.clock = d.Counts, r.folded, d.Clock
	if !snapshot {
		return
	}
	st := r.shard.Snapshot()
	for _, x := range [...]struct {
		chunks []fold.Chunk
		to     map[int64][][]byte
	}{{st.IDs, r.ids}, {st.Sessions, r.parts}, {st.SessionIDs, r.names}} {
		for _, c := range x.chunks {
			x.to[c.Part] = append(x.to[c.Part], c.Data)
		}
	}
	r.head, r.snapshotAt, r.snapshotClock = st.Head, r.folded, st.Clock
}

func (r *rig) addLedger(l fold.LedgerDelta) {
	if r.ledger == nil {
		r.ledger = map[int64]fold.LedgerDelta{}
	}
	sum := r.ledger[l.Hour]
	var carry uint64
	sum.HashLo, carry = bits.Add64(sum.HashLo, l.HashLo, 0)
	sum.HashHi, _ = bits.Add64(sum.HashHi, l.HashHi, carry)
	sum.Hour, sum.Count, sum.Duplicates, sum.Late = l.Hour, sum.Count+l.Count, sum.Duplicates+l.Duplicates, sum.Late+l.Late
	r.ledger[l.Hour] = sum
}

// compact merges all chunks of state.
func (r *rig) compact() {
	merge := func(parts map[int64][][]byte, f func(int64, [][]byte) ([]byte, error)) {
		for p, chunks := range parts {
			one, err := f(p, chunks)
			r.must(err)
			parts[p] = [][]byte{one}
		}
	}
	merge(r.users, func(_ int64, c [][]byte) ([]byte, error) { return fold.MergeUsers(c) })
	merge(r.parts, func(_ int64, c [][]byte) ([]byte, error) { return fold.MergeSessions(c) })
	merge(r.ids, fold.MergeIDs)
	merge(r.names, fold.MergeSessionIDs)
}

// restart loses the memory and recovers from the store and the log.
func (r *rig) restart() {
	r.shard = fold.New(r.cfg, fold.Key{7, 9})
	for part := int64(0); part <= fold.UserPart(uint32(r.counts.Users)); part++ {
		r.must(r.shard.LoadUsers(r.users[part]))
	}
	for part := int64(0); part <= fold.KeyPart(uint32(r.counts.Users)); part++ {
		r.must(r.shard.LoadIDs(part, r.ids[part]))
		r.must(r.shard.LoadSessionIDs(part, r.names[part]))
	}
	if r.head != nil {
		r.must(r.shard.LoadHead(r.head))
	}
	for r.folded = r.snapshotAt; r.folded < r.committed; {
		r.foldNext()
		r.shard.Discard()
	}
	r.shard.Restore(r.counts)
	r.clock, r.snapshotClock = 0, 0
}

// run folds the whole log, doing anything at any time.
func (r *rig) run(rnd *rand.Rand) {
	for r.folded < len(r.log) {
		switch n := rnd.IntN(12); {
		case n < 6:
			r.foldNext()
		case n < 8:
			r.commit(false)
		case n < 9:
			r.commit(true)
		case n < 10:
			r.shard.Evict(0, r.clock, r.snapshotClock)
		case n < 11:
			r.restart()
		default:
			r.compact()
		}
	}
	r.commit(rnd.IntN(2) == 0)
}

// rows gives the cells of some rigs as the rows of a query that groups by a cuboid.
func rows(cfg simtest.Config, rigs []*rig, g rollcall.Grain, c rollcall.Cuboid) []simtest.Row {
	merged := map[string]simtest.Row{}
	cal := rollcall.NewCalendar(cfg.Location)
	for _, r := range rigs {
		for key, cells := range r.cells {
			if key.Grain != g || key.Cuboid != c {
				continue
			}
			for i := range cells.Sub {
				row := simtest.Row{"bucket": bucketText(cal, key, cells.Sub[i])}
				at := 0
				for d, name := range cfg.Dimensions {
					if c.Has(d) {
						row[name] = r.texts[d][cells.Dims[at][i]]
						at++
					}
				}
				id := fmt.Sprintf("%q", row)
				if merged[id] == nil {
					merged[id] = row
				}
				for k, name := range map[int]string{rollcall.Events: "events", rollcall.Sessions: "sessions", rollcall.Bounces: "bounces", rollcall.NewUsers: "new_users"} {
					addTo(merged[id], name, float64(cells.Counters[k][i]))
				}
				addTo(merged[id], "active_users", float64(cells.Counters[rollcall.Active][i]+cells.Counters[rollcall.Counted][i]))
				addTo(merged[id], "total_session_duration", float64(cells.Counters[rollcall.Duration][i])/1000)
			}
		}
	}
	var all []simtest.Row
	for _, row := range merged {
		all = append(all, row)
	}
	return all
}

func addTo(row simtest.Row, name string, v float64) {
	old, _ := row[name].(float64)
	row[name] = old + v
}

func bucketText(cal rollcall.Calendar, key block.CellKey, sub uint8) string {
	switch key.Grain {
	case rollcall.Day:
		return rollcall.Date(key.Period).String()
	case rollcall.Hour:
		return time.UnixMilli(cal.Hours(rollcall.Date(key.Period))[sub]).In(cal.Location()).Format(time.RFC3339)
	default:
		return time.Unix(int64(key.Period)*60+int64(sub)*60, 0).In(cal.Location()).Format(time.RFC3339)
	}
}

// byBucket sorts rows in a way that does not depend on where they come from.
func byBucket(rows []simtest.Row) []simtest.Row {
	byText := map[string][]simtest.Row{}
	for _, row := range rows {
		text := fmt.Sprint(row)
		byText[text] = append(byText[text], row)
	}
	sorted := make([]simtest.Row, 0, len(rows))
	for _, text := range slices.Sorted(maps.Keys(byText)) {
		sorted = append(sorted, byText[text]...)
	}
	return sorted
}
