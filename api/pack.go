package api

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// packFrom is the size in bytes from which replies are packed.
const packFrom = 1 << 10

// packed gives a wrapper that packs replies with gzip or zstd for clients that ask for it. A packed reply has the same
// tag as the plain one, made weak: If-None-Match with either gives 304.
func (s *server) packed() func(http.HandlerFunc) http.HandlerFunc {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(packFrom), gzhttp.CompressionLevel(1), gzhttp.EnableZstd(true),
		gzhttp.ContentTypes([]string{"application/json", "application/problem+json", "text/csv"}))
	if err != nil {
		panic(err) // the options are constants
	}
	return func(next http.HandlerFunc) http.HandlerFunc {
		pack := wrap(next)
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") == "" {
				w.Header()["Vary"] = varied
				next(w, r)
				return
			}
			if rep, ok := w.(*reply); ok {
				rep.packed = true
			}
			pack(w, r)
		}
	}
}
