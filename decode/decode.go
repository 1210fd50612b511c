package decode

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"rollcall"
)

// Limits of a record.
const (
	DefaultMaxLine = 1 << 20  // bytes
	maxMaxLine     = 64 << 20 // the most that Config.MaxLine may ask for
	maxDepth       = 32       // levels of nesting, the object itself included
	maxFields      = 256      // fields of the object, known and unknown
)

// Config tells a Decoder what to look for.
type Config struct {
	Dimensions []string          // in configured order; the field of a dimension has its name unless Fields says otherwise
	Fields     map[string]string // name of a field or dimension → its name in the input; see FieldNames
	Location   *time.Location    // of times without an offset, and of event_date; nil is UTC
	MaxLine    int               // bytes of one record; 0 is DefaultMaxLine
}

// FieldNames lists the fields of an event that Config.Fields may map, besides the dimensions.
func FieldNames() []string { return slices.Clone(canonicalNames[:]) }

const (
	fieldUser = iota
	fieldTime
	fieldID
	fieldSession
	fieldType
	fieldDuration
	fieldBounce
	fieldNewUser
	fieldDate
	numFields
)

var canonicalNames = [numFields]string{
	"user_id", "time", "event_id", "session_id", "type", "session_duration", "is_bounce", "is_new_user", "event_date",
}

const maxInputs = numFields + rollcall.MaxDimensions

// Decoder turns records into events. It keeps its memory from call to call; it is not safe for concurrent use.
type Decoder struct {
	names   names
	fields  [numFields]uint8 // input of each canonical field
	dims    []uint8          // input of each dimension
	maxLine int
	clock   clock
	at      *int64 // time of records without one; nil refuses them

	values  [maxInputs]value // by input; those in seen are of this record
	seen    uint32
	guesses [32]guess // by the field's place in the record
	arena   []byte    // texts that differ from their bytes in the input
	ev      rollcall.Event
	rej     Reject
	line    int
	buf     []byte   // window of Stream and CSV
	cells   [][]byte // fields of a CSV record
}

// New makes a Decoder. The error names the setting that is wrong.
func New(cfg Config) (*Decoder, error) {
	d := &Decoder{maxLine: cfg.MaxLine, clock: newClock(cfg.Location)}
	switch {
	case cfg.MaxLine == 0:
		d.maxLine = DefaultMaxLine
	case cfg.MaxLine < 0 || cfg.MaxLine > maxMaxLine:
		return nil, fmt.Errorf("max line of %d bytes: want 1 to %d", cfg.MaxLine, maxMaxLine)
	}
	if err := checkNames(cfg); err != nil {
		return nil, err
	}
	input := func(name string) uint8 {
		if mapped, ok := cfg.Fields[name]; ok {
			name = mapped
		}
		return d.names.add(name)
	}
	for f, name := range canonicalNames {
		d.fields[f] = input(name)
	}
	for _, name := range cfg.Dimensions {
		d.dims = append(d.dims, input(name))
	}
	d.ev.Reset(len(d.dims))
	return d, nil
}

func checkNames(cfg Config) error {
	if len(cfg.Dimensions) > rollcall.MaxDimensions {
		return fmt.Errorf("%d dimensions: at most %d", len(cfg.Dimensions), rollcall.MaxDimensions)
	}
	for i, name := range cfg.Dimensions {
		if name == "" || slices.Contains(cfg.Dimensions[:i], name) {
			return fmt.Errorf("dimension %d: name %q is empty or stands twice", i+1, name)
		}
	}
	for name, input := range cfg.Fields {
		if !slices.Contains(canonicalNames[:], name) && !slices.Contains(cfg.Dimensions, name) {
			return fmt.Errorf("fields: %q is no field: one of %q or a dimension %q", name, canonicalNames, cfg.Dimensions)
		}
		if input == "" {
			return fmt.Errorf("fields: %s is mapped to an empty name", name)
		}
	}
	return nil
}

// Event decodes one JSON object into ev, whose slices then point into object or into the Decoder's memory: they hold
// until the next call. It returns nil when ev is accepted; a Reject holds until the next call.
func (d *Decoder) Event(object []byte, ev *rollcall.Event) *Reject {
	if len(object) > d.maxLine {
		return d.tooLong()
	}
	n, rej := d.object(object)
	if rej != nil {
		return rej
	}
	if n = space(object, n); n < len(object) {
		return d.malformed(object, n, "the end of the record")
	}
	return d.build(ev)
}

// At has records without a time take that which ms points to when they are decoded, Unix ms. Without it they are refused.
func (d *Decoder) At(ms *int64) { d.at = ms }

// Line is the line of the input, counted from 1, on which the record begins that Each is looking at. After Lines has
// returned it is the number of lines read.
func (d *Decoder) Line() int { return d.line }

func (d *Decoder) tooLong() *Reject {
	return d.refuse(LineTooLong, "", "a record may have "+strconv.Itoa(d.maxLine)+" bytes")
}
