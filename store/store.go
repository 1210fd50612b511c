package store

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"rollcall"
	"rollcall/block"
)

// ErrFenced tells that another owner has taken over the shard, or that the offsets do not meet: nothing was written.
var ErrFenced = errors.New("fenced: the shard has another owner or another offset")

// Writer is what the owner of shards needs.
type Writer interface {
	// Acquire takes a shard over: it raises the epoch and returns the position to go on from.
	Acquire(ctx context.Context, shard int) (Position, error)
	// Commit applies one commit, durable on return. ErrFenced (wrapped in *FencedError) when a fence failed.
	Commit(ctx context.Context, c *Commit) error
	// State returns the chunks of one part of a shard's state, oldest first, as of the last commit.
	State(ctx context.Context, key StateKey) ([]StateChunk, error)
	// Intern gives each value of a dimension its number, assigning new ones durably. One transaction.
	Intern(ctx context.Context, dim int, values []string) ([]rollcall.Value, error)
	// Quarantine keeps dead letters that never reached the log. One transaction.
	Quarantine(ctx context.Context, letters []DeadLetter) error
}

// Viewer opens consistent views for readers.
type Viewer interface {
	// View opens a view of the newest committed state. The caller closes it.
	View(ctx context.Context) (View, error)
}

// View is one consistent state of the store.
type View interface {
	// Head tells what the view holds.
	Head() *Head
	// Cells returns the merged blocks of a grain and cuboid with From ≤ period < Until, by rising period.
	Cells(ctx context.Context, grain rollcall.Grain, cuboid rollcall.Cuboid, from, until block.Period) ([]*block.Cells, error)
	// Sets returns the user sets of a shard with From ≤ period < Until, by rising period; their masks only when asked.
	Sets(ctx context.Context, grain rollcall.Grain, shard int, from, until block.Period, masks bool) ([]*block.Packed, error)
	// Ledger returns the rows with From ≤ Hour < Until, by (hour, shard); only those with dropped events when asked.
	Ledger(ctx context.Context, from, until int64, dropped bool) ([]LedgerRow, error)
	// State returns the chunks of one part of a shard's state, oldest first.
	State(ctx context.Context, key StateKey) ([]StateChunk, error)
	// States returns the chunks of the parts from that of from up to, not including, until, by rising part, each oldest first.
	States(ctx context.Context, from StateKey, until int64) ([]StateChunk, error)
	// History tells what each hour's commits did to the figures of a day.
	History(ctx context.Context, day rollcall.Date) (*History, error)
	// Close releases the view.
	Close() error
}

// Head describes a view.
type Head struct {
	Identity   uint64 // of the store: a random number given when it was made
	Build      uint32
	Version    uint64             // rises with every commit
	Committed  int64              // Unix ms of the last commit; 0 when there was none
	Dimensions []string           // as configured when the store was made
	Values     [][]string         // Values[d][v] is the text of value v of dimension d
	Shards     []Position         // by shard number
	Stamps     [NumClocks][]Stamp // by rising period: those that hold something
}

// Clock is a kind of period that has versions of its own.
type Clock uint8

// The clocks.
const (
	MinuteClock Clock = iota // an hour bucket, as Unix minutes: cells and user sets of its minutes
	LedgerClock              // a UTC day, as days since 1970: the ledger rows of its hours
	DayClock                 // a civil date: the cells of its hours and of the day, the user sets of the day
	UsersClock               // a part of a shard's dictionary, see UsersPeriod: its users' first events
	NumClocks
)

// ClockOf tells whose versions the cells of a grain have.
func ClockOf(g rollcall.Grain) Clock {
	if g == rollcall.Minute {
		return MinuteClock
	}
	return DayClock
}

// LedgerDay is the period of LedgerClock that an hour of the ledger lies in.
func LedgerDay(hour int64) block.Period {
	const dayMS = 24 * 3_600_000
	day := hour / dayMS
	if hour < day*dayMS {
		day--
	}
	return block.Period(day)
}

