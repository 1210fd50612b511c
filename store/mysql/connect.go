package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

const (
	maxIdle = 5 * time.Minute  // of a connection of views, before it is closed
	maxLife = 30 * time.Minute // of a connection, so that load follows servers that come and go
)

// silence is how long one who writes may say nothing before the server ends its connection, and rolls back what it had
// begun: a process that was frozen, or a machine that is gone, holds rows that all others wait for.
func (c *Config) silence() time.Duration { return max(time.Second, c.StatementTimeout/3) }

// connector makes connections and sets them up.
type connector struct {
	sqldriver.Connector
	settings []string
}

func (c *connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, setting := range c.settings {
		if _, err := conn.(sqldriver.ExecerContext).ExecContext(ctx, setting, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// settings of a connection. MariaDB bounds every statement, MySQL and TiDB those that read; each ignores the other's comment.
func (c *Config) settings(isolation string, statements time.Duration) []string {
	lock := max(1, int(statements.Seconds())/3)
	return []string{
		fmt.Sprintf(`SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', innodb_lock_wait_timeout = %d
		/*M!100000 , max_statement_time = %d */ /*!80000 , max_execution_time = %d */`, lock, int(statements.Seconds()), statements.Milliseconds()),
		"SET SESSION TRANSACTION ISOLATION LEVEL " + isolation,
	}
}

// connectWriters makes the pool of those who write. It closes its connections before the server does.
func (c *Config) connectWriters(n int) (*sql.DB, error) {
	seconds := int(c.silence().Seconds())
	db, err := c.connect(n, readCommitted, c.StatementTimeout, fmt.Sprintf("SET SESSION wait_timeout = %d, net_read_timeout = %d", seconds, seconds))
	if err == nil {
		db.SetConnMaxIdleTime(c.silence() / 2)
	}
	return db, err
}

// connect makes a pool of at most n connections with an isolation level.
func (c *Config) connect(n int, isolation string, statements time.Duration, more ...string) (*sql.DB, error) {
	d, err := c.driverConfig()
	if err != nil {
		return nil, err
	}
	inner, err := driver.NewConnector(d)
	if err != nil {
		return nil, errDSN
	}
	db := sql.OpenDB(&connector{inner, append(c.settings(isolation, statements), more...)})
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxIdleTime(maxIdle)
	db.SetConnMaxLifetime(maxLife)
	return db, nil
}

const (
	readCommitted  = "READ COMMITTED"  // of those who write: no locks on gaps
	repeatableRead = "REPEATABLE READ" // of views: one snapshot
)
