package kafka

import (
	"context"
	"sync"
	"sync/atomic"

	"rollcall"
)

// readers lends each Fetch a reader: the one that holds what is asked for already, or else one that has been idle for long.
type readers struct {
	log      *Log
	most     int   // readers at a time; further Fetches wait for one
	maxBytes int32 // of one answer
	slots    chan struct{}
	shards   []shard

	mu     sync.Mutex
	idle   []*reader // the one used last comes last
	closed bool
}

// shard is what was seen of a partition.
type shard struct{ fetched, end atomic.Int64 }

const spareReaders = 8 // beside one for each shard: for verify, rebuild and whoever else looks at a part again

func (rs *readers) init(l *Log) {
	rs.log, rs.most = l, l.topic.partitions+spareReaders
	rs.maxBytes = int32(min(max(l.cfg.FetchBytes/int64(rs.most), 64<<10), 16<<20))
	rs.slots = make(chan struct{}, rs.most)
	rs.shards = make([]shard, l.topic.partitions)
}

// take lends a reader; give takes it back.
func (rs *readers) take(ctx context.Context, shard int, from rollcall.Offset) (*reader, error) {
	select {
	case rs.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if r := rs.choose(shard, from); r != nil {
		return r, nil
	}
	r, err := rs.log.newReader(rs.log.cfg.Topic, rs.log.topic.id)
	if err != nil {
		<-rs.slots
	}
	return r, err
}

// choose finds the reader that was here before; a new one is made while there are few, so that each shard keeps its own.
func (rs *readers) choose(shard int, from rollcall.Offset) *reader {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	best := -1
	for i, r := range rs.idle {
		if r.holds(shard, from) {
			best = i
			break
		}
		if r.shard == shard && r.end == r.next {
			best = i // it stands at the end of what it had
		}
	}
	if best < 0 && len(rs.idle)+len(rs.slots)-1 >= rs.most {
		best = 0
	}
	if best < 0 {
		return nil
	}
	r := rs.idle[best]
	rs.idle = append(rs.idle[:best], rs.idle[best+1:]...)
	return r
}

func (rs *readers) give(r *reader) {
	rs.mu.Lock()
	if rs.closed {
		defer r.client.Close()
	} else {
		rs.idle = append(rs.idle, r)
	}
	rs.mu.Unlock()
	<-rs.slots
}

func (rs *readers) close() {
	rs.mu.Lock()
	idle := rs.idle
	rs.idle, rs.closed = nil, true
	rs.mu.Unlock()
	for _, r := range idle {
		r.client.Close()
	}
}

// saw keeps how far a shard was read, for Stats.
func (rs *readers) saw(n int, fetched, end rollcall.Offset) {
	rs.shards[n].fetched.Store(int64(fetched))
	if end > 0 {
		rs.shards[n].end.Store(int64(end))
	}
}
