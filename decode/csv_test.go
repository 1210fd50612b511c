package decode

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"rollcall"
)

func csvOf(t fataler, d *Decoder, r io.Reader) (got []call, err error) {
	err = d.CSV(r, collect(t, d, &got))
	return got, err
}

func TestCSV(t *testing.T) {
	const in = bom + "time,user_id,ignored,age_group,campaign_id,session_duration,is_bounce\r\n" +
		"2026-11-01 00:00:00,u1,x,20s,\"a,b\",,\r\n" +
		"\r\n" +
		"1793534400,\"u \"\"2\"\"\",,,\"two\r\nlines\",12.5,TRUE\n" +
		",u3,,,,,\n" +
		"1,u4\n" +
		"1,u5,a\"b,,,,\n" +
		"1,u6,\"a\"b,,,,\n" +
		"1,u7,\xff,,,,\n" +
		"1,u8,,,,1,\n" +
		"1,u9,\"unclosed,,,,\n1,u10,,,,,\n"
	d := newDecoder(t, testConfig)
	got, err := csvOf(t, d, strings.NewReader(in))
	want := []call{
		{2, `2026-11-01 00:00:00,u1,x,20s,"a,b",,`, `user="u1" id="" session="" type="" dims=["a,b" "20s"] time=1793458800000`},
		{4, "1793534400,\"u \"\"2\"\"\",,,\"two\r\nlines\",12.5,TRUE", `user="u \"2\"" id="" session="" type="" dims=["two\r\nlines" ""] time=1793534400000 record=true bounce=true new=false duration=12500`},
		{6, ",u3,,,,,", "missing_time time"},
		{7, "1,u4", "csv_field_count"},
		{8, "1,u5,a\"b,,,,", "invalid_csv"},
		{9, "1,u6,\"a\"b,,,,", "invalid_csv"},
		{10, "1,u7,\xff,,,,", "invalid_utf8"},
		{11, "1,u8,,,,1,", "invalid_session_record is_bounce"},
		{12, "1,u9,\"unclosed,,,,\n1,u10,,,,,\n", "invalid_csv"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\n got %v\nwant %v", err, got, want)
	}
}

func TestCSVHeader(t *testing.T) {
	d := newDecoder(t, Config{Fields: map[string]string{"user_id": "visitor"}})
	for in, want := range map[string]string{
		"":                                      "",
		"\n\n":                                  "",
		"visitor,time\n":                        "",
		"visitor,event_date":                    "",
		"event_date,session_duration,is_bounce": "",
		"user_id,time\n":                        `no column "visitor" among "user_id,time"`,
		"visitor,ts\n":                          `no column "time"`,
		"time,session_duration\n":               `no column "visitor"`,
		"visitor,time,visitor":                  "column 3",
		"visitor,\"time\n":                      "invalid_csv",
		"visitor,time,\xff\n":                   "invalid_utf8",
		strings.Repeat("x", DefaultMaxLine+1):   "line_too_long",
	} {
		got, err := csvOf(t, d, strings.NewReader(in))
		if len(got) > 0 || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, %v; want %q", in, got, err, want)
		}
	}
}

var csvPieces = []string{"a", "b c", ",", ",", "\n", "\n", "\r\n", `"`, `""`, `"a"`, `"x,y"`, `"l1` + "\n" + `l2"`, "é", "1", " "}

// The fields are those that encoding/csv finds, where it finds any, and each piece of the input is in one record.
func TestCSVAgreesWithStandardLibrary(t *testing.T) {
	d := newDecoder(t, Config{Dimensions: []string{"x", "y"}, MaxLine: 10_000})
	rapid.Check(t, func(t *rapid.T) {
		csvAgrees(t, d, drawDocument(t, csvPieces))
	})
}

func csvAgrees(t fataler, d *Decoder, doc string) {
	want, err := csv.NewReader(strings.NewReader(doc)).ReadAll()
	table := csvTable{d: d, w: memory([]byte(doc))}
	var got [][]string
	broken := Reason("")
	for {
		raw, ok := table.next()
		if !ok {
			break
		}
		if rej := table.split(raw); rej != nil {
			broken = rej.Reason
			break
		}
		var row []string
		for _, cell := range d.cells {
			row = append(row, strings.ReplaceAll(string(cell), "\r\n", "\n"))
		}
		if got = append(got, row); len(row) != len(got[0]) {
			broken = CSVFieldCount
			break
		}
	}
	var parse *csv.ParseError
	switch {
	case errors.As(err, &parse) != (broken != "") && broken != InvalidUTF8 && !strings.Contains(doc, "\r"):
		t.Fatalf("%q: got %q, the standard library %v", doc, broken, err)
	case err == nil && broken == "" && !slices.EqualFunc(got, want, slices.Equal):
		t.Fatalf("%q:\n got %q\nwant %q", doc, got, want)
	}
}

// However CSV is cut into reads, the records are the same.
func TestCSVCutAnyWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := "user_id,time,x\n" + drawDocument(t, csvPieces)
		d, err := New(Config{MaxLine: rapid.IntRange(20, 60).Draw(t, "max line")})
		if err != nil {
			t.Fatalf("%v", err)
		}
		want, err := csvOf(t, d, strings.NewReader(doc))
		if err != nil {
			t.Fatalf("%v", err)
		}
		withWindow(d, rapid.IntRange(3, 20).Draw(t, "slack"))
		got, err := csvOf(t, d, iotest.OneByteReader(strings.NewReader(doc)))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q: %v\n got %v\nwant %v", doc, err, got, want)
		}
	})
}

func FuzzCSV(f *testing.F) {
	for _, in := range []string{"", "\r", "a\r", "user_id,time\na,1\n", "user_id,time\n\"a\"\"b\",\"1\"\r\n", "user_id,time\n\"a,1\n", "user_id,time\na\"b,1\n\n", "\xef\xbb\xbfuser_id,time\n\xff,1", "a,b\n\"x\"y,z\n\"\n\""} {
		f.Add([]byte(in))
	}
	d := newDecoder(f, Config{MaxLine: 10_000})
	f.Fuzz(func(t *testing.T, doc []byte) {
		csvAgrees(t, d, string(doc))
		const header = "user_id,time\n"
		nothingLost(t, append([]byte(header), doc...), "\r\n", func(e Each) error {
			if err := e(-1, []byte(header[:len(header)-1]), nil, nil); err != nil {
				return err
			}
			return d.CSV(io.MultiReader(strings.NewReader(header), bytes.NewReader(doc)), e)
		})
	})
}

func TestCSVAllocatesNothingPerRecord(t *testing.T) {
	d := newDecoder(t, Config{})
	doc := "user_id,time,x\n" + strings.Repeat("\"u\"\"1\",2026-11-01T00:00:00Z,\"a,b\"\n", 1000)
	allocs := testing.AllocsPerRun(5, func() {
		if err := d.CSV(strings.NewReader(doc), func(int, []byte, *rollcall.Event, *Reject) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 10 {
		t.Errorf("%v allocations for 1000 records", allocs)
	}
}
