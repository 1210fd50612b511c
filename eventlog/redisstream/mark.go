package redisstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/redis/rueidis"

	"rollcall/eventlog"
)

// ErrMarkMoved tells that another reader of the same source has appended since this one asked for the mark: nothing was
// written. Ask for the Mark again and go on there.
var ErrMarkMoved = errors.New("another reader has moved the mark")

// marks are the positions that this process believes the sources to be at. An Append moves a mark only from the position
// that is expected, so of two readers of one source one is refused, and no range of it gets into the log twice. An Append
// that was repeated because its outcome was unknown finds its own position, and succeeds without writing again.
type marks struct {
	mu    sync.Mutex
	known map[string]int64
}

// Mark tells how far a source was read, and false if it was never read or to its end.
func (l *Log) Mark(ctx context.Context, source string) (int64, bool, error) {
	if l.closed() {
		return 0, false, fmt.Errorf("mark: %w", eventlog.ErrClosed)
	}
	ctx, cancel := l.within(ctx)
	defer cancel()
	position, err := l.link.client.Do(ctx, l.link.client.B().Hget().Key(l.keys.marks).Field(source).Build()).AsInt64()
	if err != nil && !rueidis.IsRedisNil(err) {
		return 0, false, fmt.Errorf("mark: %w", l.failure(err))
	}
	l.marks.set(source, position, err == nil)
	return position, err == nil, nil
}

func (m *marks) set(source string, position int64, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if delete(m.known, source); known {
		m.known[source] = position
	}
}

// expect gives the position that must be there, "" for none.
func (m *marks) expect(mark *eventlog.Mark, records int) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, known := m.known[mark.Source]
	if !known {
		return "", nil
	}
	if mark.Position < at || mark.Position == at && records > 0 {
		return "", fmt.Errorf("mark %q: position %d with %d records: the source was read up to %d already", mark.Source, mark.Position, records, at)
	}
	return strconv.FormatInt(at, 10), nil
}

// moved takes the reply of the script: the mark was moved, or it is another than expected.
func (m *marks) moved(mark *eventlog.Mark, expected string, reply rueidis.RedisMessage) error {
	other, _ := reply.AsStrSlice()
	switch {
	case len(other) == 0:
		m.set(mark.Source, mark.Position, !mark.Done)
		return nil
	case other[0] == strconv.FormatInt(mark.Position, 10) && !mark.Done:
		m.set(mark.Source, mark.Position, true)
		return nil
	case other[0] == "" && mark.Done:
		m.set(mark.Source, 0, false)
		return nil
	}
	return fmt.Errorf("mark %q: %w: it is at %q, not at %q", mark.Source, ErrMarkMoved, other[0], expected)
}
