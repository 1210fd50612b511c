package eventlog

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rollcall"
)

// Config says where the embedded log lies and how large it grows. Zero means the default.
type Config struct {
	Dir          string
	Shards       int           // 1 to 1024; fixed for the life of the log
	SegmentBytes int64         // size at which a file is ended; default 256 MiB, at most a quarter of MaxBytes
	FrameBytes   int           // what one group commit gathers at most; default 8 MiB, at most 64 MiB
	TailBytes    int64         // memory for records already written or read; default 64 MiB
	MaxBytes     int64         // size of the whole log beyond which old segments go, and if none may go Append fails; 0: no limit
	MaxAge       time.Duration // age beyond which old segments go; 0: no limit
}

// MaxAppend is the largest size of one Append: payloads, source, and 40 bytes for each record.
const MaxAppend = maxBody

// Deps is what the embedded log needs from outside. Zero means the machine's own, and no messages.
type Deps struct {
	FS     FS
	Now    func() time.Time
	Logger *slog.Logger
}

// Log is the embedded log: an Appender and a Fetcher, safe for concurrent use. One process opens it at a time.
type Log struct {
	cfg     Config
	fs      FS
	now     func() time.Time
	logger  *slog.Logger
	release func() error

	gather  *gather
	loader  *loader
	meter   meter
	closing chan struct{} // closed by Close, for those that wait in Fetch
	stopped chan struct{} // closed when the flusher has ended
	close   sync.Once

	file      File // of the last segment; the flusher's alone
	retaining sync.Mutex
	erasing   sync.Mutex

	mu       sync.RWMutex
	segments []*segment // oldest first; the last one is written
	total    int64      // bytes in them
	next     []rollcall.Offset
	marks    map[string]int64
	floor    []rollcall.Offset
	news     []chan struct{} // by shard: closed at the next record; nil while nobody waits
}

// Open opens the log in cfg.Dir, or makes it. It cuts off what a crash left of an unfinished write, which nobody was told
// is durable, and gives a *CorruptError for any other damage it meets; ErrLocked when another process has it open. It
// reads the last segment whole and the headers of the others.
func Open(cfg Config, deps Deps) (*Log, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	l := &Log{cfg: cfg, fs: deps.FS, now: deps.Now, logger: deps.Logger,
		closing: make(chan struct{}), stopped: make(chan struct{}),
		gather: newGather(cfg.FrameBytes), news: make([]chan struct{}, cfg.Shards), floor: make([]rollcall.Offset, cfg.Shards)}
	l.defaults()
	l.loader = &loader{l.fs, &cache{limit: cfg.TailBytes}}
	var err error
	if l.release, err = l.fs.Lock(cfg.Dir); err != nil {
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	if err := l.recover(); err != nil {
		if l.file != nil {
			_ = l.file.Close()
		}
		_ = l.release()
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	go l.run()
	return l, nil
}

func (c *Config) complete() error {
	if c.Shards < 1 || c.Shards > maxShards {
		return fmt.Errorf("%d shards: want 1 to %d", c.Shards, maxShards)
	}
	if c.SegmentBytes < 0 || c.FrameBytes < 0 || c.FrameBytes > maxBody || c.TailBytes < 0 || c.MaxBytes < 0 || c.MaxAge < 0 {
		return fmt.Errorf("sizes and ages can't be negative, nor a frame larger than %d bytes", maxBody)
	}
	if c.SegmentBytes == 0 {
		c.SegmentBytes = 256 << 20
	}
	if c.MaxBytes > 0 {
		c.SegmentBytes = min(c.SegmentBytes, c.MaxBytes/4)
	}
	if c.FrameBytes == 0 {
		c.FrameBytes = 8 << 20
	}
	if c.TailBytes == 0 {
		c.TailBytes = 64 << 20
	}
	return nil
}

func (l *Log) defaults() {
	if l.fs == nil {
		l.fs = OS{}
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
}

// Close writes what was gathered, ends the log, and gives the directory free. Appends and Fetches that come later, and
// Fetches that wait, get ErrClosed.
func (l *Log) Close() error {
	var err error
	l.close.Do(func() {
		l.gather.refuse(ErrClosed)
		<-l.stopped
		close(l.closing)
		err = l.file.Close()
		if released := l.release(); err == nil {
			err = released
		}
	})
	if err != nil {
		return fmt.Errorf("close log %s: %w", l.cfg.Dir, err)
	}
	return nil
}

// Shards is the number of shards.
func (l *Log) Shards() int { return l.cfg.Shards }

// Marks gives the durable marks of sources that were not done, by source.
func (l *Log) Marks() map[string]int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	marks := make(map[string]int64, len(l.marks))
	for source, position := range l.marks {
		marks[source] = position
	}
	return marks
}

func (l *Log) closed() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// Ends gives the offset behind the last durable record of each shard, of all shards at one instant: each Append lies
// before them or behind.
func (l *Log) Ends() []rollcall.Offset {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return append([]rollcall.Offset(nil), l.next...)
}
