package erase

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store"
)

// Print is the first 128 bits of the HMAC-SHA256 of a user's id, as store.Erasure has it.
type Print = [16]byte

// Printer gives prints under a key. It may be shared.
type Printer struct{ pool *sync.Pool }

// NewPrinter takes the key of a store.
func NewPrinter(key []byte) Printer {
	return Printer{&sync.Pool{New: func() any { return &keyed{Hash: hmac.New(sha256.New, key)} }}}
}

// keyed is a hash with room for its sum.
type keyed struct {
	hash.Hash
	sum [sha256.Size]byte
}

// Of gives the print of a user.
func (p Printer) Of(user []byte) (print Print) {
	mac := p.pool.Get().(*keyed)
	defer p.pool.Put(mac)
	mac.Reset()
	mac.Write(user)
	copy(print[:], mac.Sum(mac.sum[:0]))
	return print
}

// List is the users that readers of a log pass over, by shard.
type List struct {
	printer Printer
	shards  map[int]*listed
}

type listed struct {
	until rollcall.Offset           // of all entries
	users map[Print]rollcall.Offset // where each may come back
}

// NewList makes the list that readers for a build go by, of what a store keeps under the key of the prints. Of two entries
// of a user the one that reaches farther counts.
func NewList(key []byte, entries []store.Erasure, build uint32) *List {
	l := &List{NewPrinter(key), map[int]*listed{}}
	for _, e := range entries {
		if e.Build > build {
			continue
		}
		s := l.shards[e.Shard]
		if s == nil {
			s = &listed{users: map[Print]rollcall.Offset{}}
			l.shards[e.Shard] = s
		}
		s.until = max(s.until, e.Until)
		s.users[e.User] = max(s.users[e.User], e.Until)
	}
	return l
}

// Listed gives the records of a log without the events that are listed. Without entries it is the log itself.
func Listed(log eventlog.Fetcher, l *List) eventlog.Fetcher {
	if len(l.shards) == 0 {
		return log
	}
	return reader{log, l.whose}
}

// whose asks for the print of each user of a record; of none behind all entries.
func (l *List) whose(shard int, at rollcall.Offset) (record.Users, bool) {
	s := l.shards[shard]
	if s == nil || at >= s.until {
		return record.Users{}, false
	}
	return record.UsersWho(func(user []byte) bool { return at < s.users[l.printer.Of(user)] }), true
}
