package query

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A question is refused before anything is read for it, by what it would read: user sets cost, counters hardly.
func TestCostlyQuestionsAreRefused(t *testing.T) {
	s := &counted{Store: answerStore(500)}
	s.Header.Shards[0].Accepted = 1_000_000
	e, _ := answerEngine(s, func() time.Time { return answerNow })
	e.cfg.MaxCost = 10_000
	for _, c := range []struct {
		req     Request
		refused bool
	}{
		{Request{Metrics: []string{"active_users"}}, false},
		{Request{Metrics: []string{"sessions"}, GroupBy: []string{"d"}}, false},
		{Request{Metrics: []string{"mau"}}, true},
		{Request{Metrics: []string{"active_users"}, Filters: []Filter{{Dimension: "d", Not: true, Values: []string{"x"}}}}, true},
		{Request{Metrics: []string{"sessions"}, Filters: []Filter{{Dimension: "d", Not: true, Values: []string{"x"}}}}, false},
	} {
		c.req.Grain = 2
		_, err := e.Query(context.Background(), &c.req)
		costly := (*TooCostly)(nil)
		if errors.As(err, &costly) != c.refused || c.refused && (costly.Estimate < 1_000_000 || costly.Limit != 10_000 || costly.Hint == "") {
			t.Errorf("%+v: %v", c.req, err)
		}
	}
}
