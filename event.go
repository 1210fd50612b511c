package rollcall

// Names that stand for a value the event did not bring.
const (
	NotSet      = "(not set)" // a dimension that is missing, null or empty
	Other       = "(other)"   // a dimension value beyond the cap
	DefaultType = "event"
)

// Limits of an event's fields, in bytes.
const (
	MaxUserID    = 256
	MaxEventID   = 256
	MaxSessionID = 256
	MaxType      = 128
	MaxDimension = 1024
)

// MaxDimensions is the largest number of dimensions a configuration may name.
const MaxDimensions = 16

// Event is one record of something a user did. The byte slices may point into the caller's buffer: whoever keeps an
// Event beyond the call copies them.
type Event struct {
	User    []byte   // user_id; empty only for a session record without a user
	ID      []byte   // event_id; empty when the producer gave none
	Session []byte   // session_id; empty when the producer gave none
	Type    []byte   // empty means DefaultType
	Dims    [][]byte // one value for each configured dimension, in configured order; empty means NotSet
	Time    int64    // Unix ms

	Record   bool  // a session record: Duration and Bounce are the producer's
	Bounce   bool  // session record only
	NewUser  bool  // session record only; counts as an active user when User is empty
	Duration int64 // session record only, ms
}

// Reset empties e for n dimensions and keeps its memory.
func (e *Event) Reset(n int) {
	dims := e.Dims
	if cap(dims) < n {
		dims = make([][]byte, n)
	}
	dims = dims[:n]
	clear(dims)
	*e = Event{Dims: dims}
}

// Offset is a position in a shard's log. Offsets rise from record to record; they need not be dense.
type Offset uint64

// Clone copies the event and every byte it points to.
func (e *Event) Clone() Event {
	c := *e
	c.User, c.ID, c.Session, c.Type = clone(e.User), clone(e.ID), clone(e.Session), clone(e.Type)
	c.Dims = make([][]byte, len(e.Dims))
	for i, d := range e.Dims {
		c.Dims[i] = clone(d)
	}
	return c
}

func clone(b []byte) []byte { return append([]byte(nil), b...) }
