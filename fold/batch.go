package fold

import (
	"github.com/dchest/siphash"

	"rollcall"
	"rollcall/record"
)

// Batch is a decoded log record on its way through a shard.
type Batch struct {
	record.Batch
	Offset   rollcall.Offset
	Received int64 // Unix ms
	// Values holds the numbers of the dimension values, parallel to Tuples, with Config.Dims values a combination. A
	// dimension the batch does not know is NotSetValue.
	Values []rollcall.Value

	cells []uint32 // full cell of each combination
	keys  []rowKey
	kinds []int8 // by era and type number: 1 interactive, -1 passive, 0 not looked up
	// KnownIDs and KnownSessions are the answers to what Prepare asked.
	KnownIDs, KnownSessions map[UserKey]int32
}

type rowKey struct {
	userHash uint64
	id       uint64
	session  uint64
	user     uint32 // 0 when not met before this batch
	slot     uint32 // of the user in the dictionary, as long as it is not resized
}

// Doubts are the keys that may have been seen before the last snapshot: their parts must be looked up, and what is
// found put into KnownIDs and KnownSessions, before Fold.
type Doubts struct{ IDs, Sessions []UserKey }

// Prepare resolves what does not depend on the order of events. The loops touch memory for all rows before any result is
// needed, so that cache misses overlap.
func (s *Shard) Prepare(b *Batch) Doubts {
	s.resolveCells(b)
	b.kinds = append(b.kinds[:0], make([]int8, len(s.eras)*(len(b.Strings)+1))...)
	b.keys = b.keys[:0]
	for i := range b.Rows {
		r := &b.Rows[i]
		k := rowKey{}
		if len(r.User) > 0 {
			k.userHash = s.hash(r.User)
		}
		if len(r.ID) > 0 {
			k.id = s.hash(r.ID)
		}
		if len(r.Session) > 0 && !r.Record {
			k.session = s.hash(r.Session)
		}
		b.keys = append(b.keys, k)
	}
	for i := range b.keys {
		if k := &b.keys[i]; len(b.Rows[i].User) > 0 {
			k.user, k.slot = s.users.look(k.userHash)
		}
	}
	return s.doubts(b)
}

// ahead is how many rows touchAhead is ahead of the fold: few enough for what it reads to stay in the cache.
const ahead = 128

// touchAhead reads the first line of what each row will look up in the tables of ids, sessions and presence. The loads
// do not depend on each other, so the memory serves many at a time; foldRow then finds the lines in the cache.
func (s *Shard) touchAhead(keys []rowKey) {
	sum := uint64(0)
	for i := range keys {
		at := UserKey{keys[i].id, keys[i].user}.mix() >> s.ids.shift
		sum += s.ids.slots[at]
	}
	if d := s.part; d != nil && len(d.slots) > 0 {
		for i := range keys {
			sum += uint64(d.slots[keys[i].user*0x9E3779B1>>d.shift].user)
		}
	}
	if d := s.day; d != nil && len(d.slots) > 0 {
		for i := range keys {
			sum += uint64(d.slots[keys[i].user*0x9E3779B1>>d.shift].user)
		}
	}
	s.scratch.sum = sum
}

func (s *Shard) doubts(b *Batch) Doubts {
	d := &s.scratch.doubts
	d.IDs, d.Sessions = d.IDs[:0], d.Sessions[:0]
	if len(s.ids.filters) == 0 && len(s.sids.filters) == 0 {
		return *d
	}
	for i := range b.Rows {
		r, k := &b.Rows[i], &b.keys[i]
		if k.user == 0 && len(r.User) > 0 {
			continue
		}
		if key := (UserKey{k.id, k.user}); len(r.ID) > 0 && s.ids.maybe(key) && s.ids.get(key) == 0 {
			d.IDs = append(d.IDs, key)
		}
		if len(r.Session) > 0 && !r.Record {
			if key := (UserKey{k.session, k.user}); s.sids.maybe(key) && !s.atHome(key, r.Time) {
				d.Sessions = append(d.Sessions, key)
			}
		}
	}
	return *d
}

// atHome tells whether a session is found without looking up its home.
func (s *Shard) atHome(k UserKey, time int64) bool {
	if s.sids.get(k) != 0 {
		return true
	}
	d := s.parts[floorDiv(time, dayMS)]
	return d != nil && d.name(k) >= 0
}

func (s *Shard) hash(text []byte) uint64 { return siphash.Hash(s.key[0], s.key[1], text) }

func (s *Shard) resolveCells(b *Batch) {
	b.cells = b.cells[:0]
	n := s.cfg.Dims
	for t := range b.Combinations() {
		b.cells = append(b.cells, s.cells.of(b.Values[t*n:(t+1)*n]))
	}
}

// interactive is 1 for an event that counts against a bounce.
func (s *Shard) interactive(b *Batch, r *record.Row) uint8 {
	e := s.eraOf(r.Time)
	known := &b.kinds[s.era*(len(b.Strings)+1)+int(r.Type)]
	if *known == 0 {
		*known = 1
		if e.passive[string(b.TypeName(r))] {
			*known = -1
		}
	}
	if *known < 0 {
		return 0
	}
	return 1
}
