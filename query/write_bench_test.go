package query

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"rollcall"
	"rollcall/cache"
	"rollcall/query/querytest"
)

const (
	writtenDays   = 90
	writtenGroups = 200
)

// read makes a reader that has read 90 days of 200 campaigns.
func read(b testing.TB, params string) *reader {
	cal := rollcall.NewCalendar(time.UTC)
	m := querytest.Build(cal, []string{"campaign"}, rollcall.Cuboids(1), 1, nil)
	for i := range writtenGroups {
		m.Header.Values[0] = append(m.Header.Values[0], fmt.Sprintf("campaign_%d", i*7919%writtenGroups))
	}
	values, err := url.ParseQuery(params)
	if err != nil {
		b.Fatal(err)
	}
	req, err := ParseValues(values)
	if err != nil {
		b.Fatal(err)
	}
	var view *cache.View // with nothing to read
	if err := m.Cache().Read(context.Background(), func(v *cache.View) error { view = v; return nil }); err != nil {
		b.Fatal(err)
	}
	now := (benchFirst + writtenDays).UTC().Add(-time.Hour).UnixMilli()
	p, err := engineOver(m, cal, rollcall.Cuboids(1), now, 0, 0).plan(req, view.Head())
	if err != nil {
		b.Fatal(err)
	}
	r := &reader{ctx: context.Background(), view: view, plan: p, table: newTable(newGroups(p))}
	rng := rand.New(rand.NewPCG(3, 4))
	for day := range writtenDays {
		r.table.append(int64(benchFirst) + int64(day))
		for _, i := range rng.Perm(writtenGroups) {
			columns := [][]rollcall.Value{{rollcall.FirstValue + rollcall.Value(i)}}
			g, ok := r.table.groups.find(columns, 0)
			if !ok {
				g = r.table.groups.add(columns, 0)
			}
			f, sessions := r.table.ensure(g), 1+rng.Int64N(5000)
			f.active = rng.Int64N(1_000_000)
			f.Counters = rollcall.Counters{9 * sessions, sessions, rng.Int64N(sessions), rng.Int64N(sessions * 300_000), 1, 0, 0}
		}
	}
	return r
}

// BenchmarkWrite orders 18,000 rows and writes them.
func BenchmarkWrite(b *testing.B) {
	const asked = "metrics=active_users,sessions,avg_session_duration,bounce_rate&group_by=campaign"
	for _, bm := range []struct{ name, more string }{
		{"default", ""}, {"by_users", "&order=-active_users"}, {"by_users_top_20", "&order=-active_users&limit=20"},
	} {
		r := read(b, asked+bm.more)
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				res, err := r.result()
				if err != nil {
					b.Fatal(err)
				}
				if err := res.WriteJSON(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
