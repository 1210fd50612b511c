package dashboard

import (
	"embed"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed dist
var dist embed.FS

// pages are the paths that the app shows something at; each of them gets the same document. They are the pages of
// web/src/state/view.ts.
var pages = []string{"breakdown", "retention", "explain", "realtime", "pipeline"}

// Handler serves the app: its document at / and at the path of each page, its files beside it. A slash behind a page's path
// is redirected away; everything else is 404. Files are packed once, here; a request costs a look-up.
func Handler() http.Handler {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant
	}
	files, err := load(built)
	if err != nil {
		panic(err) // what is embedded can be read
	}
	for _, page := range pages {
		files[page] = files["index.html"]
	}
	files[""] = files["index.html"]
	delete(files, "index.html")
	return handler(files)
}

func handler(files map[string]*file) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		if f := files[name]; f != nil {
			f.serve(w, r)
			return
		}
		if page, slashed := strings.CutSuffix(name, "/"); slashed && slices.Contains(pages, page) {
			redirect(w, r, page)
			return
		}
		http.NotFound(w, r)
	})
}

// redirect leads from a page's path with a slash behind it to the one without. The target is relative, so that it holds
// behind a proxy that serves the app below another path.
func redirect(w http.ResponseWriter, r *http.Request, page string) {
	target := url.URL{Path: "../" + page, RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", target.String())
	w.WriteHeader(http.StatusMovedPermanently)
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// setHeaders holds the app to its own origin.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}
