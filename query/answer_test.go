package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/cache"
	"rollcall/query/querytest"
	"rollcall/store"
)

var answerNow = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// counted counts the views opened of a store.
type counted struct {
	mu sync.Mutex
	*querytest.Store
	views atomic.Int64
}

func (c *counted) View(ctx context.Context) (store.View, error) {
	c.views.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Store.View(ctx)
}

// commit adds facts of today.
func (c *counted) commit(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Header.Version++
	c.Header.Committed++
	fresh := answerStore(n)
	fresh.Header.Version, fresh.Header.Committed = c.Header.Version, c.Header.Committed
	c.Store = fresh
}

func answerStore(n int) *querytest.Store {
	var facts []querytest.Fact
	for i := range n {
		facts = append(facts, querytest.Fact{Time: answerNow.UnixMilli(), User: i, Dims: []string{"a"}, Finest: rollcall.Hour, Session: true})
	}
	return querytest.Build(rollcall.NewCalendar(time.UTC), []string{"d"}, rollcall.Cuboids(1), 2, facts)
}

func answerEngine(s store.Viewer, now func() time.Time) (*Engine, *cache.Cache) {
	c := cache.New(cache.Config{Poll: time.Hour, Cuboids: rollcall.Cuboids(1)}, cache.Deps{Store: s})
	return New(Config{Dimensions: []string{"d"}, Cuboids: rollcall.Cuboids(1), Calendar: rollcall.NewCalendar(time.UTC), Now: now}, c), c
}

func ask(t testing.TB, e *Engine, text string) (*Question, *Answer) {
	t.Helper()
	values, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	q, err := e.Ask(context.Background(), text, func() (*Request, error) { return ParseValues(values) })
	if err != nil {
		t.Fatal(err)
	}
	a, err := q.Answer(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return q, a
}

func body(q *Question, a *Answer, complete time.Time) string {
	var out bytes.Buffer
	if err := q.Write(&out, a, complete); err != nil {
		return err.Error()
	}
	if size, known := q.Size(a, complete); known && size != out.Len() {
		return fmt.Sprint("size ", size, ", written ", out.Len())
	}
	return out.String()
}

// A question asked again is answered without the store; after a commit it is answered anew if the commit touched what it is
// made of, and otherwise not.
func TestAnswersAreKept(t *testing.T) {
	s := &counted{Store: answerStore(3)}
	e, c := answerEngine(s, func() time.Time { return answerNow })
	q, first := ask(t, e, "metrics=active_users")
	if got := body(q, first, answerNow); !strings.Contains(got, `"active_users":3`) || !strings.Contains(got, `"complete_through":"2026-11-01T12:00:00.000Z"`) {
		t.Fatal(got)
	}
	views := s.views.Load()
	q, again := ask(t, e, "metrics=active_users")
	if again != first || s.views.Load() != views {
		t.Fatal("an unchanged answer was made again")
	}
	if got := body(q, again, answerNow.Add(time.Second)); !strings.Contains(got, `"complete_through":"2026-11-01T12:00:01.000Z"`) {
		t.Fatal("freshness is that of the first reply:", got)
	}
	_, past := ask(t, e, "from=2026-10-01&to=2026-10-31")
	s.commit(4)
	c.Announce()
	if _, a := ask(t, e, "metrics=active_users"); a.Tag == first.Tag || !strings.Contains(string(a.rows), `"active_users":4`) {
		t.Fatal("the answer is old:", string(a.rows))
	}
	if _, a := ask(t, e, "from=2026-10-01&to=2026-10-31"); a != past {
		t.Fatal("a commit that touched nothing of it made the answer again")
	}
}

// What a question asks for moves on at midnight, with no commit.
func TestAnswersEndAtMidnight(t *testing.T) {
	now := answerNow
	e, _ := answerEngine(&counted{Store: answerStore(3)}, func() time.Time { return now })
	_, before := ask(t, e, "metrics=sessions")
	now = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 89)
	if _, after := ask(t, e, "metrics=sessions"); after.Tag == before.Tag || strings.Contains(string(after.rows), "2026-11-01") {
		t.Fatal(string(after.rows))
	}
}

// Large answers are not kept, and written whole.
func TestLargeAnswersAreWritten(t *testing.T) {
	var facts []querytest.Fact
	for i := range maxKeptRows + 10 {
		facts = append(facts, querytest.Fact{Time: answerNow.UnixMilli(), User: 1, Dims: []string{fmt.Sprint("v", i)}, Finest: rollcall.Day})
	}
	e, _ := answerEngine(querytest.Build(rollcall.NewCalendar(time.UTC), []string{"d"}, rollcall.Cuboids(1), 1, facts), func() time.Time { return answerNow })
	for _, format := range []string{"json", "csv"} {
		q, a := ask(t, e, "metrics=events&group_by=d&format="+format)
		if got := body(q, a, answerNow); strings.Count(got, "2026-11-01,")+strings.Count(got, `"2026-11-01",`) != len(facts) || q.engine.keptAnswer(q.text) != nil {
			t.Fatal(format, len(got))
		}
	}
}

