//go:build unix

package chaostest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rollcall/apptest"
	"rollcall/freeport"
)

// Seat is a place for one process of the binary, with its own links and directory. A process that ends unasked is started
// again, as a supervisor would.
type Seat struct {
	Name  string
	Addr  string // host:port where its processes listen
	t     testing.TB
	bin   string
	args  []string
	env   []string
	url   atomic.Pointer[string] // of the process that listens
	mu    sync.Mutex
	now   *apptest.Server   // nil: nobody sits there
	all   []*apptest.Server // that ever sat there
	lapse []string          // how those ended that nobody had asked to
}

// restartPause is how long a supervisor waits.
const restartPause = 200 * time.Millisecond

// NewSeat makes an empty seat. When the test fails, its end keeps what the processes wrote in the directory.
func NewSeat(t testing.TB, name, logs, bin string, args ...string) *Seat {
	addr := free(t)
	s := &Seat{Name: name, Addr: addr, t: t, bin: bin, args: append(slices.Clone(args), "--listen", addr)}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			s.keep(logs)
		}
	})
	return s
}

// Up starts a process, if nobody sits there.
func (s *Seat) Up() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		s.launch()
	}
}

func (s *Seat) launch() {
	p := apptest.Launch(s.t, s.bin, s.env, s.args...)
	s.now, s.all = p, append(s.all, p)
	go s.watch(p)
}

func (s *Seat) watch(p *apptest.Server) {
	if err := p.Listening(time.Hour); err == nil {
		url := p.URL
		s.url.Store(&url)
		<-p.Ended()
		s.url.CompareAndSwap(&url, nil)
	}
	time.Sleep(restartPause)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == p {
		s.lapse = append(s.lapse, fmt.Sprintf("%v: %s", p.State(), last(p.Stderr(), 1)))
		s.launch()
	}
}

// URL is the address of the process, empty while none listens.
func (s *Seat) URL() string {
	if url := s.url.Load(); url != nil {
		return *url
	}
	return ""
}

// leave empties the seat and gives who sat there.
func (s *Seat) leave() *apptest.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.now
	s.now = nil
	return p
}

// Kill ends the process with SIGKILL and leaves the seat empty.
func (s *Seat) Kill() {
	if p := s.leave(); p != nil {
		p.Kill()
	}
}

// Term ends the process with SIGTERM and leaves the seat empty: within the grace it has to end with status 0.
func (s *Seat) Term(grace time.Duration) error {
	p := s.leave()
	if p == nil {
		return nil
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return nil // it had ended by itself just now
	}
	select {
	case <-p.Ended():
	case <-time.After(grace):
		_ = p.Signal(syscall.SIGQUIT) // for the stacks
		<-p.Ended()
		return fmt.Errorf("%s did not end within %v of SIGTERM", s.Name, grace)
	}
	if code := p.State().ExitCode(); code != 0 && !unborn(p) {
		return fmt.Errorf("%s: after SIGTERM: %v\n%s", s.Name, p.State(), last(p.Stderr(), 20))
	}
	return nil
}

// unborn tells of a process that SIGTERM ended before it could listen to signals: it had nothing yet to drain.
func unborn(p *apptest.Server) bool {
	how, ok := p.State().Sys().(syscall.WaitStatus)
	return ok && how.Signaled() && how.Signal() == syscall.SIGTERM && p.Stderr() == ""
}

// Freeze stops the process with SIGSTOP until Thaw: its connections stay, and it says nothing.
func (s *Seat) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (s *Seat) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Seat) signal(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil {
		_ = s.now.Signal(sig) // it may be gone
	}
}

// Lapses tells how processes ended that nobody had asked to.
func (s *Seat) Lapses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lapse)
}

// Logs gives what each process wrote, in order.
func (s *Seat) Logs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	logs := make([]string, len(s.all))
	for i, p := range s.all {
		logs[i] = p.Stderr()
	}
	return logs
}

func (s *Seat) keep(dir string) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Log(err)
	}
	for i, log := range s.Logs() {
		path := filepath.Join(dir, fmt.Sprintf("%s.%d.log", s.Name, i))
		if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
			s.t.Log(err)
		}
	}
}

// last gives the last lines of a text.
func last(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func list(items []string) string { return strings.Join(items, ",") }

// free gives an address of the loopback that stays free while nobody listens at it.
func free(t testing.TB) string {
	port, err := freeport.Next()
	if err != nil {
		t.Fatal(err)
	}
	return freeport.Addr(port)
}
