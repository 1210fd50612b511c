package dashboard

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// file is a file of the app in each of its codings, the one liked best first and the plain one last.
type file struct {
	contentType  string
	cacheControl string
	forms        []form
}

// form is a file in one coding. Its tag is strong: the bytes of another form are others.
type form struct {
	coding string // of Content-Encoding; "" is none
	tag    string
	body   []byte
}

// load reads and packs all files of a build, by their paths in it.
func load(build fs.FS) (map[string]*file, error) {
	files := map[string]*file{}
	err := fs.WalkDir(build, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(build, name)
		if err != nil {
			return err
		}
		files[name], err = newFile(name, body)
		return err
	})
	return files, err
}

func newFile(name string, body []byte) (*file, error) {
	f := &file{contentType: mime.TypeByExtension(path.Ext(name)), cacheControl: "no-cache"}
	if strings.HasPrefix(name, "assets/") { // their names change with their content
		f.cacheControl = "public, max-age=31536000, immutable"
	}
	hash := sha256.Sum256(body)
	for _, pack := range []struct {
		coding string
		pack   func([]byte) ([]byte, error)
	}{{"zstd", packZstd}, {"gzip", packGzip}, {"", nil}} {
		packed, suffix := body, ""
		if pack.pack != nil {
			var err error
			if packed, err = pack.pack(body); err != nil {
				return nil, fmt.Errorf("pack %s: %w", name, err)
			}
			suffix = "-" + pack.coding
		}
		if pack.coding == "" || len(packed) < len(body) {
			f.forms = append(f.forms, form{pack.coding, fmt.Sprintf("%q", fmt.Sprintf("%x%s", hash[:16], suffix)), packed})
		}
	}
	return f, nil
}

func packGzip(body []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(body)
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

func packZstd(body []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(body, nil), w.Close()
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	accepted := r.Header.Get("Accept-Encoding")
	chosen := &f.forms[len(f.forms)-1]
	best := 0.0
	for i := range f.forms {
		if q := quality(accepted, f.forms[i].coding); q > best {
			chosen, best = &f.forms[i], q
		}
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.cacheControl)
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", chosen.tag)
	if f.matches(r.Header.Get("If-None-Match")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if chosen.coding != "" {
		h.Set("Content-Encoding", chosen.coding)
	}
	h.Set("Content-Length", strconv.Itoa(len(chosen.body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(chosen.body) // the client is gone, and nobody else wants to know
	}
}

// matches tells whether a list of tags has that of any form: who has one has the file.
func (f *file) matches(tags string) bool {
	for tag := range strings.SplitSeq(tags, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		for i := range f.forms {
			if tag == "*" || tag == f.forms[i].tag {
				return true
			}
		}
	}
	return false
}

// identity is the plain form's name in Accept-Encoding.
const identity = "identity"

// quality is how much an Accept-Encoding header likes a coding, from 0 to 1 (RFC 9110, section 12.5.3). The plain form is liked
// least where the header does not speak of it.
func quality(header, coding string) float64 {
	if coding == "" {
		coding = identity
	}
	other := 0.0
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		switch name = strings.ToLower(strings.TrimSpace(name)); {
		case name == coding:
			return weight(params)
		case name == "*" && coding != identity:
			other = weight(params)
		}
	}
	return other
}

// weight is the q of a coding; 0 for one that can't be read.
func weight(params string) float64 {
	text, found := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
	if !found {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
