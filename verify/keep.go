package verify

import (
	"slices"

	"rollcall/record"
)

// The finest grain that an event counts in.
const (
	levelDay = iota
	levelHour
	levelMinute
)

// event is an accepted event. The upper bits of cell tell what else there is to know.
type event struct {
	time int64
	cell uint32
	row  uint32 // its place among all rows of the shard
}

const (
	levelAt     = 26 // two bits
	flagID      = 1 << 28
	flagPassive = 1 << 29
	flagNamed   = 1 << 30 // extra is the hash of its session_id
	flagRecord  = 1 << 31 // a session record: extra is its duration, then isBounce and isCounted

	isBounce  = 2
	isCounted = 1
)

func (e *event) full() uint32 { return e.cell & (maxCells - 1) }
func (e *event) level() int   { return int(e.cell >> levelAt & 3) }

// columns are the accepted events of a pass, in log order.
type columns struct {
	user   []uint32 // 0 for none
	events []event
	extra  []uint64 // nil as long as no event has any
}

// keep appends an accepted event to the columns.
func (s *shard) keep(b *Batch, r *record.Row, user uint32) {
	e := event{time: r.Time, cell: s.cells.of[r.Tuple] | s.levelOf(b.Received-r.Time)<<levelAt, row: uint32(s.row)}
	if len(r.ID) > 0 {
		e.cell |= flagID
	}
	extra := uint64(0)
	switch {
	case r.Record:
		e.cell |= flagRecord
		extra = uint64(r.Duration) << 2
		if r.Bounce {
			extra |= isBounce
		}
		if r.NewUser && len(r.User) == 0 {
			extra |= isCounted
		}
	case s.isPassive(b, r):
		e.cell |= flagPassive
	}
	if !r.Record && len(r.Session) > 0 {
		e.cell |= flagNamed
		extra = hashOf(r.Session, s.seed).hi
	}
	s.columns.user, s.events = append(s.columns.user, user), append(s.events, e)
	if extra != 0 && s.extra == nil {
		s.extra = make([]uint64, len(s.events)-1, cap(s.events))
	}
	if s.extra != nil {
		s.extra = append(s.extra, extra)
	}
}

func (s *shard) levelOf(age int64) uint32 {
	switch {
	case age >= s.force().Hour:
		return levelDay
	case age >= s.force().Minute:
		return levelHour
	default:
		return levelMinute
	}
}

func (s *shard) isPassive(b *Batch, r *record.Row) bool {
	if len(s.cfg.Earlier) > 0 {
		_, passive := s.cfg.ruleAt(r.Time)
		return slices.Contains(passive, string(b.TypeName(r)))
	}
	known := &s.passive[r.Type]
	if *known == 0 {
		*known = 1
		if slices.Contains(s.cfg.Passive, string(b.TypeName(r))) {
			*known = 2
		}
	}
	return *known == 2
}
