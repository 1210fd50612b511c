package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rollcall/store"
	"rollcall/store/sqlite"
)

// letterbox is a real store that holds these letters.
func letterbox(t *testing.T, letters ...store.DeadLetter) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "store.db"), Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Quarantine(t.Context(), letters); err != nil {
		t.Fatal(err)
	}
	return s
}

func pageOf(t *testing.T, h http.Handler, path string) quarantined {
	t.Helper()
	w := do(h, "GET", path, "")
	var page quarantined
	if err := json.Unmarshal(w.Body.Bytes(), &page); w.Code != 200 || err != nil {
		t.Fatalf("%s: %d %v: %s", path, w.Code, err, w.Body)
	}
	return page
}

// The pages of the quarantine have every record once, newest first, and its counts are those of all pages.
func TestQuarantinePages(t *testing.T) {
	letters := make([]store.DeadLetter, 7)
	for i := range letters {
		letters[i] = store.DeadLetter{At: int64(i), Reason: []string{"late", "invalid_time"}[i%2], Raw: []byte{byte('a' + i)}}
	}
	h := full(func(c *Config) { c.Letters = letterbox(t, letters...) }).handler()
	for reason, want := range map[string]string{"": "gfedcba", "late": "geca", "invalid_time": "fdb", "other": ""} {
		got, path := "", "/api/v1/quarantine?limit=2&reason="+reason
		for next := path; next != ""; {
			page := pageOf(t, h, next)
			if page.Total != 7 || page.More || len(page.Reasons) != 2 || page.Reasons[0].Count != 4 {
				t.Fatalf("%+v", page)
			}
			for _, l := range page.Letters {
				got += l.Raw
			}
			if next = ""; page.Next != 0 {
				next = path + "&before=" + string(rune('0'+page.Next))
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", reason, got, want)
		}
	}
	if page := pageOf(t, h, "/api/v1/quarantine?limit=0"); len(page.Letters) != 0 || page.Total != 7 {
		t.Errorf("%+v", page)
	}
}

// Whatever a record holds, the reply is valid, bounded, and has its bytes.
func TestQuarantineOfHostileRecords(t *testing.T) {
	long := bytes.Repeat([]byte("é"), maxRaw)
	h := full(func(c *Config) {
		c.Letters = letterbox(t, store.DeadLetter{Raw: []byte("<script>\x00\u202e")}, store.DeadLetter{Raw: []byte{0xff, 0xfe}},
			store.DeadLetter{Raw: long[1:], Source: "\xff" + strings.Repeat("s", 5000), Detail: strings.Repeat("é", 5000)}, store.DeadLetter{Raw: long})
	}).handler()
	page := pageOf(t, h, "/api/v1/quarantine")
	cut, odd, binary, text := page.Letters[0], page.Letters[1], page.Letters[2], page.Letters[3]
	if text.Raw != "<script>\x00\u202e" || text.Encoding != "utf-8" || text.Cut {
		t.Errorf("%+v", text)
	}
	if raw, err := base64.StdEncoding.DecodeString(binary.Raw); err != nil || !bytes.Equal(raw, []byte{0xff, 0xfe}) || binary.Encoding != "base64" {
		t.Errorf("%+v %v", binary, err)
	}
	if raw, err := base64.StdEncoding.DecodeString(odd.Raw); err != nil || !bytes.HasPrefix(long[1:], raw) || len(raw) < maxRaw-4 || !odd.Cut || odd.Bytes != len(long)-1 {
		t.Errorf("%d bytes of %d, %v", len(raw), odd.Bytes, err)
	}
	if len(odd.Source) > 5*maxWords || len(odd.Detail) > maxWords+8 {
		t.Errorf("source of %d and detail of %d bytes", len(odd.Source), len(odd.Detail))
	}
	if cut.Encoding != "utf-8" || !cut.Cut || cut.Raw != string(long[:maxRaw]) {
		t.Errorf("%s, %d bytes", cut.Encoding, len(cut.Raw))
	}
}

// A page has about a MiB at most, whatever it takes to write its records; those that had no room begin the next one.
func TestQuarantinePageIsBounded(t *testing.T) {
	letters := make([]store.DeadLetter, 100)
	for i := range letters {
		letters[i].Raw = bytes.Repeat([]byte{1}, 2*maxRaw)
	}
	h := full(func(c *Config) { c.Letters = letterbox(t, letters...) }).handler()
	found, pages := 0, 0
	for next := int64(101); next != 0; pages++ {
		path := "/api/v1/quarantine?limit=200&before=" + strconv.FormatInt(next, 10)
		if size := do(h, "GET", path, "").Body.Len(); size > maxPage+10<<10 {
			t.Fatalf("a page of %d bytes", size)
		}
		page := pageOf(t, h, path)
		for _, l := range page.Letters {
			if want := int64(100 - found); l.Number != want || l.Bytes != 2*maxRaw || len(l.Raw) != maxRaw {
				t.Fatalf("letter %d with %d of %d bytes, want %d", l.Number, len(l.Raw), l.Bytes, want)
			}
			found++
		}
		next = page.Next
	}
	if found != 100 || pages < 3 {
		t.Errorf("%d records on %d pages", found, pages)
	}
}

func TestQuarantineWantsAKey(t *testing.T) {
	status := http.StatusUnauthorized
	h := full(func(c *Config) {
		c.Letters = letterbox(t, store.DeadLetter{Raw: []byte("secret")})
		c.Allowed = func(http.Header) int { return status }
	}).handler()
	for _, status = range []int{http.StatusUnauthorized, http.StatusForbidden} {
		if w := do(h, "GET", "/api/v1/quarantine", ""); w.Code != status || strings.Contains(w.Body.String(), "secret") {
			t.Error(w.Code, w.Body)
		}
	}
	if status = 0; do(h, "GET", "/api/v1/quarantine", "").Code != 200 {
		t.Error("not shown with a key")
	}
	for _, bad := range []string{"limit=-1", "limit=x", "before=0", "after=3"} {
		if w := do(h, "GET", "/api/v1/quarantine?"+bad, ""); w.Code != 400 {
			t.Error(bad, w.Code)
		}
	}
}

// noLetters is an empty quarantine.
type noLetters struct{}

func (noLetters) Letters(context.Context, store.LetterQuery) ([]store.DeadLetter, error) {
	return nil, nil
}
func (noLetters) CountLetters(context.Context, int) ([]store.LetterCount, error) { return nil, nil }
