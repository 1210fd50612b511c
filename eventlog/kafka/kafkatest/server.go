//go:build unix

package kafkatest

import (
	"bytes"
	"context"
	"crypto/tls"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Patience is how long these functions wait for what must happen.
const Patience = 60 * time.Second

const startTries = 5 // each with other ports, as another process may take a free port first

// Client is the listener that every server has for its clients.
const Client = "CLIENT"

// User and Password are those of a server with Options.SASL.
const (
	User     = "rollcall"
	Password = "secret of the tests"
)

// Options of a server.
type Options struct {
	TLS        bool              // on every listener for clients; Server.TLS trusts it
	SASL       bool              // clients log in as User: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	Properties map[string]string // of server.properties, over those of this package
	// Advertised has the address that each listener tells its clients to connect to, such as a proxy's: for Client, or
	// for any name (capital letters), which then is a listener of its own; see Server.Addr.
	Advertised map[string]string
}

// Server is a running Kafka process.
type Server struct {
	Dir string

	t       testing.TB
	options Options
	addrs   map[string]string // by listener
	cert    certificate
	cmd     *exec.Cmd
	out     *output
	ended   chan struct{}
}

// Start starts a server and waits until it answers.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	Require(t)
	for range startTries {
		s := &Server{t: t, options: o, Dir: t.TempDir(), out: &output{}}
		if o.TLS {
			s.cert = newCertificate(t)
		}
		s.prepare()
		s.run()
		if s.answers() {
			t.Cleanup(s.Kill)
			return s
		}
		s.Kill()
		if !bytes.Contains(s.out.bytes(), []byte("Address already in use")) {
			t.Fatalf("Kafka does not answer at %s:\n%s", s.addrs[Client], s.out.tail())
		}
	}
	t.Fatal("no port stayed free for Kafka")
	return nil
}

// Require fails the test, and says what to do, where there is no Kafka.
func Require(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("java"); err != nil {
		t.Fatal("java is not installed: run scripts/services install")
	}
	if found, _ := filepath.Glob(filepath.Join(jars(t), "kafka_*.jar")); len(found) == 0 {
		t.Fatalf("there is no Kafka in %s: run scripts/services install", jars(t))
	}
}

// jars is .tools/kafka at the root of the module.
func jars(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".tools", "kafka")
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the test does not run in the module")
		}
		dir = filepath.Dir(dir)
	}
}

// Brokers are the addresses for clients.
func (s *Server) Brokers() []string { return []string{s.Advertised(Client)} }

// Addr is the address at which the server itself listens for a listener: where a proxy connects to.
func (s *Server) Addr(listener string) string { return s.addrs[listener] }

// Advertised is the address that a listener tells its clients.
func (s *Server) Advertised(listener string) string {
	if addr, ok := s.options.Advertised[listener]; ok {
		return addr
	}
	return s.addrs[listener]
}

// TLS is the configuration of a client that trusts the server, nil without TLS.
func (s *Server) TLS() *tls.Config {
	if !s.options.TLS {
		return nil
	}
	return s.cert.client.Clone()
}

func (s *Server) listeners() []string {
	names := map[string]bool{Client: true}
	for name := range s.options.Advertised {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// run starts the process.
func (s *Server) run() {
	s.cmd = s.java("kafka.Kafka", filepath.Join(s.Dir, "server.properties"))
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

// java makes a command that runs a class of Kafka. The options are those of a short life: little heap, no optimizing
// compiler, one thread to collect.
func (s *Server) java(class string, args ...string) *exec.Cmd {
	java := []string{"-Xmx384m", "-Xms64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
		"-Dlog4j2.configurationFile=" + filepath.Join(s.Dir, "log4j2.xml"), "-cp", filepath.Join(jars(s.t), "*"), class}
	cmd := exec.Command("java", append(java, args...)...)
	cmd.SysProcAttr = dieWithParent()
	return cmd
}

// answers waits until the server gives its metadata on its own listeners, unfenced; false if it ends before.
func (s *Server) answers() bool {
	for end := time.Now().Add(Patience); time.Now().Before(end); {
		if s.started() {
			return true
		}
		select {
		case <-s.ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// started tells whether the process has said so since it was run, and accepts connections.
func (s *Server) started() bool {
	if !bytes.Contains(s.out.bytes(), []byte("Kafka Server started")) {
		return false
	}
	for _, addr := range s.addrs {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return false
		}
		_ = c.Close()
	}
	return true
}

// Kill ends the process at once, if it runs.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// Stop ends the process in order: it closes its files, and clients see it leave.
func (s *Server) Stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(Patience):
		s.t.Fatalf("Kafka does not stop:\n%s", s.out.tail())
	}
}

// Restart starts the process again on its ports and data. It follows Kill or Stop.
func (s *Server) Restart() {
	s.t.Helper()
	s.out.reset()
	if s.run(); !s.answers() {
		s.t.Fatalf("Kafka at %s does not come back:\n%s", s.addrs[Client], s.out.tail())
	}
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

// Dial makes a client with what the server needs of one: its address, TLS, and a login by PLAIN. The test closes it.
func (s *Server) Dial(opts ...kgo.Opt) *kgo.Client {
	s.t.Helper()
	c, err := kgo.NewClient(append(s.Opts(), opts...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := c.Ping(ctx); err != nil {
		s.t.Fatalf("Kafka %s: %v", s.Brokers(), err)
	}
	return c
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

func (o *output) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Reset()
}

// tail is the end of it.
func (o *output) tail() []byte {
	b := o.bytes()
	return b[max(0, len(b)-8<<10):]
}
