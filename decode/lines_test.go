package decode

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"rollcall"
)

// call is what Each was given, as text.
type call struct {
	line    int
	raw     string
	outcome string
}

// calls collects what Each is given and checks the numbering.
func collect(t fataler, d *Decoder, into *[]call) Each {
	return func(index int, raw []byte, ev *rollcall.Event, rej *Reject) error {
		if index != len(*into) || (ev == nil) == (rej == nil) {
			t.Fatalf("index %d after %d records, %v, %v", index, len(*into), ev, rej)
		}
		*into = append(*into, call{d.Line(), string(raw), outcome(ev, rej)})
		return nil
	}
}

type fataler interface{ Fatalf(string, ...any) }

func bodyOf(t fataler, d *Decoder, body string) (got []call) {
	if err := d.Body([]byte(body), collect(t, d, &got)); err != nil {
		t.Fatalf("%v", err)
	}
	return got
}

func brief(calls []call) string {
	var s []string
	for _, c := range calls {
		word, _, _ := strings.Cut(c.outcome, " ")
		s = append(s, fmt.Sprintf("%d:%s", c.line, strings.TrimPrefix(word, "user=")))
	}
	return strings.Join(s, " ")
}

const (
	recA = `{"user_id":"a","time":1}`
	recB = `{"user_id":"b","time":2}`
	bad  = `{"user_id":}`
)

// bodyCases are bodies with the line and the user or the reason of each record.
var bodyCases = []struct{ in, want string }{
	{"", ""}, {" \n\r\n\t", ""}, {bom, ""}, {"[]", ""}, {" [ ] \n", ""},
	{recA, `1:"a"`}, {recA + "\n", `1:"a"`}, {bom + recA + "\r\n", `1:"a"`}, {"\n\n " + recA + " \n", `3:"a"`},
	{"{\n \"user_id\": \"a\",\n \"time\": 1\n}\n", `1:"a"`}, {"\n{\n \"user_id\": \"a\"\n}", `2:missing_time`},
	{"{\n \"user_id\": \"a\",\n \"time\": 1,\n}\n", `1:invalid_json`},
	{"{\n \"x\": [\n {\"user_id\": 1}\n ],\"user_id\":\"a\",\"time\":1}", `1:"a"`},
	{recA + "\n" + recB, `1:"a" 2:"b"`}, {recA + "\r\n\r\n" + recB + "\r\n", `1:"a" 3:"b"`}, {recA + "\n" + bom + recB, `1:"a" 2:"b"`},
	{bad + "\n" + recB, `1:invalid_json 2:"b"`}, {recA + "\n" + bad, `1:"a" 2:invalid_json`}, {"{\n" + recB, `1:invalid_json 2:"b"`},
	{`{"user_id":"a` + "\n" + recB, `1:invalid_json 2:"b"`}, {"oops\n" + recB, `1:invalid_json 2:"b"`}, {"1\n" + recB, `1:not_an_object 2:"b"`},
	{recA + recB, `1:invalid_json`}, {recA + "," + recB, `1:invalid_json`},
	{"[" + recA + "," + recB + "]", `1:"a" 1:"b"`}, {bom + "\n[\n" + recA + ",\n" + recB + "\n]\n", `3:"a" 4:"b"`},
	{"[" + recA + "," + bad + "," + recB + "]", `1:"a" 1:invalid_json 1:"b"`}, {"[1," + recB + ",null,[{}]]", `1:not_an_object 1:"b" 1:not_an_object 1:not_an_object`},
	{"[oops," + recB + "]", `1:invalid_json 1:"b"`}, {"[" + recA + ",]", `1:"a" 1:invalid_json`}, {"[," + recB + "]", `1:invalid_json 1:"b"`},
	{"[" + recA + ",", `1:"a" 1:invalid_json 1:invalid_json`}, {"[" + recA, `1:"a" 1:invalid_json`}, {"[", `1:invalid_json 1:invalid_json`},
	{"[" + recA + "\n" + recB + "\n]", `1:"a" 2:invalid_json 2:"b" 3:invalid_json`}, {"[" + recA + " " + recB + "]\n" + recA, `1:"a" 1:invalid_json 2:"a"`},
	{"[" + recA + "]" + recB, `1:"a" 1:"b"`}, {"[" + recA + "]\n" + recB + "\n", `1:"a" 2:"b"`}, {"[garbage\n" + recA + "\n" + recB, `1:invalid_json 2:invalid_json 2:"a" 3:"b"`},
	{`[{"user_id":"a,` + "\n" + recB + "\n" + recA, `1:invalid_json 2:invalid_json 2:"b" 3:"a"`}, {"[" + recA + "}," + recB + "]", `1:"a" 1:invalid_json`},
	{`["a,b",` + recA + `]`, `1:not_an_object 1:"a"`}, {`["a\",",` + recA + `]`, `1:not_an_object 1:"a"`}, {"[[[[[" + recA + "]", `1:invalid_json 1:invalid_json`},
	{"\xff\xfe{\x00}\x00", `1:invalid_json`}, {"\xef\xbb", `1:invalid_json`}, {bom + "\xbb", `1:invalid_json`}, {bom + "\xef", `1:invalid_json`}, {"]", `1:invalid_json`}, {"}", `1:invalid_json`}, {"\x00", `1:invalid_json`},
}

