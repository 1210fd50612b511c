package query

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const instantLayout = "2006-01-02T15:04:05.000Z07:00"

// maxExact is the number of ms beyond which a float64 of seconds no longer stands for one number of ms.
const maxExact = 1e15

// appendNumber writes a figure: counts without a fraction, durations with ms, ratios as exact as they are.
func appendNumber(dst []byte, k kind, v float64) []byte {
	switch {
	case k == whole:
		return strconv.AppendInt(dst, int64(v), 10)
	case k == seconds && v >= 0 && v < maxExact/1000:
		return appendSeconds(dst, uint64(math.Round(v*1000)))
	default:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
}

// appendSeconds writes ms as seconds, without zeros at the end.
func appendSeconds(dst []byte, ms uint64) []byte {
	dst = strconv.AppendUint(dst, ms/1000, 10)
	f := ms % 1000
	if f == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// bufferSize is how many bytes of a reply are written at once.
const bufferSize = 32 << 10

// WriteJSON writes the reply of GET /api/v1/query, row by row.
func (r *Result) WriteJSON(w io.Writer) error {
	if err := r.writeJSONRows(w); err != nil {
		return err
	}
	_, err := w.Write(appendTail(nil, r.AsOf, r.CompleteThrough, r.rest()))
	return err
}

func (r *Result) writeJSONRows(w io.Writer) error {
	names := quoted(r.Columns())
	buckets, values := r.quotedBuckets(), r.quotedTexts(names[1:])
	names = names[1+len(r.texts):]
	buf := append(make([]byte, 0, bufferSize+1024), `{"rows":[`...)
	for i, row := range r.order {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, buckets[r.buckets[row]]...)
		group := r.table.group[row]
		for d := range r.texts {
			buf = append(buf, values[d][r.texts[d].number[group]]...)
		}
		for m, column := range r.values {
			buf = appendFigure(append(append(append(buf, ','), names[m]...), ':'), r.columns[m].kind, column[row])
		}
		buf = append(buf, '}')
		if len(buf) >= bufferSize {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	_, err := w.Write(buf)
	return err
}

func appendFigure(dst []byte, k kind, v float64) []byte {
	if math.IsNaN(v) {
		return append(dst, "null"...)
	}
	return appendNumber(dst, k, v)
}

// quotedBuckets gives the beginning of the rows of each bucket.
func (r *Result) quotedBuckets() [][]byte {
	begun := make([][]byte, len(r.table.buckets))
	for i, bucket := range r.table.buckets {
		begun[i] = fmt.Appendf(nil, "\n{\"bucket\":%q", r.plan.label(bucket))
	}
	return begun
}

// quotedTexts gives the members of each dimension's values.
func (r *Result) quotedTexts(names [][]byte) [][][]byte {
	members := make([][][]byte, len(r.texts))
	for d := range r.texts {
		for _, text := range r.texts[d].list {
			members[d] = append(members[d], slices.Concat([]byte{','}, names[d], []byte{':'}, quote(text)))
		}
	}
	return members
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

// WriteCSV writes a header line and the rows, as RFC 4180 has it; null is empty.
func (r *Result) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(r.Columns()); err != nil {
		return err
	}
	var record []string
	for i := range r.order {
		record = r.record(record[:0], i)
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// record appends the texts of row i, empty ones for null.
func (r *Result) record(dst []string, i int) []string {
	dst = append(dst, r.Bucket(i))
	for d := range r.texts {
		dst = append(dst, r.Value(i, d))
	}
	for m := range r.values {
		if v := r.Metric(i, m); math.IsNaN(v) {
			dst = append(dst, "")
		} else {
			dst = append(dst, string(appendNumber(nil, r.columns[m].kind, v)))
		}
	}
	return dst
}
