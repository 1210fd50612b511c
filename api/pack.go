package api

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// packFrom is the size in bytes from which replies are packed.
const packFrom = 1 << 10

// packedSuffix and the coding end the tag of a packed reply: its bytes are others than those of the plain one.
const packedSuffix = "-packed"

// packed gives a wrapper that packs replies with gzip or zstd for clients that ask for it. If-None-Match with the tag of
// either form gives 304.
func (s *server) packed() func(http.HandlerFunc) http.HandlerFunc {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(packFrom), gzhttp.CompressionLevel(1), gzhttp.EnableZstd(true), gzhttp.SuffixETag(packedSuffix),
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
			pack(w, r)
		}
	}
}
