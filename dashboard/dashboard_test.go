package dashboard

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func TestServesThePageAndWhatItNames(t *testing.T) {
	page := get("/?from=2026-01-01")
	if page.Code != 200 || !strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") {
		t.Fatal(page.Code, page.Header())
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		if strings.HasPrefix(m[1], "api/") {
			continue
		}
		if w := get("/" + m[1]); w.Code != 200 || w.Header().Get("Content-Security-Policy") != policy {
			t.Errorf("%s: %d", m[1], w.Code)
		}
	}
	if w := get("/../dashboard.go"); w.Code != 404 {
		t.Error(w.Code)
	}
}

func TestNothingInlineAndNothingFromElsewhere(t *testing.T) {
	for _, name := range []string{"/", "/app.js", "/chart.js", "/style.css"} {
		body := strings.ReplaceAll(get(name).Body.String(), `"http://www.w3.org/2000/svg"`, "")
		for _, banned := range []string{"http://", "https://", "//cdn", "<style", "style=", "onclick=", "innerHTML", "eval("} {
			if strings.Contains(body, banned) {
				t.Errorf("%s holds %q", name, banned)
			}
		}
		if regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(body) {
			t.Errorf("%s holds an inline script", name)
		}
	}
}

func TestUnchangedFilesAreNotSentAgain(t *testing.T) {
	tag := get("/app.js").Header().Get("ETag")
	if w := get("/app.js", "If-None-Match", tag); tag == "" || w.Code != 304 {
		t.Fatal(tag, w.Code)
	}
}
