package redisstream

import "rollcall"

// ID is the id of the entry at an offset.
func ID(o rollcall.Offset) string { return idOf(o) }

// Abandon cuts all connections and lets no new ones be made, as if the process were gone.
func (l *Log) Abandon() error {
	l.link.mu.Lock()
	conns := l.link.conns
	l.link.conns = nil
	l.link.mu.Unlock()
	for c := range conns {
		_ = c.Conn.Close()
	}
	return nil
}

// Closed tells whether the log was closed.
func (l *Log) Closed() bool { return l.closed() }

// Checksum is that of a record.
func Checksum(count, payload string) string { return checksum(count, payload) }
