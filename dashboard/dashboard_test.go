package dashboard

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

var served = sync.OnceValue(Handler)

func ask(t *testing.T, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	served().ServeHTTP(w, r)
	return w
}

// assets are the files that the document names.
func assets(t *testing.T) []string {
	t.Helper()
	page := ask(t, http.MethodGet, "/").Body.String()
	var names []string
	for _, m := range regexp.MustCompile(`(?:src|href)="\./([^"]+)"`).FindAllStringSubmatch(page, -1) {
		names = append(names, "/"+m[1])
	}
	if len(names) < 3 {
		t.Fatalf("the document names %q: want a script, a style and an icon", names)
	}
	return names
}

// The app is at each of its pages, and all that its document names is there.
func TestServesTheAppAndWhatItNames(t *testing.T) {
	for _, path := range []string{"/", "/?from=2026-01-01", "/breakdown", "/retention?cohort=week", "/explain?day=2026-01-01", "/realtime", "/pipeline"} {
		w := ask(t, http.MethodGet, path)
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || w.Header().Get("Cache-Control") != "no-cache" {
			t.Error(path, w.Code, w.Header())
		}
	}
	for _, path := range assets(t) {
		w := ask(t, http.MethodGet, path)
		if w.Code != 200 || w.Header().Get("Content-Security-Policy") != policy || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Error(path, w.Code, w.Header())
		}
		if immutable := strings.Contains(w.Header().Get("Cache-Control"), "immutable"); immutable != strings.HasPrefix(path, "/assets/") {
			t.Error(path, w.Header())
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	for _, path := range []string{"/index.html", "/dist/index.html", "/other", "/other/", "/breakdown//", "//breakdown/", "/../dashboard.go", "/breakdown/../../x/",
		"/%2e%2e/dashboard.go", "/assets", "/assets/", "//"} {
		if w := ask(t, http.MethodGet, path); w.Code != 404 {
			t.Error(path, w.Code)
		}
	}
	if w := ask(t, http.MethodPost, "/"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Error(w.Code, w.Header())
	}
}

// A slash behind the path of a page leads to the page, with what was asked.
func TestSlashesAreRedirectedAway(t *testing.T) {
	for path, want := range map[string]string{"/breakdown/": "/breakdown", "/pipeline/?reason=late&to=%2F": "/pipeline?reason=late&to=%2F"} {
		w := ask(t, http.MethodGet, path)
		from := httptest.NewRequest(http.MethodGet, path, nil).URL
		to, err := from.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != http.StatusMovedPermanently || to.String() != want || w.Header().Get("Content-Security-Policy") != policy {
			t.Errorf("%s: %d to %v, %v", path, w.Code, to, err)
		}
	}
}

// The pages that the app knows are those that are served.
func TestPagesAreThoseOfTheApp(t *testing.T) {
	source, err := os.ReadFile("web/src/state/view.ts")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`export const pages = \[([^\]]+)\]`).FindSubmatch(source)
	if list == nil {
		t.Fatal("view.ts has no list of pages")
	}
	var known []string
	for _, name := range strings.Split(string(list[1]), ",") {
		known = append(known, strings.Trim(name, ` "`))
	}
	if want := append([]string{"overview"}, pages...); !slices.Equal(known, want) {
		t.Errorf("the app has the pages %q, the handler %q", known, want)
	}
}

// A packed form is the file, and each form's tag gives 304.
func TestForms(t *testing.T) {
	unpack := map[string]func(io.Reader) (io.Reader, error){
		"":     func(r io.Reader) (io.Reader, error) { return r, nil },
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	}
	for _, path := range append(assets(t), "/", "/pipeline") {
		plain := ask(t, http.MethodGet, path).Body.Bytes()
		tags := map[string]bool{}
		for accept, coding := range map[string]string{"": "", "identity": "", "gzip, deflate, br, zstd": "zstd", "gzip": "gzip", "GZIP;q=0.5, zstd;q=0": "gzip",
			"*": "zstd", "*;q=0": "", "zstd;q=x": "", "br": "", "zstd;q=0, *": "gzip",
			"zstd;q=0.1, gzip;q=0.9": "gzip", "gzip;q=0.5, identity": "", "gzip;q=NaN": "", "gzip;q=7": "", "gzip, zstd ; q=1.0": "zstd"} {
			w := ask(t, http.MethodGet, path, "Accept-Encoding", accept)
			if got := w.Header().Get("Content-Encoding"); got != coding || w.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s, %q: coding %q, want %q", path, accept, got, coding)
				continue
			}
			r, err := unpack[coding](w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(r); err != nil || !bytes.Equal(body, plain) {
				t.Errorf("%s, %q: %d bytes and %v, want %d", path, accept, len(body), err, len(plain))
			}
			tags[w.Header().Get("ETag")] = true
		}
		if len(tags) != 3 {
			t.Errorf("%s has the tags %v: want one for each form", path, tags)
		}
		for tag := range tags {
			if w := ask(t, http.MethodGet, path, "If-None-Match", `"other", W/`+tag); w.Code != 304 || w.Body.Len() != 0 {
				t.Error(path, tag, w.Code)
			}
		}
	}
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	get, head := ask(t, http.MethodGet, "/"), ask(t, http.MethodHead, "/")
	if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != get.Header().Get("Content-Length") || head.Header().Get("ETag") != get.Header().Get("ETag") {
		t.Error(head.Code, head.Header())
	}
}

// Neither inline nor from elsewhere: the policy would stop it, and the page would be broken.
func TestNothingInlineAndNothingFromElsewhere(t *testing.T) {
	page := ask(t, http.MethodGet, "/").Body.String()
	for _, banned := range []string{"http://", "https://", "//cdn", "<style", "style=", "onclick=", "onload="} {
		if strings.Contains(page, banned) {
			t.Errorf("the document holds %q", banned)
		}
	}
	if regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(page) {
		t.Error("the document holds an inline script")
	}
}

// What all scripts of the app weigh, packed with gzip, is what the README promises at most.
func TestScriptsAreSmall(t *testing.T) {
	total := 0
	entries, err := dist.ReadDir("dist/assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".js") {
			total += ask(t, http.MethodGet, "/assets/"+e.Name(), "Accept-Encoding", "gzip").Body.Len()
		}
	}
	if total == 0 || total > 200_000 {
		t.Errorf("%d bytes of packed scripts: want at most 200,000", total)
	}
}
