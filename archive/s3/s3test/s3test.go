// Package s3test starts a real S3 server (versitygw) for tests: a child process on a free port of the loopback, with its data
// in the test's temporary directory, killed when the test ends. It fails the test where the server is missing:
// scripts/services installs it.
package s3test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"rollcall/freeport"
)

// The credentials of the server's only user.
const (
	AccessKey = "rollcall-test"
	SecretKey = "rollcall-test-secret"
	Bucket    = "archive"
)

const patience = 20 * time.Second

// Server is a running server with one empty bucket.
type Server struct {
	URL string
	Dir string // the bucket: objects are files in it

	t    testing.TB
	port int
	cmd  *exec.Cmd
	out  *output
}

// output is what the server says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// Start starts a server, and waits until it answers.
func Start(t testing.TB) *Server {
	t.Helper()
	port, err := freeport.Next()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, port: port, URL: "http://127.0.0.1:" + strconv.Itoa(port), Dir: filepath.Join(t.TempDir(), "objects", Bucket)}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.Run()
	t.Cleanup(s.Kill)
	return s
}

// program is the server of the tools that scripts/services installs.
func program(t testing.TB) string {
	_, file, _, _ := runtime.Caller(0)
	name := filepath.Join(filepath.Dir(file), "..", "..", "..", ".tools", "versitygw")
	if _, err := os.Stat(name); err != nil {
		t.Fatalf("versitygw is not installed: run scripts/services install: %v", err)
	}
	return name
}

// Run starts the server again after Kill, over what it had.
func (s *Server) Run() {
	s.t.Helper()
	root := filepath.Dir(s.Dir)
	meta := filepath.Join(filepath.Dir(root), "meta")
	if err := os.MkdirAll(meta, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.out = &output{}
	s.cmd = exec.Command(program(s.t), "--access", AccessKey, "--secret", SecretKey, "--port", "127.0.0.1:"+strconv.Itoa(s.port),
		"--quiet", "posix", "--sidecar", meta, root)
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.SysProcAttr = s.out, s.out, dieWithParent()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.wait()
}

func (s *Server) wait() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		ask, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if reply, err := http.DefaultClient.Do(ask); err == nil {
			_ = reply.Body.Close()
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.t.Fatalf("versitygw does not answer at %s:\n%s", s.URL, s.out.text.String())
}

// Kill ends the server at once.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Host is the host and port of the server.
func (s *Server) Host() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Host
}
