package query

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// A row group is what the writer holds in memory, and a batch what it is handed at once, in rows.
const (
	parquetGroup = 1 << 16
	parquetBatch = 256
)

// WriteParquet writes the rows with zstd: texts by dictionary, counts as INT64, other figures as DOUBLE, null as null.
// What JSON says besides the rows is metadata of the file. Memory is bounded by a row group, whatever the number of rows.
func (r *Result) WriteParquet(w io.Writer) (err error) {
	out := parquet.NewWriter(w, r.parquetSchema(), parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(parquetGroup),
		parquet.CreatedBy("rollcall", "", ""))
	for name, value := range r.metadata() {
		out.SetKeyValueMetadata(name, value)
	}
	texts := r.parquetTexts()
	width := 1 + len(r.texts) + len(r.values)
	values, rows := make([]parquet.Value, 0, parquetBatch*width), make([]parquet.Row, 0, parquetBatch)
	for start := 0; start < len(r.order); start += parquetBatch {
		values, rows = values[:0], rows[:0]
		for i := start; i < min(start+parquetBatch, len(r.order)); i++ {
			values = r.appendParquet(values, i, texts)
			rows = append(rows, values[len(values)-width:])
		}
		if _, err := out.WriteRows(rows); err != nil {
			return fmt.Errorf("parquet, rows from %d: %w", start, err)
		}
	}
	return out.Close()
}

// metadata is what a reply says besides its rows.
func (r *Result) metadata() map[string]string {
	return map[string]string{
		"as_of":            strings.Trim(string(appendInstant(nil, r.AsOf)), `"`),
		"complete_through": strings.Trim(string(appendInstant(nil, r.CompleteThrough)), `"`),
		"build":            strconv.FormatUint(uint64(r.Build), 10),
		"late":             strconv.FormatInt(r.Late, 10),
		"duplicates":       strconv.FormatInt(r.Duplicates, 10),
	}
}

// parquetTexts are the texts of each dimension; what is not UTF-8 in them becomes U+FFFD.
func (r *Result) parquetTexts() [][]parquet.Value {
	all := make([][]parquet.Value, len(r.texts))
	for d := range r.texts {
		for _, text := range r.texts[d].list {
			all[d] = append(all[d], parquetText(text).Level(0, 0, 1+d))
		}
	}
	return all
}

func parquetText(text string) parquet.Value {
	return parquet.ByteArrayValue([]byte(strings.ToValidUTF8(text, "\uFFFD")))
}

// appendParquet appends the values of row i.
func (r *Result) appendParquet(values []parquet.Value, i int, texts [][]parquet.Value) []parquet.Value {
	row := r.order[i]
	values = append(values, parquetText(r.Bucket(i)).Level(0, 0, 0))
	for d := range texts {
		values = append(values, texts[d][r.texts[d].number[r.table.group[row]]])
	}
	for m, column := range r.values {
		at := 1 + len(texts) + m
		switch v := column[row]; {
		case math.IsNaN(v):
			values = append(values, parquet.NullValue().Level(0, 0, at))
		case r.columns[m].kind == whole:
			values = append(values, parquet.Int64Value(int64(v)).Level(0, 1, at))
		default:
			values = append(values, parquet.DoubleValue(v).Level(0, 1, at))
		}
	}
	return values
}

func (r *Result) parquetSchema() *parquet.Schema {
	text := parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	var g ordered
	for _, name := range r.Columns()[:1+len(r.texts)] {
		g.fields = append(g.fields, field{text, name})
	}
	for _, c := range r.columns {
		figure := parquet.Leaf(parquet.DoubleType)
		if c.kind == whole {
			figure = parquet.Int(64)
		}
		g.fields = append(g.fields, field{parquet.Optional(figure), c.name})
	}
	return parquet.NewSchema("rollcall", g)
}

// ordered is a group of fields that keep their order; the library's own are sorted by name.
type ordered struct {
	parquet.Group
	fields []parquet.Field
}

func (o ordered) Fields() []parquet.Field { return o.fields }

type field struct {
	parquet.Node
	name string
}

func (f field) Name() string { return f.name }

// Value is for rows that are Go values, which none is here.
func (f field) Value(base reflect.Value) reflect.Value { return base }