func TestBody(t *testing.T) {
	d := newDecoder(t, testConfig)
	for _, c := range bodyCases {
		if got := brief(bodyOf(t, d, c.in)); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

func TestEachStops(t *testing.T) {
	stop := errors.New("stop")
	d := newDecoder(t, testConfig)
	ways := map[string]func(Each) error{
		"lines": func(e Each) error { return d.Lines([]byte(recA+"\n"+recB), e) },
		"body":  func(e Each) error { return d.Body([]byte("["+recA+","+recB+"]"), e) },
		"one":   func(e Each) error { return d.Body([]byte(recA), e) },
		"array": func(e Each) error { return d.Stream(strings.NewReader("["+recA+","+recB+"]"), Array, e) },
		"break": func(e Each) error { return d.Body([]byte("["+recA+" x"), e) },
		"csv":   func(e Each) error { return d.CSV(strings.NewReader("user_id,time\na,1\nb,2\n"), e) },
	}
	for name, way := range ways {
		left := 1
		if name == "break" {
			left = 2
		}
		err := way(func(int, []byte, *rollcall.Event, *Reject) error {
			if left--; left == 0 {
				return stop
			}
			return nil
		})
		if err != stop || left != 0 {
			t.Errorf("%s: %v, %d", name, err, left)
		}
	}
}

// withWindow gives the decoder a small window, so that records often cross its end.
func withWindow(d *Decoder, slack int) *Decoder {
	d.buf = make([]byte, d.maxLine+slack)
	return d
}

func drawDocument(t *rapid.T, pieces []string) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 30).Draw(t, "pieces"), "")
}

var linePieces = []string{recA, recB, bad, "\n", "\n", "\n", "\r\n", "\r", " ", "\t", bom, `{"user_id":"c","time":3,"x":"` + strings.Repeat("long ", 20) + `"}`, strings.Repeat("é", 40), `{"user_id":"`, "[", `{`}

// However NDJSON is cut into reads and chunks, the records and their lines are the same.
func TestLinesCutAnyWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawDocument(t, linePieces)
		cfg := testConfig
		cfg.MaxLine = rapid.IntRange(1, 130).Draw(t, "max line")
		d, err := New(cfg)
		if err != nil {
			t.Fatalf("%v", err)
		}
		var want []call
		if err := d.Lines([]byte(doc), collect(t, d, &want)); err != nil {
			t.Fatalf("%v", err)
		}
		withWindow(d, rapid.IntRange(3, 20).Draw(t, "slack"))
		if first := strings.TrimLeft(strings.TrimPrefix(doc, bom), " \n\r\t"); !strings.HasPrefix(first, "[") {
			var got []call
			if err := d.Stream(iotest.OneByteReader(strings.NewReader(doc)), NDJSON, collect(t, d, &got)); err != nil || !slices.Equal(got, want) {
				t.Fatalf("%q as a stream: %v\n got %v\nwant %v", doc, err, got, want)
			}
		}
		got := chunked(t, d, iotest.HalfReader(strings.NewReader(doc)), rapid.IntRange(1, 300).Draw(t, "size"), len(doc))
		if !slices.Equal(got, want) {
			t.Fatalf("%q in chunks:\n got %v\nwant %v", doc, got, want)
		}
	})
}

