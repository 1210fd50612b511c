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

// A row group is what a reader works on at once, and a batch what a column's writer is handed at once, in rows.
const (
	rowGroup = 1 << 18
	rowBatch = 1 << 12
)

// columns are those of the files, in their order: the event's own, one for each dimension, and its place in the log.
type columns struct {
	all     []column
	group   int64                                  // rows of a row group
	writers map[string]*parquet.GenericWriter[any] // by kind, used again and again
}

// column is one of them: its form, and its value in a row of a batch, null when it has none.
type column struct {
	name  string
	form  parquet.Node
	value func(b *batch, row int) parquet.Value
}

func newColumns(dims []string, users *userNames) (*columns, error) {
	text := parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	unique := parquet.Encoded(parquet.String(), &parquet.DeltaByteArray)
	instant := parquet.Encoded(parquet.Timestamp(parquet.Millisecond), &parquet.DeltaBinaryPacked)
	whole := parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked)
	may := parquet.Optional
	all := []column{
		{"user_id", may(text), func(b *batch, row int) parquet.Value { return optionalText(users.of(b.Rows[row].User)) }},
		{"time", instant, func(b *batch, row int) parquet.Value { return parquet.Int64Value(b.Rows[row].Time) }},
		{"event_id", may(unique), func(b *batch, row int) parquet.Value { return optionalText(b.Rows[row].ID) }},
		{"session_id", may(text), func(b *batch, row int) parquet.Value { return optionalText(b.Rows[row].Session) }},
		{"type", text, func(b *batch, row int) parquet.Value { return parquet.ByteArrayValue(b.TypeName(&b.Rows[row])) }},
	}
	for d, name := range dims {
		all = append(all, column{name, may(text), func(b *batch, row int) parquet.Value { return optionalText(b.dimension(row, d)) }})
	}
	all = append(all,
		column{"session_duration_ms", may(whole), ofRecord(func(r *record.Row) parquet.Value { return parquet.Int64Value(r.Duration) })},
		column{"is_bounce", may(parquet.Leaf(parquet.BooleanType)), ofRecord(func(r *record.Row) parquet.Value { return parquet.BooleanValue(r.Bounce) })},
		column{"is_new_user", may(parquet.Leaf(parquet.BooleanType)), ofRecord(func(r *record.Row) parquet.Value { return parquet.BooleanValue(r.NewUser) })},
		column{"log_shard", whole, func(b *batch, _ int) parquet.Value { return parquet.Int64Value(int64(b.shard)) }},
		column{"log_offset", whole, func(b *batch, _ int) parquet.Value { return parquet.Int64Value(int64(b.offset)) }},
		column{"log_row", whole, func(_ *batch, row int) parquet.Value { return parquet.Int64Value(int64(row)) }},
		column{"received", instant, func(b *batch, _ int) parquet.Value { return parquet.Int64Value(b.received) }},
		column{"reason", text, func(b *batch, row int) parquet.Value { return parquet.ByteArrayValue([]byte(b.verdict(row).String())) }})
	for i, c := range all {
		if slices.ContainsFunc(all[:i], func(o column) bool { return o.name == c.name }) {
			return nil, fmt.Errorf("a dimension has the name of the column %q: name it otherwise and map it with fields", c.name)
		}
	}
	return &columns{all: all, group: rowGroup, writers: map[string]*parquet.GenericWriter[any]{}}, nil
}

// of gives the columns of a kind: accepted events have no reason.
func (c *columns) of(kind string) []column {
	if kind == kindEvents {
		return c.all[:len(c.all)-1]
	}
	return c.all
}

// writer gives the writer of a kind, which writes a new file into w.
func (c *columns) writer(kind string, w io.Writer) *parquet.GenericWriter[any] {
	if c.writers[kind] == nil {
		schema := parquet.NewSchema(kind, ordered{columns: c.of(kind)})
		c.writers[kind] = parquet.NewGenericWriter[any](w, schema, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(c.group), parquet.CreatedBy("rollcall", "", ""))
	}
	c.writers[kind].Reset(w)
	return c.writers[kind]
}

func optionalText(v []byte) parquet.Value {
	if len(v) == 0 {
		return parquet.Value{}
	}
	return parquet.ByteArrayValue(v).Level(0, 1, 0)
}

func ofRecord(value func(*record.Row) parquet.Value) func(*batch, int) parquet.Value {
	return func(b *batch, row int) parquet.Value {
		if r := &b.Rows[row]; r.Record {
			return value(r).Level(0, 1, 0)
		}
		return parquet.Value{}
	}
}

// writeFile writes the rows of a group and tells in f what they are.
func (a *Archive) writeFile(f *File, p *span, g *group) error {
	f.Min, f.Max = math.MaxInt64, math.MinInt64
	for _, at := range g.rows {
		b := p.batches[at.batch]
		r := &b.Rows[at.row]
		hi, lo := b.Hash(r)
		f.add(Sum{1, hi, lo})
		f.Min, f.Max = min(f.Min, r.Time), max(f.Max, r.Time)
	}
	return a.deps.Place.Put(f.Path, func(w io.Writer) error {
		counted := &counter{w: w}
		out := a.columns.writer(g.kind, counted)
		values := make([]parquet.Value, 0, min(rowBatch, len(g.rows)))
		for rows := range slices.Chunk(g.rows, rowBatch) {
			for i, c := range a.columns.of(g.kind) {
				values = values[:0]
				for _, at := range rows {
					values = append(values, c.value(p.batches[at.batch], int(at.row)))
				}
				if _, err := out.ColumnWriters()[i].WriteRowValues(values); err != nil {
					return err
				}
			}
		}
		err := out.Close()
		f.Bytes = counted.n
		return err
	})
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
	columns []column
}

func (o ordered) Fields() []parquet.Field {
	fields := make([]parquet.Field, len(o.columns))
	for i, c := range o.columns {
		fields[i] = field{c.form, c.name}
	}
	return fields
}

type field struct {
	parquet.Node
	name string
}

func (f field) Name() string { return f.name }

// Value is for rows that are Go values, which none is here.
func (f field) Value(base reflect.Value) reflect.Value { return base }
