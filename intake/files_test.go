package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"rollcall/eventlog"
)

// lines makes n events of 40 users; each id tells its place.
func lines(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"event_id":"e%06d","user_id":"u%d","time":%d,"campaign_id":"c%d"}`+"\n", i, i%40, 1793527200+i, i%7)
	}
	return b.Bytes()
}

func newFilesOn(log eventlog.Appender, box *letterbox) (*Files, *Quarantine) {
	q := NewQuarantine(box, quiet())
	f := NewFiles(FilesConfig{Shape: testShape(), Workers: 3}, FilesDeps{Log: log, Quarantine: q, Now: time.Now})
	f.chunk = 16 << 10
	return f, q
}

// inOrder checks that each user's events are those of lines(n), once and in order.
func inOrder(t interface{ Fatalf(string, ...any) }, got []string, n int) {
	if len(got) != n {
		t.Fatalf("%d events stored, want %d", len(got), n)
	}
	last := map[string]string{}
	for _, e := range got {
		user, rest, _ := strings.Cut(e, "/")
		id, _, _ := strings.Cut(rest, "/")
		if id <= last[user] {
			t.Fatalf("event %s of %s after %s", id, user, last[user])
		}
		last[user] = id
	}
}

func TestEveryFormat(t *testing.T) {
	plain := lines(9000)
	array := "[" + strings.ReplaceAll(strings.TrimSpace(string(plain)), "\n", ",\n") + "]"
	z, _ := zstd.NewWriter(nil)
	csv := "event_id,user_id,time,campaign_id\n"
	for i := range 9000 {
		csv += fmt.Sprintf("e%06d,u%d,%d,c%d\n", i, i%40, 1793527200+i, i%7)
	}
	for name, content := range map[string]string{"a.ndjson": string(plain), "a.json": array, "a.csv": csv, "a.ndjson.zst": string(z.EncodeAll(plain, nil))} {
		log, box := openLog(t, t.TempDir()), &letterbox{}
		f, q := newFilesOn(log, box)
		sum, err := f.Import(t.Context(), Source{Name: name, Mark: "m", Reader: strings.NewReader(content)})
		if err != nil || sum != (Summary{Read: 9000, Accepted: 9000}) || f.Events() != 9000 {
			t.Fatalf("%s: %+v %v", name, sum, err)
		}
		q.Close()
		inOrder(t, stored(t, log), 9000)
		if marks := log.Marks(); len(marks) != 0 {
			t.Errorf("%s: a finished file left marks %v", name, marks)
		}
		log.Close()
	}
}

func TestRejectsNameTheirLine(t *testing.T) {
	content := lines(5)
	content = append(content, "nonsense\n\n{}\n"...)
	content = append(content, lines(1)...)
	log, box := openLog(t, t.TempDir()), &letterbox{}
	defer log.Close()
	f, q := newFilesOn(log, box)
	sum, err := f.Import(t.Context(), Source{Name: "dir/x.ndjson", Reader: bytes.NewReader(content)})
	q.Close()
	if err != nil || sum != (Summary{Read: 8, Accepted: 6, Rejected: 2}) {
		t.Fatalf("%+v %v", sum, err)
	}
	var sources []string
	for _, l := range box.letters {
		sources = append(sources, l.Source+" "+string(l.Raw))
	}
	if !slices.Equal(sources, []string{"dir/x.ndjson:6 nonsense", "dir/x.ndjson:8 {}"}) {
		t.Fatal(sources)
	}
}

// failingLog refuses Appends after the first few, as a log on a dying disk does.
type failingLog struct {
	*eventlog.Log
	left atomic.Int64
}

func (f *failingLog) Append(ctx context.Context, records []eventlog.Record, mark *eventlog.Mark) error {
	if f.left.Add(-1) < 0 {
		return eventlog.ErrUnavailable
	}
	return f.Log.Append(ctx, records, mark)
}

// However often an import is cut off, running it again until it ends stores every event once, in order.
func TestImportGoesOnWhereItStopped(t *testing.T) {
	const n = 4_000
	plain := lines(n)
	for i := range plain {
		if plain[i] == '\n' && i > len(plain)/2 { // a line in the middle that is far too long
			plain = slices.Insert(plain, i+1, append(bytes.Repeat([]byte("x"), 200<<10), '\n')...)
			break
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		log, box := openLog(t, t.TempDir()), &letterbox{}
		defer log.Close()
		sum := Summary{}
		for run := 0; ; run++ {
			dying := &failingLog{Log: log}
			dying.left.Store(rapid.Int64Range(0, 4).Draw(rt, "appends"))
			if run == 20 {
				dying.left.Store(1 << 40)
			}
			f, q := newFilesOn(dying, box)
			s, err := f.Import(t.Context(), Source{Name: "x.ndjson", Mark: "m", Start: log.Marks()["m"], Reader: bytes.NewReader(plain)})
			q.Close()
			sum = Summary{sum.Read + s.Read, sum.Accepted + s.Accepted, sum.Rejected + s.Rejected}
			if err == nil {
				break
			}
			if !errors.Is(err, eventlog.ErrUnavailable) {
				rt.Fatalf("%v", err)
			}
		}
		inOrder(rt, stored(t, log), n)
		if sum != (Summary{Read: n + 1, Accepted: n, Rejected: 1}) || len(box.letters) != 1 || box.letters[0].Reason != "line_too_long" {
			rt.Fatalf("%+v, %d letters", sum, len(box.letters))
		}
	})
}

func TestInterruptKeepsWhatIsDurable(t *testing.T) {
	log, box := openLog(t, t.TempDir()), &letterbox{}
	defer log.Close()
	ctx, cancel := context.WithCancel(t.Context())
	f, q := newFilesOn(log, box)
	sum, err := f.Import(ctx, Source{Name: "x.ndjson", Mark: "m", Reader: &cancelling{lines(40_000), cancel}})
	q.Close()
	if !errors.Is(err, context.Canceled) || sum.Accepted == 40_000 {
		t.Fatalf("%+v %v", sum, err)
	}
	if got := int64(len(stored(t, log))); got != sum.Accepted {
		t.Fatalf("%d stored, %d accepted", got, sum.Accepted)
	}
	f, q = newFilesOn(log, box)
	rest, err := f.Import(t.Context(), Source{Name: "x.ndjson", Mark: "m", Start: log.Marks()["m"], Reader: bytes.NewReader(lines(40_000))})
	q.Close()
	if err != nil || rest.Accepted+sum.Accepted != 40_000 {
		t.Fatalf("%+v %v", rest, err)
	}
	inOrder(t, stored(t, log), 40_000)
}

// cancelling ends the context before it is all read.
type cancelling struct {
	rest   []byte
	cancel func()
}

func (c *cancelling) Read(p []byte) (int, error) {
	n := copy(p, c.rest)
	if c.rest = c.rest[n:]; len(c.rest) < 1<<20 {
		c.cancel()
	}
	return n, nil
}

func TestIdentify(t *testing.T) {
	dir := t.TempDir()
	id := func(content []byte) string {
		p := filepath.Join(dir, "f")
		if err := os.WriteFile(p, content, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s, err := Identify(f)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	big := lines(100_000)
	seen := map[string]bool{}
	for _, content := range [][]byte{nil, []byte("a"), []byte("b"), big, big[:len(big)-1], append(slices.Clone(big), 'x')} {
		s := id(content)
		if seen[s] || s != id(content) || len(s) > 200 {
			t.Errorf("identity %s", s)
		}
		seen[s] = true
	}
}