// chunked decodes through Chunks and numbers the lines through.
func chunked(t fataler, d *Decoder, r io.Reader, size, total int) (all []call) {
	chunks, buf, lines, next := NewChunks(r, size, d.maxLine), []byte(nil), 0, int64(0)
	for {
		chunk, offset, err := chunks.Next(buf)
		if offset < next {
			t.Fatalf("offset %d after %d", offset, next)
		}
		if err == io.EOF {
			if offset != int64(total) {
				t.Fatalf("ends at %d of %d", offset, total)
			}
			return all
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
		var got []call
		if err := d.Lines(chunk, collect(t, d, &got)); err != nil {
			t.Fatalf("%v", err)
		}
		for _, c := range got {
			c.line += lines
			all = append(all, c)
		}
		lines, next, buf = lines+d.Line(), offset, chunk
	}
}

var arrayPieces = append([]string{"[", "]", ",", ",", ",", "{", "}", `"`, "1", "null", `["a"]`}, linePieces...)

// An array gives the same records from memory as from a stream.
func TestArrayStreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := "[" + drawDocument(t, arrayPieces)
		cfg := testConfig
		cfg.MaxLine = rapid.IntRange(20, 130).Draw(t, "max line")
		d, err := New(cfg)
		if err != nil {
			t.Fatalf("%v", err)
		}
		want := bodyOf(t, d, doc)
		withWindow(d, rapid.IntRange(3, 20).Draw(t, "slack"))
		var got []call
		if err := d.Stream(iotest.OneByteReader(strings.NewReader(doc)), Array, collect(t, d, &got)); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q: %v\n got %v\nwant %v", doc, err, got, want)
		}
	})
}

// nothingLost checks that the records stand in order in the input and that only white space, byte order marks and, in an
// array, punctuation stands between them.
func nothingLost(t fataler, input []byte, between string, decode func(Each) error) {
	rest := input
	filler := func(b []byte) {
		if left := bytes.Trim(bytes.ReplaceAll(b, []byte(bom), nil), between); len(left) > 0 {
			t.Fatalf("%q: %q was passed over", input, left)
		}
	}
	err := decode(func(_ int, raw []byte, _ *rollcall.Event, _ *Reject) error {
		n := bytes.Index(rest, raw)
		if at := cap(rest) - cap(raw); n >= 0 && at > n && len(raw) > 0 && at < len(rest) && &rest[at] == &raw[0] {
			n = at // the bytes stand there twice; it is known which are meant
		}
		if n < 0 {
			t.Fatalf("%q: record %q is not in the rest %q", input, raw, rest)
		}
		filler(rest[:n])
		rest = rest[n+len(raw):]
		return nil
	})
	if err != nil {
		t.Fatalf("%q: %v", input, err)
	}
	filler(rest)
}

func FuzzBody(f *testing.F) {
	for _, c := range bodyCases {
		f.Add([]byte(c.in))
	}
	d := newDecoder(f, testConfig)
	f.Fuzz(func(t *testing.T, body []byte) {
		between := " \t\r\n"
		if first := bytes.TrimLeft(trimBOM(body), between); len(first) > 0 && first[0] == '[' {
			between += "[,]"
		}
		nothingLost(t, body, between, func(e Each) error { return d.Body(body, e) })
	})
}

func FuzzLines(f *testing.F) {
	for _, c := range bodyCases {
		f.Add([]byte(c.in))
	}
	d := newDecoder(f, testConfig)
	f.Fuzz(func(t *testing.T, chunk []byte) {
		nothingLost(t, chunk, " \t\r\n", func(e Each) error { return d.Lines(chunk, e) })
		var want []call
		if err := d.Lines(chunk, collect(t, d, &want)); err != nil {
			t.Fatal(err)
		}
		for _, c := range want {
			var ev rollcall.Event
			if got := outcome(&ev, d.Event([]byte(c.raw), &ev)); got != c.outcome {
				t.Fatalf("%q alone: %s, not %s", c.raw, got, c.outcome)
			}
		}
		if got := chunked(t, d, bytes.NewReader(chunk), 7, len(chunk)); !slices.Equal(got, want) {
			t.Fatalf("%q in chunks:\n got %v\nwant %v", chunk, got, want)
		}
	})
}

