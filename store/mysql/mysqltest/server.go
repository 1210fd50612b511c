//go:build unix

package mysqltest

import (
	"bytes"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"rollcall/freeport"
)

// Patience is how long these functions wait for what must happen.
const Patience = 30 * time.Second

// The account that tests use; it may do everything.
const (
	User     = "rollcall"
	Password = "p@ss/w:rd?" // with what has a meaning in addresses
)

const startTries = 5 // each with another port, as another process may take a free port first

// Options of a server. Zero means none.
type Options struct {
	Port int      // 0 for a free one
	TLS  bool     // refuse connections without TLS; the server's certificate is for 127.0.0.1, see ClientTLS
	Args []string // of mariadbd, --name=value …
}

// Server is a running MariaDB process.
type Server struct {
	Dir string // its directory
	CA  string // file of the authority that signed its certificate; empty without TLS

	addr      string
	options   Options
	clientTLS *tls.Config
	args      []string
	databases atomic.Int64

	mu      sync.Mutex
	process *process
}

// process is one life of a server.
type process struct {
	cmd   *exec.Cmd
	out   *output
	ended chan struct{}
}

func (s *Server) now() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

// Start starts a server with more arguments for mariadbd, and waits until it answers.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartWith(t, Options{Args: args})
}

// StartWith starts a server with options, and waits until it answers.
func StartWith(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := launch(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Main runs the tests of a package beside one server that they share, each with a database of its own, and gives the
// exit status: for TestMain.
func Main(m *testing.M, use func(*Server)) int {
	dir, err := os.MkdirTemp("", "mysqltest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := launch(dir, Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer s.Kill()
	use(s)
	return m.Run()
}

// launch installs a server in the directory and starts it.
func launch(dir string, o Options) (*Server, error) {
	s := &Server{Dir: dir, options: o}
	if err := s.install(); err != nil {
		return nil, err
	}
	for range startTries {
		port := o.Port
		if port == 0 {
			free, err := freeport.Next()
			if err != nil {
				return nil, err
			}
			port = free
		}
		s.addr = freeport.Addr(port)
		if err := s.run(); err != nil {
			return nil, err
		}
		err := s.await()
		if err == nil {
			return s, nil
		}
		s.Kill()
		if !bytes.Contains(s.now().out.bytes(), []byte("in use")) || o.Port != 0 {
			return nil, fmt.Errorf("%w\n%s", err, s.now().out.bytes())
		}
	}
	return nil, errors.New("no port stayed free for mariadbd")
}

const logSize = "--innodb-log-file-size=32M"

// install makes the system tables, the account and the certificates.
func (s *Server) install() error {
	for _, name := range []string{"mariadbd", "mariadb-install-db"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%s is not installed: run scripts/services install", name)
		}
	}
	me, err := user.Current()
	if err != nil {
		return err
	}
	data := filepath.Join(s.Dir, "data")
	out, err := exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+data, "--user="+me.Username, logSize,
		"--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput()
	if err != nil {
		return fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
	}
	grants := fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO '%s'@'%%';\n", User, Password, User)
	initFile := filepath.Join(s.Dir, "init.sql")
	if err := os.WriteFile(initFile, []byte(grants), 0o600); err != nil {
		return err
	}
	s.args = []string{"--no-defaults", "--user=" + me.Username, "--datadir=" + data, "--socket=mysql.sock", "--bind-address=127.0.0.1",
		"--init-file=" + initFile, "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=128M", logSize,
		"--performance-schema=OFF", "--max-connections=1000", "--max-allowed-packet=64M", "--character-set-server=utf8mb4", "--skip-log-bin"}
	if !s.options.TLS {
		return nil
	}
	return s.certify()
}

func (s *Server) run() error {
	_, port, _ := net.SplitHostPort(s.addr)
	p := &process{exec.Command("mariadbd", append(append(slices.Clip(s.args), "--port="+port), s.options.Args...)...), &output{}, make(chan struct{})}
	p.cmd.SysProcAttr = dieWithParent()
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process = p
	return nil
}

// await waits until the server answers; it fails if the process ends before.
func (s *Server) await() error {
	db, err := s.open("")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for end := time.Now().Add(Patience); ; {
		if err = db.Ping(); err == nil {
			return nil
		}
		select {
		case <-s.now().ended:
			return fmt.Errorf("mariadbd at %s ended", s.addr)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("mariadbd at %s does not answer: %w", s.addr, err)
		}
	}
}

func (s *Server) open(database string) (*sql.DB, error) {
	config := s.config(database)
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (s *Server) config(database string) *mysql.Config {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName, c.TLS = User, Password, "tcp", s.addr, database, s.clientTLS
	c.Timeout = 5 * time.Second
	return c
}

// Addr is the server's host:port.
func (s *Server) Addr() string { return s.addr }

// ClientTLS is what a client needs to trust the server; nil without TLS.
func (s *Server) ClientTLS() *tls.Config { return s.clientTLS.Clone() }

// DSN is the address of a database for go-sql-driver. It says nothing of TLS.
func (s *Server) DSN(database string) string { return DSN(s.addr, database) }

// DSN is the address of a database of a server that is reached at host:port, for example through a proxy.
func DSN(addr, database string) string {
	return fmt.Sprintf("%s:%s@tcp(%s)/%s", User, Password, addr, database)
}

// Database makes an empty database and gives its DSN.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := s.NewDatabase(t)
	return s.DSN(name)
}

// NewDatabase makes an empty database and gives its name.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	s.Exec(t, "CREATE DATABASE "+name)
	return name
}

// Exec runs statements as the account of the tests.
func (s *Server) Exec(t testing.TB, statements ...string) {
	t.Helper()
	db := s.Open(t, "")
	defer func() { _ = db.Close() }()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// Open opens a database, until the test ends.
func (s *Server) Open(t testing.TB, database string) *sql.DB {
	t.Helper()
	db, err := s.open(database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Kill ends the process at once, if it runs.
func (s *Server) Kill() {
	p := s.now()
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Stop has the server shut down, and waits for it.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	select {
	case <-s.now().ended:
	case <-time.After(Patience):
		t.Fatalf("mariadbd at %s does not stop:\n%s", s.addr, s.now().out.bytes())
	}
}

// Restart starts the process again on its port, with its data. It follows Kill or Stop.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	err := s.run()
	if err == nil {
		err = s.await()
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, s.now().out.bytes())
	}
}

// Freeze stops the process until Thaw: its connections stay, and nothing is answered.
func (s *Server) Freeze(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Thaw lets the process go on.
func (s *Server) Thaw(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := s.now().cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
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
