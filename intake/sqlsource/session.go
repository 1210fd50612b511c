package sqlsource

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// errDSN does not repeat the address, which holds a password.
var errDSN = errors.New("the address of the database can't be understood: give mysql://user:password@host:3306/database, with % codes for what has a meaning in addresses")

// ParseDSN reads an address: a URL, or what go-sql-driver takes. An error repeats no part of it.
func ParseDSN(dsn string) (*mysql.Config, error) {
	if scheme, _, ok := strings.Cut(dsn, "://"); ok && (scheme == "mysql" || scheme == "mariadb") {
		return parseURL(dsn)
	}
	c, err := mysql.ParseDSN(dsn)
	if err != nil || c.User == "" {
		return nil, errDSN
	}
	return c, nil
}

func parseURL(dsn string) (*mysql.Config, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Hostname() == "" || u.User.Username() == "" {
		return nil, errDSN
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	c, err := mysql.ParseDSN("/?" + u.RawQuery)
	if err != nil {
		return nil, errDSN
	}
	c.Net, c.Addr, c.DBName = "tcp", net.JoinHostPort(u.Hostname(), port), strings.TrimPrefix(u.Path, "/")
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	return c, nil
}

// connect opens the one connection. Each time it is made anew its session is set up first.
func connect(cfg *Config) (*sql.DB, *mysql.Config, error) {
	c, err := ParseDSN(cfg.DSN)
	if err != nil {
		return nil, nil, err
	}
	// Arguments within the statement: one way there and back for each, and nothing prepared stays at the server.
	c.InterpolateParams, c.ParseTime, c.MultiStatements = true, false, false
	c.Logger = &mysql.NopLogger{}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.ReadTimeout == 0 && cfg.StatementTimeout > 0 {
		c.ReadTimeout = cfg.StatementTimeout + 30*time.Second
	}
	if cfg.TLSCA != "" {
		if c.TLS, err = trust(cfg.TLSCA, c.Addr); err != nil {
			return nil, nil, err
		}
	}
	inner, err := mysql.NewConnector(c)
	if err != nil {
		return nil, nil, errDSN
	}
	db := sql.OpenDB(connector{inner, cfg.StatementTimeout})
	db.SetMaxOpenConns(1)
	return db, c, nil
}

func trust(file, addr string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", file)
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	return &tls.Config{RootCAs: pool, ServerName: host, MinVersion: tls.VersionTLS12}, nil
}

type connector struct {
	driver.Connector
	timeout time.Duration
}

// Numbers of the server's errors.
const (
	unknownVariable = 1193
	notSupported    = 1235
)

// Connect makes a connection that can only read, in UTC, a statement at a time.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.prepare(ctx, conn); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("prepare the session: %w", err)
	}
	return conn, nil
}

func (c connector) prepare(ctx context.Context, conn driver.Conn) error {
	do := func(statement string) error {
		_, err := conn.(driver.ExecerContext).ExecContext(ctx, statement, nil)
		return err
	}
	// A mode of its own keeps old zero dates comparable.
	for _, s := range []string{"SET time_zone = '+00:00'", "SET sql_mode = ''", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"} {
		if err := do(s); err != nil {
			return err
		}
	}
	if err := do("SET SESSION TRANSACTION READ ONLY"); err != nil && !isError(err, notSupported) { // TiDB has none
		return err
	}
	if c.timeout <= 0 {
		return nil
	}
	err := do(fmt.Sprintf("SET SESSION max_execution_time = %d", c.timeout.Milliseconds()))
	if isError(err, unknownVariable) { // MariaDB's has another name
		err = do(fmt.Sprintf("SET SESSION max_statement_time = %.3f", c.timeout.Seconds()))
	}
	return err
}

func isError(err error, numbers ...uint16) bool {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return false
	}
	for _, n := range numbers {
		if e.Number == n {
			return true
		}
	}
	return false
}
