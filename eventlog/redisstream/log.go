package redisstream

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"rollcall/eventlog"
)

// Log is a log in Redis Streams: an Appender, Fetcher, Ownership and Reporter, safe for concurrent use.
type Log struct {
	cfg      Config
	logger   *slog.Logger
	link     *link
	scripts  scripts
	news     news
	keys     keys
	identity string
	full     fullness
	marks    marks
	trims    trims

	work sync.WaitGroup
	once sync.Once
}

var (
	_ eventlog.Appender  = (*Log)(nil)
	_ eventlog.Fetcher   = (*Log)(nil)
	_ eventlog.Ownership = (*Log)(nil)
	_ eventlog.Reporter  = (*Log)(nil)
)

// keys are the names in Redis. The hash tag puts all of them into one slot of a Cluster.
type keys struct {
	meta, marks, numbers, members, owners string
	streams                               []string
	news, turns                           string // channels
}

func newKeys(prefix string, shards int) keys {
	base := "{" + prefix + "}:log:"
	k := keys{meta: base + "meta", marks: base + "marks", numbers: base + "numbers", members: base + "members", owners: base + "owners",
		news: base + "news", turns: base + "turns", streams: make([]string, shards)}
	for shard := range k.streams {
		k.streams[shard] = base + strconv.Itoa(shard)
	}
	return k
}

// Open connects, waits for the server until ctx ends, and makes the log if there is none. It refuses a server that may
// evict the log or lacks what is needed, and a log of another number of shards; it warns when an acknowledged Append may
// be lost.
func Open(ctx context.Context, cfg Config, deps Deps) (*Log, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("open redis log: %w", err)
	}
	l := &Log{cfg: cfg, logger: deps.Logger, scripts: newScripts(), keys: newKeys(cfg.Prefix, cfg.Shards)}
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
	l.news.init(cfg.Shards)
	l.marks.known = make(map[string]int64)
	l.trims.last = make(map[int]time.Time)
	var err error
	if l.link, err = connect(ctx, &l.cfg, l.logger); err != nil {
		return nil, fmt.Errorf("open redis log: %w", err)
	}
	if err := l.join(ctx); err != nil {
		l.link.close()
		return nil, fmt.Errorf("open redis log %s: %w", l.keys.meta, err)
	}
	l.work.Go(l.listen)
	if cfg.MaxBytes > 0 {
		l.work.Go(l.weigh)
	}
	return l, nil
}

// join finds the log or makes it.
func (l *Log) join(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	if err := l.inspect(ctx); err != nil {
		return err
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	found, err := l.scripts.found.Exec(ctx, l.link.client, []string{l.keys.meta}, []string{hex.EncodeToString(id), strconv.Itoa(l.cfg.Shards)}).AsStrSlice()
	if err != nil {
		return l.failure(err)
	}
	if len(found) != 3 || found[2] != "1" {
		return errors.New("it is not a log, or one of a newer version: give another prefix")
	}
	if found[1] != strconv.Itoa(l.cfg.Shards) {
		return fmt.Errorf("the log has %s shards, not %d, which can't be changed: set its number, or give another prefix and import again", found[1], l.cfg.Shards)
	}
	l.identity = found[0]
	return nil
}

// Close ends the log. Appends and Fetches that come later, and Fetches that wait, get ErrClosed; the outcome of Appends
// under way is unknown.
func (l *Log) Close() error {
	l.once.Do(func() {
		l.link.close()
		l.work.Wait()
	})
	return nil
}

// Shards is the number of shards.
func (l *Log) Shards() int { return l.cfg.Shards }

// Identity is the random name that the log got when it was made. Who keeps offsets keeps it with them: another one says
// that the offsets are of a log that is gone.
func (l *Log) Identity() string { return l.identity }

func (l *Log) closed() bool { return l.link.life.Err() != nil }

// failure gives an error of the library its meaning in the contract, and takes passwords out of it.
func (l *Log) failure(err error) error {
	if l.closed() {
		return eventlog.ErrClosed
	}
	reason := errors.New(l.link.scrub(err))
	e, ok := rueidis.IsRedisErr(err)
	if ok && strings.HasPrefix(e.Error(), "OOM") {
		return fmt.Errorf("%w: %w", eventlog.ErrFull, reason)
	}
	if ok && strings.HasPrefix(e.Error(), "LOST") {
		return fmt.Errorf("%w: %w: the log %s that was opened is no longer there: bring its data back, or import into a new store",
			eventlog.ErrUnavailable, eventlog.ErrLost, l.identity)
	}
	return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, reason)
}

// within bounds a call by the timeout and by the life of the log.
func (l *Log) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	stop := context.AfterFunc(l.link.life, cancel)
	return ctx, func() { stop(); cancel() }
}
