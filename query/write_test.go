package query

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"
)

// The parquet form has what the CSV form has, in the same order, and the metadata of the reply.
func TestParquetHasTheRowsOfCSV(t *testing.T) {
	r := read(t, "metrics=active_users,avg_session_duration,bounce_rate&group_by=campaign&compare=previous_year&order=-active_users")
	for i := range r.table.figures {
		if i%7 == 0 {
			r.table.figures[i].Counters = [len(r.table.figures[i].Counters)]int64{} // no sessions: null
		}
	}
	res, err := r.result()
	if err != nil {
		t.Fatal(err)
	}
	var file, text bytes.Buffer
	if err := res.WriteParquet(&file); err != nil {
		t.Fatal(err)
	}
	if err := res.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	want, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if have := parquetRecords(t, file.Bytes()); fmt.Sprint(have) != fmt.Sprint(want) || len(want) != 1+writtenDays*writtenGroups {
		t.Fatalf("%d records, want %d: %q, want %q", len(have), len(want), have[1], want[1])
	}
	f, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"as_of": "2023-11-14T22:13:20.123Z", "complete_through": "2023-11-14T22:13:20.123Z", "build": "3", "late": "0", "duplicates": "0"} {
		if have, _ := f.Lookup(name); have != value {
			t.Errorf("%s is %q, want %q", name, have, value)
		}
	}
}

func parquetRecords(t *testing.T, data []byte) [][]string {
	r := parquet.NewReader(bytes.NewReader(data))
	defer r.Close()
	header := []string{}
	for _, f := range r.Schema().Fields() {
		header = append(header, f.Name())
	}
	records := [][]string{header}
	rows := make([]parquet.Row, 100)
	for {
		n, err := r.ReadRows(rows)
		for _, row := range rows[:n] {
			var record []string
			for _, v := range row {
				switch {
				case v.IsNull():
					record = append(record, "")
				case v.Kind() == parquet.Double:
					record = append(record, strconv.FormatFloat(v.Double(), 'f', -1, 64))
				default:
					record = append(record, v.String())
				}
			}
			records = append(records, record)
		}
		if err == io.EOF {
			return records
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Row groups are bounded, so that memory is.
func TestParquetRowGroupsAreBounded(t *testing.T) {
	res, err := read(t, "metrics=events&group_by=campaign").result()
	if err != nil {
		t.Fatal(err)
	}
	for len(res.order) < 2*parquetGroup {
		res.order = append(res.order, res.order...)
	}
	var file bytes.Buffer
	if err := res.WriteParquet(&file); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range f.RowGroups() {
		if g.NumRows() > parquetGroup {
			t.Errorf("a row group of %d rows", g.NumRows())
		}
	}
	if f.NumRows() != int64(len(res.order)) || len(f.RowGroups()) < 2 {
		t.Errorf("%d rows in %d groups, want %d rows", f.NumRows(), len(f.RowGroups()), len(res.order))
	}
}

// Durations are written as the shortest text of their float is.
func TestSecondsAreWrittenAsFloatsAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.IntRange(0, 56).Draw(t, "bits")
		v := float64(rapid.Int64Range(0, 1<<bits).Draw(t, "ms")) / 1000
		if have, want := string(appendNumber(nil, seconds, v)), strconv.FormatFloat(v, 'f', -1, 64); have != want {
			t.Fatalf("%s, want %s", have, want)
		}
	})
}

// A limit with an order gives the beginning of what the order alone gives.
func TestLimitCutsTheOrder(t *testing.T) {
	const asked = "metrics=active_users,bounces,bounce_rate&group_by=campaign"
	for _, order := range []string{"", "bounces", "-bounces", "-bucket", "campaign,-bounce_rate", "-campaign"} {
		all, err := read(t, asked+"&order="+order).result()
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{1, 2, 20, 999, 17_999, 18_000, 20_000} {
			cut, err := read(t, fmt.Sprintf("%s&order=%s&limit=%d", asked, order, limit)).result()
			if err != nil {
				t.Fatal(err)
			}
			if want := all.order[:min(limit, all.Len())]; fmt.Sprint(cut.order) != fmt.Sprint(want) {
				t.Errorf("order %q, limit %d", order, limit)
			}
		}
		if v := all.Metric(0, 2); math.IsNaN(v) || !strings.HasPrefix(all.Value(0, 0), "campaign_") {
			t.Errorf("order %q: first row %v %v", order, all.Value(0, 0), v)
		}
	}
}