// UsersPeriod is the period of UsersClock that a part of a shard's dictionary has. Those of a shard lie between its part 0
// and part 0 of the next shard.
func UsersPeriod(shard int, part int64) block.Period {
	return block.Period(int64(shard)<<32 | part&math.MaxUint32)
}

// UsersPart is the part of the dictionary that a period of UsersClock stands for.
func UsersPart(p block.Period) int64 { return int64(p) & math.MaxUint32 }

// Stamp is the version of the last commit that touched a period.
type Stamp struct {
	Period  block.Period
	Version uint64
}

// Between gives the stamps of a clock with from ≤ period < until.
func (h *Head) Between(c Clock, from, until block.Period) []Stamp {
	before := func(s Stamp, p block.Period) int { return cmp.Compare(s.Period, p) }
	lo, _ := slices.BinarySearchFunc(h.Stamps[c], from, before)
	hi, _ := slices.BinarySearchFunc(h.Stamps[c], until, before)
	return h.Stamps[c][lo:max(lo, hi)]
}

// Stamp gives the version of the last commit that touched a period; 0 for none.
func (h *Head) Stamp(c Clock, p block.Period) uint64 {
	if one := h.Between(c, p, p+1); len(one) > 0 {
		return one[0].Version
	}
	return 0
}

// Position is how far a shard has come.
type Position struct {
	Shard            int
	Epoch            uint64
	Offset           rollcall.Offset // next to fold: everything below is committed
	Snapshot         rollcall.Offset // the state chunks of kinds IDs, Sessions and SessionIDs are as of this offset
	Received         int64           // when the log received the last committed record, Unix ms
	Accepted         int64           // events in the figures
	Duplicates, Late int64           // events dropped as duplicates; events beyond the late horizon
	MaxTime          int64           // the newest event time seen, Unix ms
	Users            int64           // size of the shard's dictionary
}

// Commit is one transaction: what some shards folded since their last commit.
type Commit struct {
	At       int64             // Unix ms
	Calendar rollcall.Calendar // whose dates the days are; the zero one for UTC
	Shards   []ShardCommit
}

// ShardCommit is one shard's part of a commit.
type ShardCommit struct {
	From     rollcall.Offset // the fence, with Epoch of To
	To       Position        // the position after it; To.Snapshot is changed only when Snapshot is set
	Snapshot bool            // State holds every change of state up to To.Offset
	Cells    []*block.Cells  // deltas; several blocks may have the same key
	Sets     []*block.Sets   // deltas
	State    []StateChunk
	Ledger   []LedgerRow // deltas
	Letters  []DeadLetter
}

// StateKind tells what a chunk of fold state is. Fold alone knows the format.
type StateKind uint8

// The kinds of state.
const (
	Users      StateKind = 1 // dictionary: dense ids and first events; written with every commit
	IDs        StateKind = 2 // event ids seen; written with snapshots
	Sessions   StateKind = 3 // sessions of a day; written with snapshots
	SessionIDs StateKind = 4 // session ids seen and the day each is kept in; written with snapshots
	Drops      StateKind = 5 // rows of the log that count in no figure (record.Drop), by DropsPart; written with every commit
	Limits     StateKind = 6 // settings that were changed under the data (record.Limits); written with the first commit that they are in force for
)

// DropsPart is the part of kind Drops that tells of the record at an offset.
func DropsPart(o rollcall.Offset) int64 { return int64(o >> 20) }

// StateKey names a part of a shard's state.
type StateKey struct {
	Shard int
	Kind  StateKind
	Part  int64
}

// StateChunk is one addition to a part. With Full set it replaces all earlier chunks of its key.
type StateChunk struct {
	Key  StateKey
	Full bool
	Data []byte
}

