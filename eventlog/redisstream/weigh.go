package redisstream

import (
	"fmt"
	"sync/atomic"
	"time"

	"rollcall/eventlog"
)

const weighEvery = time.Second

// fullness is what the streams weighed when it was looked last, and what this process has appended since.
type fullness struct{ bytes, limit atomic.Int64 }

func (f *fullness) check() error {
	if bytes, limit := f.bytes.Load(), f.limit.Load(); limit > 0 && bytes > limit {
		return fmt.Errorf("%w: its streams take %d bytes of at most %d", eventlog.ErrFull, bytes, limit)
	}
	return nil
}

func (f *fullness) add(bytes int) { f.bytes.Add(int64(bytes)) }

// weigh asks each second what memory the streams take, so that the limit holds, but for what other processes append in that
// second, at no cost to Appends.
func (l *Log) weigh() {
	l.full.limit.Store(l.cfg.MaxBytes)
	for !l.closed() {
		l.weighOnce()
		sleep(l.link.life, weighEvery)
	}
}

func (l *Log) weighOnce() {
	ctx, cancel := l.within(l.link.life)
	defer cancel()
	sum := int64(0)
	for _, stream := range l.keys.streams {
		n, err := l.link.client.Do(ctx, l.link.client.B().MemoryUsage().Key(stream).Build()).AsInt64()
		if err == nil {
			sum += n
		}
	}
	l.full.bytes.Store(sum)
}