// A record of any length is refused within bounded memory, and the next one is read.
func TestEndlessRecords(t *testing.T) {
	endless := func() io.Reader { return io.LimitReader(filler('x'), 2<<20) }
	d := newDecoder(t, Config{MaxLine: 1000})
	for name, c := range map[string]struct {
		head, tail string
		format     Format
		want       string
	}{
		"line":    {recA + "\n", "\n" + recB, NDJSON, `1:"a" 2:line_too_long 3:"b"`},
		"element": {"[" + recA + `,{"user_id":"`, `"},` + recB + "]", Array, `1:"a" 1:line_too_long 1:"b"`},
		"csv":     {"user_id,time\na,1\n", "\nb,2\n", CSV, `2:"a" 3:line_too_long 4:"b"`},
		"quoted":  {"user_id,time\na,1\n\"\n", "\n\",7\nb,2\n", CSV, `2:"a" 3:line_too_long 6:"b"`},
	} {
		var got []call
		r := io.MultiReader(strings.NewReader(c.head), endless(), strings.NewReader(c.tail))
		if err := d.Stream(r, c.format, collect(t, d, &got)); err != nil || brief(got) != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, brief(got), c.want)
		}
		if len(got) > 1 && len(got[1].raw) != 1001 {
			t.Errorf("%s: %d bytes of the long record, want 1001", name, len(got[1].raw))
		}
	}
	r := io.MultiReader(strings.NewReader(recA+"\n"), endless(), strings.NewReader("\n"+recB))
	if got := brief(chunked(t, d, r, 64<<10, len(recA)+2<<20+2+len(recB))); got != `1:"a" 2:line_too_long 3:"b"` {
		t.Errorf("chunks: %s", got)
	}
}

// filler reads as the same byte for ever.
type filler byte

func (f filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(f)
	}
	return len(p), nil
}

// A failing reader gives the complete records before the failure, then the error, and not the cut-off record.
func TestReadFailure(t *testing.T) {
	broken := errors.New("broken")
	d := newDecoder(t, testConfig)
	for in, format := range map[string]Format{
		recA + "\n" + recB: NDJSON, "[" + recA + "," + recB[:20]: Array, "[" + recA + ",": Array,
		"user_id,time\na,1\nb,2": CSV, "user_id,time\na,1\n\"b": CSV,
	} {
		var got []call
		err := d.Stream(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)), format, collect(t, d, &got))
		if err != broken || len(got) != 1 {
			t.Errorf("%q: %v, %v", in, err, got)
		}
	}
	chunks := NewChunks(io.MultiReader(strings.NewReader(recA+"\n"+recB), iotest.ErrReader(broken)), 1000, 0)
	chunk, _, err := chunks.Next(nil)
	if string(chunk) != recA+"\n" || err != nil {
		t.Errorf("chunk %q, %v", chunk, err)
	}
	if _, _, err = chunks.Next(nil); err != broken {
		t.Errorf("then %v", err)
	}
	if err := d.Stream(stuck{}, NDJSON, nil); err != io.ErrNoProgress {
		t.Errorf("a reader that gives nothing: %v", err)
	}
	if _, _, err := NewChunks(stuck{}, 10, 0).Next(nil); err != io.ErrNoProgress {
		t.Errorf("chunks of a reader that gives nothing: %v", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// journey is the real data, 75,000 events.
func journey(t testing.TB) []byte {
	f, err := os.Open("../testdata/completejourney/events.ndjson.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, format, err := Open(f, f.Name())
	if err != nil || format != NDJSON {
		t.Fatal(format, err)
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The real data: all of it is accepted, whichever way it is read.
func TestCompleteJourney(t *testing.T) {
	data := journey(t)
	d := newDecoder(t, Config{Dimensions: []string{"campaign_id", "age_group"}})
	count, users, campaigns := 0, map[string]bool{}, map[string]bool{}
	err := d.Stream(bytes.NewReader(data), NDJSON, func(_ int, raw []byte, ev *rollcall.Event, rej *Reject) error {
		if rej != nil {
			return fmt.Errorf("line %d: %w: %s", d.Line(), rej, raw)
		}
		count++
		users[string(ev.User)] = true
		campaigns[string(ev.Dims[0])] = true
		return nil
	})
	if err != nil || count != 75_000 || len(users) != 2377 || len(campaigns) < 2 {
		t.Errorf("%d events of %d users and %d campaigns, %v", count, len(users), len(campaigns), err)
	}
	var streamed []call
	if err := d.Lines(data, collect(t, d, &streamed)); err != nil {
		t.Fatal(err)
	}
	if got := chunked(t, d, bytes.NewReader(data), 1<<20, len(data)); !slices.Equal(got, streamed) {
		t.Error("chunks give other records than lines")
	}
}

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.Bytes()
}
