package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func unpack(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var r io.Reader = w.Body
	switch w.Header().Get("Content-Encoding") {
	case "gzip":
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	case "zstd":
		z, err := zstd.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		r = z
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A packed reply holds what the plain one does, and either's tag gives 304 to either kind of client.
func TestPackedReplies(t *testing.T) {
	h := full(nil).handler()
	for _, path := range []string{"/api/v1/query?grain=hour&from=2026-10-20&fill=zero", "/api/v1/query?format=csv&grain=hour&from=2026-10-20&fill=zero", "/openapi.json"} {
		plain := do(h, "GET", path, "")
		tag := plain.Header().Get("ETag")
		if plain.Header().Get("Content-Encoding") != "" || plain.Header().Get("Vary") != "Accept-Encoding" || tag == "" {
			t.Fatal(path, plain.Header())
		}
		for _, coding := range []string{"gzip", "zstd"} {
			packed := do(h, "GET", path, "", "Accept-Encoding", coding)
			if packed.Header().Get("Content-Encoding") != coding || packed.Header().Get("ETag") != strings.TrimSuffix(tag, `"`)+packedSuffix+"-"+coding+`"` || packed.Body.Len()*2 > plain.Body.Len() {
				t.Fatal(path, coding, packed.Code, packed.Header(), packed.Body.Len())
			}
			if got := unpack(t, packed); got != plain.Body.String() {
				t.Fatal(path, coding, got)
			}
			for _, known := range []string{tag, "W/" + tag, packed.Header().Get("ETag")} {
				for _, accept := range []string{"", coding} {
					if w := do(h, "GET", path, "", "Accept-Encoding", accept, "If-None-Match", known); w.Code != 304 || w.Body.Len() > 0 {
						t.Fatal(path, coding, known, w.Code)
					}
				}
			}
		}
	}
}

func TestSmallRepliesStayPlain(t *testing.T) {
	h := full(nil).handler()
	for _, path := range []string{"/api/v1/query?grain=total", "/api/v1/query?metrics=dau"} {
		w := do(h, "GET", path, "", "Accept-Encoding", "gzip, zstd")
		if w.Header().Get("Content-Encoding") != "" || strings.HasPrefix(w.Header().Get("ETag"), "W/") || !bytes.HasPrefix(w.Body.Bytes(), []byte("{")) {
			t.Fatal(path, w.Header(), w.Body)
		}
	}
}
