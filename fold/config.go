package fold

import (
	"math"

	"rollcall"
	"rollcall/record"
)

// Config is what the figures depend on besides the events. It must not change over the life of a build.
type Config struct {
	Dims     int
	Cuboids  []rollcall.Cuboid // smallest first; the last keeps all dimensions
	Calendar rollcall.Calendar
	Gap      int64 // session gap, ms
	Passive  map[string]bool
	Earlier  []rollcall.Rule // that sessions of before are made by, by rising Until
	// LateHorizon is how far behind the shard's newest event an event may be, ms; 0 for no limit.
	LateHorizon int64
	// An event makes minute and hour cells when it was younger than these, in ms, when the log received it.
	MinuteRetention, HourRetention int64
	// Text gives the text of a dimension value; ties between entry events need it.
	Text func(dim int, v rollcall.Value) string
	// Admit tells whether a value counts as itself on a date, or as OtherValue because of the cap. Once it has said
	// yes it must always do, and once no for a value, for as long as the shard lives.
	Admit func(dim int, d rollcall.Date, v rollcall.Value) bool
}

// Key is the secret of a shard's hashes. It is made once and kept with the dictionary.
type Key [2]uint64

// Shard is the state of one shard. It is not safe for concurrent use.
type Shard struct {
	cfg   Config
	key   Key
	full  int // index of the full cuboid
	cells *cellTable
	users *dictionary
	ids   *keyIndex
	sids  *keyIndex

	days    map[rollcall.Date]*dayPresence
	hours   map[int64]*hourPresence // by period: start of the hour, Unix minutes
	parts   map[int64]*sessionDay   // by UTC day
	accs    map[rollcall.Date]*dayAcc
	spare   []*dayAcc // empty, for reuse
	minutes map[minuteKey]*minuteAcc
	ledger  map[int64]*LedgerDelta
	letters []Late
	drops   []record.Drop

	eras      []era // by rising time
	era       int   // last used
	zone      rollcall.Zone
	day       *dayPresence // last used
	hour      *hourPresence
	part      *sessionDay
	acc       *dayAcc
	row       *LedgerDelta
	need      Need
	resumed   bool          // the row at hand has passed de-duplication already
	maxTime   int64         // newest event seen; MinInt64 for none
	horizon   rollcall.Date // oldest date that is not late while maxTime is horizonOf
	horizonOf int64
	counts    Counts
	clock     uint64 // rises with every Cut; parts remember when they last changed
	lastUsed  uint64
	scratch   scratch
}

// Counts are running totals of a shard.
type Counts struct {
	Accepted, Duplicates, Late int64
	MaxTime                    int64 // time of the newest event seen, Unix ms; 0 for none
	Users                      int64
}

// New makes the state of an empty shard.
func New(cfg Config, key Key) *Shard {
	return &Shard{
		cfg: cfg, key: key, full: len(cfg.Cuboids) - 1, eras: erasOf(&cfg),
		cells: newCellTable(cfg), users: newDictionary(), ids: newKeyIndex(), sids: newKeyIndex(),
		days: map[rollcall.Date]*dayPresence{}, hours: map[int64]*hourPresence{}, parts: map[int64]*sessionDay{},
		accs: map[rollcall.Date]*dayAcc{}, minutes: map[minuteKey]*minuteAcc{}, ledger: map[int64]*LedgerDelta{},
		maxTime: math.MinInt64, horizonOf: math.MinInt64, clock: 1,
	}
}

// Restore sets the running totals after a restart.
func (s *Shard) Restore(c Counts) {
	s.counts = c
	s.maxTime = math.MinInt64
	if c.Accepted+c.Duplicates > 0 {
		s.maxTime = c.MaxTime
	}
}

// Counts gives the running totals.
func (s *Shard) Counts() Counts {
	c := s.counts
	c.Users, c.MaxTime = int64(s.users.len()), s.maxTime
	if s.maxTime == math.MinInt64 {
		c.MaxTime = 0
	}
	return c
}