// Callers with the same question wait for one of them.
func TestOneMakesTheAnswer(t *testing.T) {
	e, _ := answerEngine(&counted{Store: answerStore(50)}, func() time.Time { return answerNow })
	var wg sync.WaitGroup
	answers := make([]*Answer, 32)
	for i := range answers {
		wg.Go(func() { _, answers[i] = ask(t, e, "metrics=active_users&group_by=d") })
	}
	wg.Wait()
	for _, a := range answers {
		if a.Tag != answers[0].Tag || !bytes.Equal(a.rows, answers[0].rows) {
			t.Fatal("answers differ")
		}
	}
}

// leaving is a store of which the first view can't be read before its reader has gone, and tells so in words of its own.
type leaving struct {
	store.Viewer
	begun atomic.Bool
}

type leavingView struct {
	store.View
	of  *leaving
	ctx context.Context
}

func (l *leaving) View(ctx context.Context) (store.View, error) {
	v, err := l.Viewer.View(ctx)
	return leavingView{v, l, ctx}, err
}

func (v leavingView) Cells(ctx context.Context, g rollcall.Grain, c rollcall.Cuboid, from, until block.Period) ([]*block.Cells, error) {
	if !v.of.begun.Swap(true) {
		<-v.ctx.Done()
		return nil, errors.New("the view is closed")
	}
	return v.View.Cells(ctx, g, c, from, until)
}

// A caller who gives up while it makes the answer fails alone: one of those who wait makes it then.
func TestMakerThatGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := answerEngine(&leaving{Viewer: answerStore(5)}, func() time.Time { return answerNow })
		answer := func(ctx context.Context) error {
			q, err := e.Ask(t.Context(), "metrics=events", func() (*Request, error) { return ParseValues(url.Values{"metrics": {"events"}}) })
			if err == nil {
				_, err = q.Answer(ctx)
			}
			return err
		}
		maker, giveUp := context.WithCancel(t.Context())
		go func() {
			if err := answer(maker); err == nil {
				t.Error("the caller who gave up has an answer")
			}
		}()
		synctest.Wait()
		for range 3 {
			go func() {
				if err := answer(t.Context()); err != nil {
					t.Errorf("a caller who waited: %v", err)
				}
			}()
		}
		synctest.Wait()
		giveUp()
		synctest.Wait()
	})
}

// An answer asked for lately is made anew after a commit, before anyone asks; one that nobody asked for is forgotten.
func TestPrewarm(t *testing.T) {
	s := &counted{Store: answerStore(3)}
	var clock atomic.Int64
	clock.Store(answerNow.UnixMilli())
	e, c := answerEngine(s, func() time.Time { return time.UnixMilli(clock.Load()) })
	_, first := ask(t, e, "metrics=active_users")
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Prewarm(ctx) }()
	s.commit(4)
	c.Announce()
	if _, err := c.Head(ctx); err != nil {
		t.Fatal(err)
	}
	renewed := func() bool { a := e.keptAnswer("metrics=active_users"); return a != nil && a.Tag != first.Tag }
	for deadline := time.Now().Add(10 * time.Second); !renewed(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody made the answer anew")
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	views := s.views.Load()
	if _, a := ask(t, e, "metrics=active_users"); !strings.Contains(string(a.rows), `"active_users":4`) || s.views.Load() != views {
		t.Fatal("the answer was not ready:", string(a.rows))
	}
	clock.Add(2 * recently.Milliseconds())
	_ = e.recent.lately(time.UnixMilli(clock.Load()))
	clock.Add(2 * recently.Milliseconds())
	if left := e.recent.lately(time.UnixMilli(clock.Load())); len(left) != 0 {
		t.Fatal("remembered for ever:", left)
	}
}

// A repeated question costs no allocation beyond its own record.
func BenchmarkRepeatedAnswer(b *testing.B) {
	e, _ := answerEngine(&counted{Store: answerStore(50)}, time.Now)
	text := "metrics=active_users"
	ask(b, e, text)
	values, _ := url.ParseQuery(text)
	parse := func() (*Request, error) { return ParseValues(values) }
	var buf bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		q, err := e.Ask(context.Background(), text, parse)
		if err != nil {
			b.Fatal(err)
		}
		a, err := q.Answer(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		buf.Reset()
		if err := q.Write(&buf, a, answerNow); err != nil {
			b.Fatal(err)
		}
	}
}
