package simtest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// String gives the world for a person who has to find out what went wrong.
func (w World) String() string {
	c := &w.Config
	var b strings.Builder
	fmt.Fprintf(&b, "zone %v, dimensions %v, gap %v, passive %v, before %v, shards %d, horizon %v, minute retention %v, hour retention %v, now %v\n",
		c.Location, c.Dimensions, c.Gap, c.Passive, c.Earlier, c.Shards, c.LateHorizon, c.MinuteRetention, c.HourRetention, w.at(w.Now))
	for i, e := range w.Events {
		fmt.Fprintf(&b, "%3d %s user=%q id=%q session=%q type=%q dims=%q received %s", i, w.at(e.Time), e.User, e.ID, e.Session, e.Type, e.Dims, w.at(e.Received))
		if e.Record {
			fmt.Fprintf(&b, " record duration=%d bounce=%v new=%v", e.Duration, e.Bounce, e.NewUser)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (w *World) at(ms int64) string {
	return w.Config.local(ms).Format("2006-01-02T15:04:05.000Z07:00")
}

// Text gives the query as it would be typed.
func (q *Query) Text(loc *time.Location) string { return typed(q.Params(loc)) }

func typed(params url.Values) string {
	parts := make([]string, 0, len(params))
	for name, values := range params {
		parts = append(parts, fmt.Sprintf("%s=%q", name, values[0]))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
