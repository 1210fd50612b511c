package s3_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/archive"
	"rollcall/archive/archivetest"
	"rollcall/archive/s3"
	"rollcall/archive/s3/s3test"
)

func config(s *s3test.Server) s3.Config {
	return s3.Config{Bucket: s3test.Bucket, Prefix: "a prefix/of it", Endpoint: s.URL, Region: "us-east-1", AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey}
}

func open(t *testing.T, cfg s3.Config) *s3.Place {
	t.Helper()
	p, err := s3.New(cfg)
	check(t, err)
	return p
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func TestPlace(t *testing.T) {
	t.Run("folder", func(t *testing.T) { archivetest.Place(t, archive.Folder(filepath.Join(t.TempDir(), "a"))) })
	t.Run("s3", func(t *testing.T) { archivetest.Place(t, open(t, config(s3test.Start(t)))) })
}

// What is set wrongly is told with what to do, and no message holds a secret.
func TestErrorsSayWhatToDo(t *testing.T) {
	s := s3test.Start(t)
	for want, change := range map[string]func(*s3.Config){
		"it refuses the credentials: set AWS_ACCESS_KEY_ID": func(c *s3.Config) { c.SecretKey = "a wrong secret" },
		"or archive.access_key and archive.secret_key":      func(c *s3.Config) { c.AccessKey = "nobody" },
		"create the bucket, or name another":                func(c *s3.Config) { c.Bucket = "another" },
		"Look at the server, and at archive.endpoint":       func(c *s3.Config) { c.Endpoint = "http://127.0.0.1:1" },
	} {
		cfg := config(s)
		change(&cfg)
		err := open(t, cfg).Put("x", text("y"))
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) || strings.Contains(err.Error(), "secret\"") || strings.Contains(err.Error(), cfg.SecretKey) {
			t.Errorf("%q: %v", want, err)
		}
	}
	for _, endpoint := range []string{"127.0.0.1:9000", "http://user:password@host", "http://host/path", "ftp://host"} {
		cfg := config(s)
		cfg.Endpoint = endpoint
		if _, err := s3.New(cfg); err == nil || strings.Contains(err.Error(), "password@") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// faults stands before a server: it fails some requests and breaks some answers off.
type faults struct {
	fail, cut atomic.Int64 // how many of the next requests
	proxy     *httputil.ReverseProxy
	asked     atomic.Int64
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked.Add(1)
	if f.fail.Add(-1) >= 0 {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.Method == http.MethodGet && f.cut.Add(-1) >= 0 {
		w.Header().Set("Content-Length", "1000000")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write([]byte("some"))
		panic(http.ErrAbortHandler)
	}
	f.proxy.ServeHTTP(w, r)
}

func before(t *testing.T, s *s3test.Server) (*faults, string) {
	t.Helper()
	u, err := url.Parse(s.URL)
	check(t, err)
	f := &faults{proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host }}}
	h := httptest.NewServer(f)
	t.Cleanup(h.Close)
	return f, h.URL
}

// A server that is busy or breaks off now and then is asked again; one that stays busy is told of.
func TestBusyServer(t *testing.T) {
	s := s3test.Start(t)
	f, addr := before(t, s)
	cfg := config(s)
	cfg.Endpoint = addr
	p := open(t, cfg)
	body := strings.Repeat("body ", 500_000)
	for range 3 {
		f.fail.Store(2)
		check(t, p.Put("x", text(body)))
		f.fail.Store(1)
		check(t, p.Move("x", "y"))
		in, size, err := p.Open("y")
		check(t, err)
		f.cut.Store(2)
		got, err := io.ReadAll(io.NewSectionReader(in, 0, size))
		check(t, errors.Join(err, in.Close()))
		if string(got) != body {
			t.Fatalf("%d bytes, not %d", len(got), len(body))
		}
	}
	f.fail.Store(1 << 30)
	if err := p.Put("x", text(body)); err == nil || !strings.Contains(err.Error(), "away or busy") {
		t.Error(err)
	}
	if _, _, err := p.Open("y"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// A server that takes requests and never answers costs a bounded time.
func TestMuteServer(t *testing.T) {
	end := make(chan struct{})
	mute := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	defer mute.Close()
	defer close(end)
	p := open(t, s3.Config{Bucket: "bucket", Endpoint: mute.URL, Region: "us-east-1", AccessKey: "a", SecretKey: "b", Timeout: 20 * time.Millisecond})
	if _, _, err := p.Open("x"); err == nil || !strings.Contains(err.Error(), "away or busy") {
		t.Error(err)
	}
}

// A server that is killed and comes back has what was put, and an object that is replaced is not read half and half.
func TestRestartAndReplace(t *testing.T) {
	s := s3test.Start(t)
	p := open(t, config(s))
	first, second := bytes.Repeat([]byte("1"), 3<<20), bytes.Repeat([]byte("2"), 3<<20)
	put := func(b []byte) { check(t, p.Put("x", func(w io.Writer) error { _, err := w.Write(b); return err })) }
	put(first)
	s.Kill()
	s.Run()
	in, size, err := p.Open("x")
	check(t, err)
	one := make([]byte, 10)
	if _, err := in.ReadAt(one, 0); err != nil || !bytes.Equal(one, first[:10]) {
		t.Fatalf("%q %v", one, err)
	}
	put(second)
	if _, err := in.ReadAt(one, size-10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q %v", one, err)
	}
	check(t, in.Close())
}

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{"s3://b": "b  true", "s3://b/p/q/": "b p/q true", "./dir": "  false"} {
		bucket, prefix, ok := s3.ParseURL(text)
		if got := fmt.Sprint(bucket, " ", prefix, " ", ok); got != want && ok {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// Of many who replace the same version one succeeds, also where answers are lost.
func TestSwap(t *testing.T) {
	s := s3test.Start(t)
	p := open(t, config(s))
	version := ""
	for round := range 5 {
		type outcome struct {
			version string
			err     error
		}
		outcomes := make(chan outcome, 4)
		for i := range cap(outcomes) {
			go func() {
				v, err := p.Swap("m", fmt.Appendf(nil, "round %d by %d", round, i), version)
				outcomes <- outcome{v, err}
			}()
		}
		won := 0
		for range cap(outcomes) {
			switch o := <-outcomes; {
			case o.err == nil:
				won, version = won+1, o.version
			case !errors.Is(o.err, archive.ErrSwapped):
				t.Fatal(o.err)
			}
		}
		_, now, err := p.Read("m")
		if err != nil || won != 1 || now != version {
			t.Fatalf("round %d: %d won; %s is there, not %s; %v", round, won, now, version, err)
		}
	}
	if _, err := p.Swap("none", []byte("x"), version); !errors.Is(err, archive.ErrSwapped) {
		t.Error(err)
	}
	if _, err := p.Swap("m", []byte("x"), ""); !errors.Is(err, archive.ErrSwapped) {
		t.Error(err)
	}
}
