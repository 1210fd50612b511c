package mysql

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

// Config says which store to open.
type Config struct {
	DSN              string        // user:password@tcp(host:3306)/database?…, or mysql://user:password@host:3306/database?…
	Dimensions       []string      // recorded when the store is made, and checked ever after
	Shards           int           // recorded when the store is made, and checked ever after
	Migrate          bool          // make or update the tables on Open; else Open refuses a database that needs it
	MaxOpenConns     int           // of this process in all, at least 4; half are for views. 0 for 16
	StatementTimeout time.Duration // after which the server or the client gives a statement up; 0 for 30 s
	TLS              *tls.Config   // nil as the DSN says
	Build            uint32        // 0 for the active one
	Beside           bool          // Build is one that is not active, and is worked on beside the active one
	Logger           *slog.Logger
	Step             func(name string) // called between the steps of a commit; nil but for crash tests
}

const (
	defaultConns   = 16
	minConns       = 4
	defaultTimeout = 30 * time.Second
	dialTimeout    = 10 * time.Second
)

func (c *Config) setDefaults() error {
	if c.MaxOpenConns == 0 {
		c.MaxOpenConns = defaultConns
	}
	if c.StatementTimeout == 0 {
		c.StatementTimeout = defaultTimeout
	}
	if c.Step == nil {
		c.Step = func(string) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxOpenConns < minConns {
		return errors.New("fewer than 4 connections are too few: two kinds of reader and the commits need theirs")
	}
	if c.Beside && c.Build == 0 {
		return errors.New("the build beside the active one has no number")
	}
	if c.StatementTimeout < time.Second {
		return errors.New("a statement timeout below 1 s ends what is needed")
	}
	return nil
}

// errDSN repeats nothing of the address, which holds a password.
var errDSN = errors.New("the address is none: want user:password@tcp(host:3306)/database or mysql://user:password@host:3306/database")

// parseDSN reads both forms of address. No error repeats any part of it.
func parseDSN(dsn string) (*driver.Config, error) {
	var c *driver.Config
	var err error
	if strings.HasPrefix(dsn, "mysql://") {
		c, err = parseURL(dsn)
	} else {
		c, err = driver.ParseDSN(dsn)
	}
	if err != nil || c.DBName == "" {
		return nil, errDSN
	}
	return c, nil
}

func parseURL(dsn string) (*driver.Config, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Hostname() == "" {
		return nil, errDSN
	}
	c, err := driver.ParseDSN("/?" + u.RawQuery)
	if err != nil {
		return nil, err
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	c.Net, c.Addr, c.DBName = "tcp", net.JoinHostPort(u.Hostname(), port), strings.TrimPrefix(u.Path, "/")
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	return c, nil
}

// driverConfig is the DSN with what this package relies on.
func (c *Config) driverConfig() (*driver.Config, error) {
	d, err := parseDSN(c.DSN)
	if err != nil {
		return nil, err
	}
	d.InterpolateParams = true // one round trip a statement, whatever its number of rows
	d.ClientFoundRows = true   // rows affected are rows found, changed or not
	d.AllowAllFiles, d.MultiStatements, d.ParseTime, d.Loc = false, false, false, time.UTC
	d.Logger = &driver.NopLogger{} // what it would say comes back as an error
	if d.Timeout == 0 {
		d.Timeout = min(dialTimeout, c.StatementTimeout)
	}
	d.ReadTimeout, d.WriteTimeout = c.StatementTimeout+time.Second, c.StatementTimeout+time.Second
	if c.TLS != nil {
		d.TLS, d.TLSConfig, d.AllowFallbackToPlaintext = c.TLS.Clone(), "", false
	}
	if d.TLS != nil && d.TLS.ServerName == "" && !d.TLS.InsecureSkipVerify {
		if host, _, err := net.SplitHostPort(d.Addr); err == nil {
			d.TLS.ServerName = host
		}
	}
	return d, d.Apply(driver.Charset("utf8mb4", ""))
}
