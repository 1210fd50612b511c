package apptest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take for anything that is asked of it.
const patience = 30 * time.Second

// poll is the pause between two looks at something that has to happen.
const poll = 10 * time.Millisecond

const announcement = "listening on "

// Server is a running `rollcall serve`, or another command that serves.
type Server struct {
	Client
	cmd     *exec.Cmd
	written *output
	ended   chan struct{} // closed when the process is gone
}

// Start starts a server on a free port and waits until it is ready. The test's end kills it.
func Start(t testing.TB, bin string, env []string, args ...string) *Server {
	t.Helper()
	s := Launch(t, bin, env, args...)
	if err := s.Ready(); err != nil {
		t.Fatalf("start %v: %v\n%s", args, err, s.written)
	}
	return s
}

// Launch starts a server and waits for nothing.
func Launch(t testing.TB, bin string, env []string, args ...string) *Server {
	t.Helper()
	return launch(t, bin, env, "serve", args...)
}

// launch starts a command that serves.
func launch(t testing.TB, bin string, env []string, command string, args ...string) *Server {
	t.Helper()
	cmd := exec.Command(bin, append([]string{command, "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = environment(env...)
	cmd.SysProcAttr = dieWithParent()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &Server{cmd: cmd, written: newOutput(), ended: make(chan struct{})}
	go s.wait(stderr)
	t.Cleanup(s.Kill)
	return s
}

func (s *Server) wait(stderr io.Reader) {
	s.written.read(stderr)
	_ = s.cmd.Wait() // the status is read from ProcessState
	close(s.ended)
}

// Ready waits until the server answers that it is ready.
func (s *Server) Ready() error {
	if err := s.Listening(patience); err != nil {
		return err
	}
	return s.Until(func() (bool, error) {
		select {
		case <-s.ended:
			return false, fmt.Errorf("it ended: %v", s.cmd.ProcessState)
		default:
		}
		reply, err := s.Get("/readyz", nil)
		return err == nil && reply.Status == 200, nil
	})
}

// Listening waits until the server has told its address.
func (s *Server) Listening(patience time.Duration) error {
	select {
	case s.URL = <-s.written.address:
		return nil
	case <-s.ended:
		return fmt.Errorf("it ended: %v", s.cmd.ProcessState)
	case <-time.After(patience):
		return fmt.Errorf("no line %q in %v", announcement, patience)
	}
}

// Signal sends the process a signal; an error tells that it is gone.
func (s *Server) Signal(sig os.Signal) error { return s.cmd.Process.Signal(sig) }

// Kill ends the server with SIGKILL, if it still runs.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // fails only when it is gone
	<-s.ended
}

// Stop ends the server with SIGTERM; it has to drain and end with status 0.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("stop: %v\n%s", err, s.written)
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // for the stacks
		<-s.ended
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("stop: %v\n%s", s.cmd.ProcessState, s.written)
	}
}

// Ended is closed when the process is gone.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// State tells how the process ended.
func (s *Server) State() *os.ProcessState { return s.cmd.ProcessState }

// Stderr is what the server has written so far.
func (s *Server) Stderr() string { return s.written.String() }

// output keeps what a process writes, and gives the address in it away.
type output struct {
	mu      sync.Mutex
	text    strings.Builder
	address chan string
}

func newOutput() *output { return &output{address: make(chan string, 1)} }

func (o *output) read(r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		o.mu.Lock()
		o.text.WriteString(line)
		o.mu.Unlock()
		if _, address, ok := strings.Cut(line, announcement); ok && len(o.address) == 0 {
			o.address <- strings.TrimSpace(address)
		}
		if err != nil {
			return
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