// LedgerRow counts the accepted events of one shard and hour of event time.
type LedgerRow struct {
	Shard            int
	Hour             int64 // start of the UTC hour, Unix ms
	Count            int64
	HashHi, HashLo   uint64 // sum mod 2^128 of the events' 128-bit hashes
	Duplicates, Late int64  // dropped events with a time in this hour
}

// DeadLetter is something that could not be accepted, byte for byte.
type DeadLetter struct {
	Number int64  // given by the store
	At     int64  // Unix ms
	Source string // where it came from: a file and line, an address, a shard and offset
	Reason string // machine-readable
	Detail string // for people
	Raw    []byte
	Bytes  int // of the whole record, when it is read: Raw may be its beginning
}

// LetterQuery tells which dead letters are wanted.
type LetterQuery struct {
	After, Before int64  // their numbers lie between, and are neither; a Before of 0 is no bound
	Reason        string // only these; "" for all
	Newest        bool   // newest first, else oldest first
	Limit         int
	MaxRaw        int // bytes of each record that are read; 0 for all
}

// LetterCount counts the dead letters of one reason.
type LetterCount struct {
	Reason string
	Count  int64
	Newest int64 // when the newest came, Unix ms
}

// FencedError names the shard whose fence failed. It unwraps to ErrFenced.
type FencedError struct {
	Shard  int
	Want   Position // what the committer believed
	Stored Position // what the store holds
}

// Keeper does the store's housekeeping. Every call works in small transactions and may run beside commits.
type Keeper interface {
	// Compact merges the deltas of cells, sets and state until no key has more than one chunk (all=true), or until
	// no key has more than a bounded number (all=false). Parts of state are merged by the given function.
	Compact(ctx context.Context, all bool, merge MergeState) (CompactStats, error)
	// Expire deletes the cells and sets of a grain with period < before.
	Expire(ctx context.Context, grain rollcall.Grain, before block.Period) error
	// ExpireHistory deletes the changes of hours that began before (Unix ms).
	ExpireHistory(ctx context.Context, before int64) error
	// Sizes tells how many bytes each kind of content takes.
	Sizes(ctx context.Context) ([]Size, error)
}

// Letters reads and clears the quarantine, which Writer fills. Every call is one transaction and may run beside commits.
type Letters interface {
	// Letters lists dead letters.
	Letters(ctx context.Context, q LetterQuery) ([]DeadLetter, error)
	// CountLetters counts the newest dead letters by reason, most at most, the commonest reason first.
	CountLetters(ctx context.Context, most int) ([]LetterCount, error)
	// DeleteLetters deletes the letters of these numbers, all or none, and tells how many there were; one that is not
	// there is passed over. A number is never given again.
	DeleteLetters(ctx context.Context, numbers []int64) (deleted int64, err error)
}

// Verified is what the last verification of a day found.
type Verified struct {
	Day         rollcall.Date // WholeLog for what is of no day
	Build       uint32
	Version     uint64 // the newest of the day's cells and ledger that was compared
	At          int64  // when it was found, Unix ms
	Took        int64  // how long the verification was under way, ms
	Differences int64
}

// WholeLog stands for the sums and the end of the log in place of a day.
const WholeLog rollcall.Date = math.MinInt32

// Verifications keeps what was verified, for all processes and the next start. Every call is one transaction and may run
// beside commits.
type Verifications interface {
	// Verified lists what is kept, by rising day.
	Verified(ctx context.Context) ([]Verified, error)
	// SetVerified replaces what is kept of these days.
	SetVerified(ctx context.Context, days []Verified) error
}

// MergeState merges the chunks of one part, oldest first, into one.
type MergeState func(key StateKey, chunks [][]byte) ([]byte, error)

// CompactStats counts what a compaction did.
type CompactStats struct {
	Keys, Chunks         int
	BytesRead, BytesKept int64
}

// Size is the room one kind of content takes.
type Size struct {
	Name   string // cells/day, cells/hour, cells/minute, sets/day, sets/minute, users, ids, sessions, session ids, drops, limits, ledger, history, other
	Chunks int64
	Bytes  int64
}
