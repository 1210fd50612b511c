//go:build unix

package redistest

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"rollcall/freeport"
)

// Patience is how long these functions wait for what must happen.
const Patience = 20 * time.Second

const startTries = 5 // each with another port, as another process may take a free port first

// Options of a server. Zero means none.
type Options struct {
	Password string
	TLS      *tls.Config // of the clients that this package uses; Args turn TLS on at the server
	Args     []string    // of redis-server, --name value …; %port and %bus stand for its ports, %dir for its directory
}

// Server is a running Redis process.
type Server struct {
	Addr string // host:port
	Dir  string

	t       testing.TB
	options Options
	args    []string
	more    []string
	cmd     *exec.Cmd
	out     *output
	ended   chan struct{}
}

// Start starts a server that keeps nothing on disk, and waits until it answers.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartWith(t, Options{Args: args})
}

// StartWith starts a server with options, and waits until it answers.
func StartWith(t testing.TB, o Options) *Server {
	t.Helper()
	args := append([]string{"--port", "%port"}, o.Args...)
	return start(t, o, func(string) []string { return args })
}

func start(t testing.TB, o Options, args func(dir string) []string) *Server {
	t.Helper()
	Require(t)
	for range startTries {
		s := &Server{t: t, options: o, Dir: t.TempDir()}
		port, bus := freePort(t), freePort(t)
		s.Addr = net.JoinHostPort("127.0.0.1", port)
		for _, arg := range args(s.Dir) {
			for _, r := range [][2]string{{"%port", port}, {"%bus", bus}, {"%dir", s.Dir}} {
				arg = string(bytes.ReplaceAll([]byte(arg), []byte(r[0]), []byte(r[1])))
			}
			s.args = append(s.args, arg)
		}
		s.run()
		if s.answers() {
			t.Cleanup(s.Kill)
			return s
		}
		s.Kill()
		if !bytes.Contains(s.out.bytes(), []byte("in use")) {
			t.Fatalf("redis-server %q does not answer at %s:\n%s", s.args, s.Addr, s.out.bytes())
		}
	}
	t.Fatal("no port stayed free for redis-server")
	return nil
}

// Require fails the test, and says what to do, where there is no Redis.
func Require(t testing.TB) {
	t.Helper()
	for _, name := range []string{"redis-server", "redis-cli"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("%s is not installed: run scripts/services install", name)
		}
	}
}

func freePort(t testing.TB) string {
	port, err := freeport.Next()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

func (s *Server) run() {
	// A name of a file or --port comes first; what follows overrules it.
	args := append(append([]string(nil), s.args...), "--bind", "127.0.0.1", "--dir", s.Dir, "--daemonize", "no")
	if filepath.Ext(s.args[0]) != ".conf" {
		args = append(args, "--save", "", "--appendonly", "no")
	}
	args = append(args, s.more...)
	s.cmd = exec.Command("redis-server", args...)
	s.out = &output{}
	s.cmd.SysProcAttr = dieWithParent()
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd, ended := s.cmd, make(chan struct{})
	s.ended = ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
}

// answers waits until the server replies to PING; false if it ends before.
func (s *Server) answers() bool {
	for end := time.Now().Add(Patience); time.Now().Before(end); {
		if reply, err := s.Ask("PING"); err == nil && reply == "PONG" {
			return true
		}
		select {
		case <-s.ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return false
}

// Ask runs a command at the server and gives its reply as text.
func (s *Server) Ask(args ...string) (string, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, Password: s.options.Password,
		TLSConfig: s.options.TLS, ForceSingleClient: true, DisableCache: true, DisableRetry: true})
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	reply, err := client.Do(ctx, client.B().Arbitrary(args...).Build()).ToAny()
	return text(reply), err
}

// Do is Ask where an error fails the test; a reply of nil is the empty text.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	reply, err := s.Ask(args...)
	if err != nil && !rueidis.IsRedisNil(err) {
		s.t.Fatalf("redis %s %q: %v", s.Addr, args, err)
	}
	return reply
}

// Kill ends the process at once, if it runs.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// Restart starts the process again on its port, without data unless it has an RDB file. It follows Kill.
func (s *Server) Restart() {
	s.t.Helper()
	if s.run(); !s.answers() {
		s.t.Fatalf("redis-server at %s does not come back:\n%s", s.Addr, s.out.bytes())
	}
}

// RestartWith is Restart with more arguments, which overrule the others; data that was on disk comes back.
func (s *Server) RestartWith(args ...string) {
	s.t.Helper()
	s.more = args
	s.Restart()
}

// Freeze stops the process until Thaw: its connections stay, and nothing is answered.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets the process go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// output keeps what a process prints.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.buf.Bytes())
}
