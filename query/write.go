package query

import (
	"bufio"
	"encoding/csv"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall"
)

const instantLayout = "2006-01-02T15:04:05.000Z07:00"

// appendNumber writes a figure: counts without a fraction, durations with ms, ratios as exact as they are.
func appendNumber(dst []byte, k kind, v float64) []byte {
	if k == whole {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

// WriteJSON writes the reply of GET /api/v1/query, row by row.
func (r *Result) WriteJSON(w io.Writer) error {
	if err := r.writeJSONRows(w); err != nil {
		return err
	}
	_, err := w.Write(appendTail(nil, r.AsOf, r.CompleteThrough, r.rest()))
	return err
}

func (r *Result) writeJSONRows(w io.Writer) error {
	out := bufio.NewWriterSize(w, 32<<10)
	names := quoted(r.Columns())
	values := r.quotedValues()
	line := []byte(`{"rows":[`)
	for i, row := range r.rows {
		if i > 0 {
			line = append(line, ',')
		}
		line = append(line, '\n', '{')
		line = append(append(line, names[0]...), ':', '"')
		line = append(append(line, r.plan.label(row.bucket)...), '"')
		for d, v := range r.groups.valuesOf(row.group) {
			line = append(append(append(line, ','), names[1+d]...), ':')
			line = append(line, values[d][v]...)
		}
		line = r.appendMetrics(line, row, names[1+len(r.plan.groupBy):])
		line = append(line, '}')
		if _, err := out.Write(line); err != nil {
			return err
		}
		line = line[:0]
	}
	if _, err := out.Write(line); err != nil { // the bracket that opens no rows
		return err
	}
	return out.Flush()
}

func (r *Result) appendMetrics(line []byte, row row, names [][]byte) []byte {
	for m, column := range r.values {
		line = append(append(append(line, ','), names[m]...), ':')
		if v := column[row.number]; math.IsNaN(v) {
			line = append(line, "null"...)
		} else {
			line = appendNumber(line, r.plan.metrics[m].kind, v)
		}
	}
	return line
}

func appendInstant(line []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(line, "null"...)
	}
	return append(t.AppendFormat(append(line, '"'), instantLayout), '"')
}

func quoted(names []string) [][]byte {
	q := make([][]byte, len(names))
	for i, name := range names {
		q[i] = quote(name)
	}
	return q
}

// quote gives a text as JSON; what is not UTF-8 in it becomes U+FFFD.
func quote(text string) []byte {
	b, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(text, "\uFFFD"))
	if err != nil {
		panic(err) // the text is valid UTF-8
	}
	return b
}

// quotedValues gives the JSON of each value, by dimension grouped by, of those that occur.
func (r *Result) quotedValues() []map[rollcall.Value][]byte {
	all := make([]map[rollcall.Value][]byte, len(r.plan.groupBy))
	for i := range all {
		all[i] = map[rollcall.Value][]byte{}
	}
	for g := range uint32(r.groups.n) {
		for i, v := range r.groups.valuesOf(g) {
			if all[i][v] == nil {
				all[i][v] = quote(r.plan.text(r.plan.groupBy[i], v))
			}
		}
	}
	return all
}

// WriteCSV writes a header line and the rows, as RFC 4180 has it; null is empty.
func (r *Result) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(r.Columns()); err != nil {
		return err
	}
	var record []string
	for i := range r.rows {
		record = r.record(record[:0], i, "")
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// record appends the texts of row i.
func (r *Result) record(dst []string, i int, null string) []string {
	row := r.rows[i]
	dst = append(dst, r.plan.label(row.bucket))
	for d := range r.plan.groupBy {
		dst = append(dst, r.value(row.group, d))
	}
	for m, column := range r.values {
		if v := column[row.number]; math.IsNaN(v) {
			dst = append(dst, null)
		} else {
			dst = append(dst, string(appendNumber(nil, r.plan.metrics[m].kind, v)))
		}
	}
	return dst
}
