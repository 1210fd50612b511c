package archive

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math"
	"reflect"
	"slices"

	"github.com/parquet-go/parquet-go"

	"rollcall/record"
)

// A row group is what a reader works on at once, and a batch what the writer is handed at once, in rows.
const (
	rowGroup = 1 << 18
	rowBatch = 256
)

// columns are those of the files, in their order: the event's own, one for each dimension, and its place in the log.
type columns struct {
	dims    []string
	schemas map[string]*parquet.Schema // by kind
}

func newColumns(dims []string) (*columns, error) {
	text := parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	unique := parquet.Encoded(parquet.String(), &parquet.DeltaByteArray)
	instant := parquet.Encoded(parquet.Timestamp(parquet.Millisecond), &parquet.DeltaBinaryPacked)
	whole := parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked)
	yes := parquet.Leaf(parquet.BooleanType)
	fields := []field{{parquet.Optional(text), "user_id"}, {instant, "time"}, {parquet.Optional(unique), "event_id"}, {parquet.Optional(text), "session_id"}, {text, "type"}}
	for _, d := range dims {
		fields = append(fields, field{parquet.Optional(text), d})
	}
	fields = append(fields, field{parquet.Optional(whole), "session_duration_ms"}, field{parquet.Optional(yes), "is_bounce"}, field{parquet.Optional(yes), "is_new_user"},
		field{whole, "log_shard"}, field{whole, "log_offset"}, field{whole, "log_row"}, field{instant, "received"})
	for i, f := range fields {
		if slices.ContainsFunc(fields[:i], func(o field) bool { return o.name == f.name }) {
			return nil, fmt.Errorf("a dimension has the name of the column %q: name it otherwise and map it with fields", f.name)
		}
	}
	c := &columns{dims: dims, schemas: map[string]*parquet.Schema{}}
	c.schemas[kindEvents] = parquet.NewSchema("event", ordered{fields: fields})
	c.schemas[kindDropped] = parquet.NewSchema("dropped_event", ordered{fields: append(slices.Clone(fields), field{text, "reason"})})
	return c, nil
}

func (c *columns) writer(kind string, w io.Writer) *parquet.Writer {
	return parquet.NewWriter(w, c.schemas[kind], parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(rowGroup), parquet.CreatedBy("rollcall", "", ""))
}

// writeFile writes the rows of a group and tells in f what they are.
func (a *Archive) writeFile(f *File, shard int, p *span, g *group) error {
	f.Min, f.Max = math.MaxInt64, math.MinInt64
	return a.deps.Place.Put(f.Path, func(w io.Writer) error {
		counted := &counter{w: w}
		out := a.columns.writer(g.kind, counted)
		values, rows := []parquet.Value{}, []parquet.Row{}
		for start := 0; start < len(g.rows); start += rowBatch {
			values, rows = values[:0], rows[:0]
			for _, at := range g.rows[start:min(start+rowBatch, len(g.rows))] {
				b, n := p.batches[at.batch], len(values)
				r := &b.Rows[at.row]
				values = a.appendRow(values, shard, b, int(at.row))
				rows = append(rows, values[n:])
				hi, lo := b.Hash(r)
				f.add(Sum{1, hi, lo})
				f.Min, f.Max = min(f.Min, r.Time), max(f.Max, r.Time)
			}
			if _, err := out.WriteRows(rows); err != nil {
				return err
			}
		}
		err := out.Close()
		f.Bytes = counted.n
		return err
	})
}

// appendRow appends the values of one row.
func (a *Archive) appendRow(values []parquet.Value, shard int, b *batch, row int) []parquet.Value {
	r, first := &b.Rows[row], len(values)
	need := func(v parquet.Value) { values = append(values, v.Level(0, 0, len(values)-first)) }
	may := func(v parquet.Value, is bool) {
		if !is {
			values = append(values, parquet.NullValue().Level(0, 0, len(values)-first))
			return
		}
		values = append(values, v.Level(0, 1, len(values)-first))
	}
	may(parquet.ByteArrayValue(a.users.of(r.User)), len(r.User) > 0)
	need(parquet.Int64Value(r.Time))
	may(parquet.ByteArrayValue(r.ID), len(r.ID) > 0)
	may(parquet.ByteArrayValue(r.Session), len(r.Session) > 0)
	need(parquet.ByteArrayValue(b.TypeName(r)))
	for _, d := range a.columns.dims {
		v := b.dimension(r, d)
		may(parquet.ByteArrayValue(v), len(v) > 0)
	}
	may(parquet.Int64Value(r.Duration), r.Record)
	may(parquet.BooleanValue(r.Bounce), r.Record)
	may(parquet.BooleanValue(r.NewUser), r.Record)
	need(parquet.Int64Value(int64(shard)))
	need(parquet.Int64Value(int64(b.offset)))
	need(parquet.Int64Value(int64(row)))
	need(parquet.Int64Value(b.received))
	switch b.verdict(row) {
	case duplicate:
		need(parquet.ByteArrayValue([]byte("duplicate")))
	case late:
		need(parquet.ByteArrayValue([]byte("late")))
	}
	return values
}

// dimension is the value of a dimension; empty when it is not set.
func (b *batch) dimension(r *record.Row, name string) []byte {
	for i, n := range b.DimNames {
		if string(n) == name {
			return b.Strings[b.Tuples[int(r.Tuple)*len(b.DimNames)+i]]
		}
	}
	return nil
}

// counter counts the bytes written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// userNames gives the user ids of the files: themselves, or 128 bits of their HMAC-SHA256 in hex.
type userNames struct {
	mac hash.Hash
	sum []byte
}

func newUserNames(key []byte) *userNames {
	if key == nil {
		return &userNames{}
	}
	return &userNames{mac: hmac.New(sha256.New, key)}
}

func (u *userNames) of(id []byte) []byte {
	if u.mac == nil || len(id) == 0 {
		return id
	}
	u.mac.Reset()
	u.mac.Write(id)
	u.sum = u.mac.Sum(u.sum[:0])
	return hex.AppendEncode(nil, u.sum[:16])
}

// name tells archives of different keys apart, and nothing of the key.
func (u *userNames) name() string {
	if u.mac == nil {
		return "plain"
	}
	return "keyed " + string(u.of([]byte("\x00which key")))
}

// ordered is a group of fields that keep their order; the library's own are sorted by name.
type ordered struct {
	parquet.Group
	fields []field
}

func (o ordered) Fields() []parquet.Field {
	all := make([]parquet.Field, len(o.fields))
	for i, f := range o.fields {
		all[i] = f
	}
	return all
}

type field struct {
	parquet.Node
	name string
}

func (f field) Name() string { return f.name }

// Value is for rows that are Go values, which none is here.
func (f field) Value(base reflect.Value) reflect.Value { return base }
