package verify

import (
	"context"
	"errors"
	"math"
	"math/bits"

	"rollcall"
	"rollcall/record"
	"rollcall/store"
)

const (
	minuteMS = 60_000
	hourMS   = 60 * minuteMS
	ahead    = 256 // rows whose slots are read before they are needed, so that the misses overlap
)

// shard counts one shard.
type shard struct {
	*run
	number int
	until  rollcall.Offset
	seed   uint64

	users  *numbering
	seen   *keySet
	cells  *cellTable
	ledger map[int64]*store.LedgerRow
	total  store.Position                   // what the shard's position should be
	sets   map[setPeriod]map[uint32]members // by cell: what the sets should be
	columns

	pass, parts uint64
	row         uint64 // rows read in this pass
	marks       *marks
	drops       []record.Drop // marks of the batch at hand that are not behind
	inForce     int           // among the shard's limits
	newest      int64
	newestOf    int64         // newest when horizon was computed
	horizon     rollcall.Date // for rows without marks
	zone        rollcall.Zone
	hour        *store.LedgerRow // last used
	hashes      [ahead]rowHash
	passive     []int8 // by type number of the batch: 0 for not looked up
	touched     uint64
}

type rowHash struct{ user, id key }

func (r *run) newShard(number int, until rollcall.Offset, seed uint64) *shard {
	p := &r.head.Shards[number]
	return &shard{run: r, number: number, until: until, seed: seed, parts: uint64(r.passes(p)), users: newNumbering(p.Users), cells: newCellTable(r.values),
		ledger: map[int64]*store.LedgerRow{}, sets: map[setPeriod]map[uint32]members{}, total: store.Position{Shard: number}, marks: newMarks(r.view, number)}
}

// scan reads the shard for one pass: it fills columns, when days are to be counted, and adds to the ledger.
func (s *shard) scan(ctx context.Context, pass uint64) error {
	p := s.head.Shards[s.number]
	s.pass, s.row, s.newest, s.newestOf, s.inForce, s.zone = pass, 0, math.MinInt64, math.MinInt64, 0, rollcall.Zone{}
	known := s.marks.known
	s.marks = newMarks(s.view, s.number)
	s.marks.known = known
	s.seen = newKeySet(p.Accepted / int64(s.parts))
	s.columns = columns{}
	if s.recounts() {
		room := p.Accepted/int64(s.parts) + 1024
		s.columns = columns{user: make([]uint32, 0, room), events: make([]event, 0, room)}
	}
	err := s.source.Read(ctx, s.number, s.until, func(b *Batch) (err error) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.drops, err = s.marks.of(ctx, b.Offset, len(b.Rows)); err != nil {
			return err
		}
		b.Rename(s.cfg.Renamed)
		s.take(b)
		if s.row > math.MaxUint32 || len(s.cells.numbers) > maxCells {
			return errors.New("more than 4,294,967,295 events or 67,108,864 combinations of values in one shard")
		}
		s.progress(len(b.Rows))
		return s.pace(ctx)
	})
	if err == nil && pass == 0 {
		s.strayMarks()
	}
	return err
}

func (s *shard) take(b *Batch) {
	s.setLimits(b.Offset)
	s.cells.resolve(b)
	s.passive = append(s.passive[:0], make([]int8, len(b.Strings)+1)...)
	for from := 0; from < len(b.Rows); from += ahead {
		rows := b.Rows[from:min(from+ahead, len(b.Rows))]
		s.lookAhead(rows)
		for i := range rows {
			if !rows[i].Erased {
				s.takeRow(b, from+i, &s.hashes[i])
			}
			s.row++
		}
	}
}

func (s *shard) lookAhead(rows []record.Row) {
	for i := range rows {
		s.hashes[i].user = hashOf(rows[i].User, s.seed)
		if len(rows[i].ID) > 0 {
			s.hashes[i].id = eventKey(&rows[i], s.seed)
		}
	}
	sum := uint64(0)
	for i := range rows {
		h := &s.hashes[i]
		sum += uint64(s.users.slots[place(h.user.hi, len(s.users.slots))].number)
		if len(rows[i].ID) > 0 {
			sum += s.seen.slots[place(h.id.hi, len(s.seen.slots))].lo
		}
	}
	s.touched += sum
}

func (s *shard) takeRow(b *Batch, at int, h *rowHash) {
	r, mine := &b.Rows[at], h.user.lo>>32%s.parts == s.pass
	s.newest = max(s.newest, r.Time)
	mark := s.marked(at)
	if s.late(b, at, mark, mine) {
		if mine {
			s.ledgerRow(r.Time).Late++
			s.total.Late++
		}
		return
	}
	user := uint32(0)
	if len(r.User) > 0 {
		user = s.users.of(h.user)
	}
	if !mine {
		return
	}
	repeated := len(r.ID) > 0 && !s.seen.add(h.id)
	s.checkMark(b, at, mark, repeated)
	row := s.ledgerRow(r.Time)
	if repeated {
		row.Duplicates++
		s.total.Duplicates++
		return
	}
	row.Count++
	s.total.Accepted++
	addHash(row, b, r)
	if s.recounts() {
		s.keep(b, r, user)
	}
}

// late tells whether an event counts as late: as the store says, if that can be. Where the store did not keep it yet, when
// its day is before that of the horizon, which lies behind the newest event so far.
func (s *shard) late(b *Batch, at int, mark verdict, mine bool) bool {
	time := b.Rows[at].Time
	if b.Offset >= s.marks.known {
		if mark != late {
			return false
		}
		possible := s.date(time) < s.date(s.newest)
		if !possible && mine {
			s.markDiffers(b, at, accepted, mark, "its day is not before that of the newest event that came before it: it can't have been late")
		}
		return possible
	}
	horizon := s.force().Late
	if horizon > 0 && s.newestOf != s.newest {
		s.horizon, s.newestOf = s.date(s.newest-horizon), s.newest
	}
	return horizon > 0 && s.date(time) < s.horizon
}

// checkMark compares what the store says of a row that is not late.
func (s *shard) checkMark(b *Batch, at int, mark verdict, repeated bool) {
	switch {
	case b.Offset < s.marks.known || repeated == (mark == duplicate) || mark == late:
	case repeated:
		s.markDiffers(b, at, duplicate, mark, "its user and event id came before it, and the store does not say that it was dropped: the archive counts it")
	default:
		s.markDiffers(b, at, accepted, mark, "no event with its user and event id came before it: the archive leaves it out")
	}
}

func (s *shard) date(time int64) rollcall.Date {
	if !s.zone.Holds(time) {
		s.zone = s.cfg.Calendar.Zone(time)
	}
	d, _ := s.zone.Date(time)
	return d
}

func (s *shard) ledgerRow(time int64) *store.LedgerRow {
	if s.hour != nil && time >= s.hour.Hour && time < s.hour.Hour+hourMS {
		return s.hour
	}
	hour := floorDiv(time, hourMS) * hourMS
	if s.ledger[hour] == nil {
		s.ledger[hour] = &store.LedgerRow{Shard: s.number, Hour: hour}
	}
	s.hour = s.ledger[hour]
	return s.hour
}

func addHash(row *store.LedgerRow, b *Batch, r *record.Row) {
	hi, lo := b.Hash(r)
	var carry uint64
	row.HashLo, carry = bits.Add64(row.HashLo, lo, 0)
	row.HashHi, _ = bits.Add64(row.HashHi, hi, carry)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
