package kafka

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall/eventlog"
)

// Source is a topic of others whose partitions are not those of users.
type Source struct {
	Topic string
	Group string // the members of Rekey that share its partitions
	// Member names this process among them, the same after a restart: so what an earlier life left unfinished ends at once,
	// not after TransactionTimeout. Empty: a name for once.
	Member string
	// TransactionTimeout is how long readers of the log wait for what a dead member left unfinished; default 15 s.
	TransactionTimeout time.Duration
	Messages           int // of one transaction at most; default 20,000
}

// Translate makes records of messages, which come from several partitions, those of each in its order. A message's Shard is the partition
// of the source. A record with a time of receipt keeps it in a header: the broker gives the topic's records times of its own. A message
// that can't be translated is for it to put aside: an error ends Rekey.
type Translate func(ctx context.Context, messages []eventlog.Message) ([]eventlog.Record, error)

// Rekey reads a topic as a member of a group, and writes what translate makes of it to the shards of the log, until ctx is done:
// one transaction for each poll, with the records and the offsets of the source. So each message is in the log exactly once, for readers of
// committed records as Fetch is, whoever dies when. It keeps trying while no broker answers.
func Rekey(ctx context.Context, cfg Config, deps Deps, source Source, translate Translate) error {
	cfg.Group = source.Group
	l, err := Open(ctx, cfg, deps)
	if err != nil {
		return fmt.Errorf("rekey topic %s: %w", source.Topic, err)
	}
	defer l.Close() //nolint:errcheck // it gives none
	ctx, cancel := l.until(ctx)
	defer cancel()
	source.Member = or(source.Member, rand.Text())
	err = l.patiently(ctx, "rekey", func(ctx context.Context) error { return l.rekey(ctx, source, translate) })
	if ctx.Err() != nil {
		err = nil
	}
	if cause := context.Cause(l.ended); cause != nil {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("rekey topic %s to %s: %w", source.Topic, cfg.Topic, err)
	}
	return nil
}

// errTranslate is the kind of errors that come again when the messages are read again.
var errTranslate = errors.New("messages can't be translated")

// rekey is one life as a member. After a failure whose outcome is unknown, the next life begins where the group is.
func (l *Log) rekey(ctx context.Context, source Source, translate Translate) error {
	timeout, most := or(source.TransactionTimeout, 15*time.Second), or(source.Messages, 20_000)
	opts := append(l.opts[:len(l.opts):len(l.opts)], l.produceOpts()...)
	opts = append(opts, kgo.ConsumerGroup(source.Group), kgo.ConsumeTopics(source.Topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(l.cfg.SessionTimeout), kgo.RebalanceTimeout(l.cfg.RebalanceTimeout),
		kgo.HeartbeatInterval(min(l.cfg.SessionTimeout/3, 500*time.Millisecond)),
		kgo.FetchMaxWait(l.cfg.FetchWait), kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.RecordDeliveryTimeout(0),
		kgo.TransactionalID(source.Group+"-"+source.Member), kgo.TransactionTimeout(timeout))
	session, err := kgo.NewGroupTransactSession(opts...)
	if err != nil {
		return err
	}
	defer session.Close()
	t := transactions{session: session, translate: translate, log: l, logger: l.log.With("source", source.Topic)}
	for ctx.Err() == nil {
		if err := t.next(ctx, most); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// transactions carry messages over, one after the other.
type transactions struct {
	session   *kgo.GroupTransactSession
	translate Translate
	log       *Log
	logger    *slog.Logger
	messages  []eventlog.Message
	logged    time.Time
}

// next is one transaction: it is committed whole, or aborted and its messages are read again.
func (t *transactions) next(ctx context.Context, most int) error {
	fetches := t.session.PollRecords(ctx, most)
	if ctx.Err() != nil || fetches.IsClientClosed() {
		return ctx.Err()
	}
	for _, e := range fetches.Errors() {
		if refused(e.Err) {
			return e.Err
		}
		t.complain("kafka source in trouble, trying on", e.Err)
	}
	t.messages = t.messages[:0]
	fetches.EachRecord(func(k *kgo.Record) { t.messages = append(t.messages, message(k)) })
	if len(t.messages) == 0 {
		return nil
	}
	if err := t.session.Begin(); err != nil {
		return err
	}
	written, fatal := t.write(ctx)
	// The end of a transaction is not cut off by ctx: it would have to wait for its timeout.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.log.cfg.AppendTimeout)
	defer cancel()
	committed, err := t.session.End(end, kgo.TransactionEndTry(written))
	switch {
	case fatal != nil:
		return fatal
	case err != nil:
		return fmt.Errorf("end transaction: %w", err)
	case !committed:
		t.complain("kafka transaction aborted, its messages are read again", errors.New("the group has changed, or a record was not taken"))
	}
	return nil
}

// write translates the messages and waits until the records are acknowledged. fatal: there is no use in trying again.
func (t *transactions) write(ctx context.Context) (written bool, fatal error) {
	records, err := t.translate(ctx, t.messages)
	if err == nil {
		_, err = t.log.sizeOf(records) // all of them are in memory, as what was polled is
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", errTranslate, err)
	}
	out := make([]kgo.Record, len(records))
	t.log.fill(out, records)
	refs := make([]*kgo.Record, len(out))
	for i := range out {
		out[i].Value, refs[i] = records[i].Payload, &out[i]
		if received := records[i].Received; received > 0 {
			out[i].Headers = append(slices.Clip(out[i].Headers), kgo.RecordHeader{Key: receivedHeader, Value: binary.AppendUvarint(nil, uint64(received))})
		}
	}
	if err := t.session.ProduceSync(ctx, refs...).FirstErr(); err != nil {
		t.complain("kafka records not taken", err)
		return false, nil
	}
	return true, nil
}

func (t *transactions) complain(text string, err error) {
	if time.Since(t.logged) >= logEvery {
		t.logger.Warn(text, "error", err)
		t.logged = time.Now()
	}
}
