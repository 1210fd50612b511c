package generate

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall"
)

func storySample() StoryConfig {
	return StoryConfig{Seed: 7, Events: 300_000, Days: 90, Until: time.Date(2026, 11, 28, 8, 40, 12, 0, time.UTC), Dimensions: Dimensions()}
}

func newStory(t testing.TB, cfg StoryConfig) *Story {
	t.Helper()
	s, err := NewStory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tell gives what arrives until an instant, as JSON.
func tell(s *Story, until int64) (out []byte) {
	var ev rollcall.Event
	for j := NewJSON(Dimensions()); s.Next(until, &ev); {
		out = j.Append(out, &ev)
	}
	return out
}

// session is one of a user, as the figures have it.
type session struct {
	first, last            int64
	events                 int
	campaign, age, country string
}

// chronicle is a history recounted.
type chronicle struct {
	*Story
	dau      []map[string]bool // users of each day
	joined   map[string]int    // first day of each user
	sessions []*session
	hours    map[int64]int // events by hour
	twice    int
	late     int // arrived behind a younger event by more than an hour
}

func recount(t testing.TB, cfg StoryConfig) *chronicle {
	s := newStory(t, cfg)
	c := &chronicle{Story: s, dau: make([]map[string]bool, cfg.Days), joined: map[string]int{}, hours: map[int64]int{}}
	open, ids, newest := map[string]*session{}, map[string]bool{}, int64(0)
	var ev rollcall.Event
	for s.Next(cfg.Until.UnixMilli(), &ev) {
		if ids[string(ev.ID)] {
			c.twice++
			continue
		}
		ids[string(ev.ID)] = true
		if ev.Time < newest-hourMS {
			c.late++
			continue // this recount goes by arrival
		}
		newest = max(newest, ev.Time)
		c.count(&ev, open)
	}
	return c
}

func (c *chronicle) count(ev *rollcall.Event, open map[string]*session) {
	user, day := string(ev.User), c.day(ev.Time)
	if c.dau[day] == nil {
		c.dau[day] = map[string]bool{}
	}
	c.dau[day][user] = true
	c.hours[ev.Time/hourMS]++
	if _, known := c.joined[user]; !known {
		c.joined[user] = day
	}
	s := open[user]
	if s == nil || ev.Time-s.last > 30*minuteMS {
		s = &session{first: ev.Time, last: ev.Time, campaign: string(ev.Dims[0]), age: string(ev.Dims[1]), country: string(ev.Dims[2])}
		open[user] = s
		c.sessions = append(c.sessions, s)
	}
	s.last, s.events = max(s.last, ev.Time), s.events+1
}

// active is the mean number of users of the given weekdays in days from, until.
func (c *chronicle) active(from, until int, weekdays ...time.Weekday) float64 {
	sum, n := 0, 0
	for d := from; d < until; d++ {
		if len(weekdays) == 0 || slices.Contains(weekdays, time.UnixMilli(c.start+int64(d)*dayMS).UTC().Weekday()) {
			sum, n = sum+len(c.dau[d]), n+1
		}
	}
	return float64(sum) / float64(n)
}

// share is the part of the sessions that are so, of those that count.
func (c *chronicle) share(counts, so func(*session) bool) float64 {
	all, some := 0, 0
	for _, s := range c.sessions {
		if counts(s) {
			if all++; so(s) {
				some++
			}
		}
	}
	return float64(some) / float64(all)
}

func bounced(s *session) bool { return s.events == 1 }

func of(campaign string) func(*session) bool {
	return func(s *session) bool { return s.campaign == campaign }
}

// stayed is the part of the users who are active so many days after their first, over all days on which that can be seen.
func (c *chronicle) stayed(days int) float64 {
	base, back := 0, 0
	for user, day := range c.joined {
		if day+days < len(c.dau)-1 {
			if base++; c.dau[day+days][user] {
				back++
			}
		}
	}
	return float64(back) / float64(base)
}

func within(t *testing.T, what string, got, from, to float64) {
	t.Helper()
	if !(got >= from && got <= to) {
		t.Errorf("%s: %.3f, want %g to %g", what, got, from, to)
	}
}

func TestStoryIsBelievable(t *testing.T) {
	cfg := storySample()
	c := recount(t, cfg)
	last := cfg.Days - 1 // is not over
	within(t, "events", float64(len(c.sessions)), float64(cfg.Events)/4, float64(cfg.Events)/2.5)
	within(t, "weekends to weekdays", c.active(last-14, last, time.Saturday, time.Sunday)/c.active(last-14, last, time.Tuesday, time.Wednesday, time.Thursday), 0.6, 0.85)
	within(t, "growth from the second week to the last", c.active(last-7, last)/c.active(7, 14), 2, 8)
	within(t, "bounce rate", c.share(func(*session) bool { return true }, bounced), 0.35, 0.5)
	within(t, "duplicates", float64(c.twice)/float64(cfg.Events), 0.002, 0.006)
	within(t, "late", float64(c.late)/float64(cfg.Events), 0.001, 0.005)
	length := int64(0)
	for _, s := range c.sessions {
		length += s.last - s.first
	}
	within(t, "seconds a session", float64(length)/float64(len(c.sessions))/1000, 150, 400)
	month := map[string]bool{}
	for d := last - 30; d < last; d++ {
		for user := range c.dau[d] {
			month[user] = true
		}
	}
	within(t, "DAU to MAU", c.active(last-7, last)/float64(len(month)), 0.1, 0.25)
	within(t, "day to night", float64(c.ofHours(15, 18))/float64(c.ofHours(2, 5)), 1.5, 4)
	newUsers := make([]int, cfg.Days)
	for _, day := range c.joined {
		newUsers[day]++
	}
	within(t, "fewest new users of a day", float64(slices.Min(newUsers)), 10, 1000)
}

// ofHours counts the events in these hours of all days.
func (c *chronicle) ofHours(from, until int64) (n int) {
	for hour, events := range c.hours {
		if hour%24 >= from && hour%24 < until {
			n += events
		}
	}
	return n
}

func TestStoryRetentionFalls(t *testing.T) {
	c := recount(t, storySample())
	within(t, "day 1", c.stayed(1), 0.25, 0.4)
	within(t, "day 30", c.stayed(30), 0.05, 0.1)
	before := 1.0
	for _, days := range []int{1, 3, 7, 14, 30, 60} {
		if part := c.stayed(days); part >= before {
			t.Errorf("day %d: %.3f of the users, no fewer than before", days, part)
		} else {
			before = part
		}
	}
}

func TestStoryHasAnOutage(t *testing.T) {
	c := recount(t, storySample())
	from, until := c.Outage()
	if until.Sub(from) < 5*time.Hour || from.Weekday() != time.Wednesday || storySample().Until.Sub(from) > 29*24*time.Hour {
		t.Fatalf("from %v until %v", from, until)
	}
	during, before := 0, 0
	for hour := from.UnixMilli() / hourMS; hour < until.UnixMilli()/hourMS; hour++ {
		during, before = during+c.hours[hour], before+c.hours[hour-24]
	}
	if during > 0 || before < 500 {
		t.Errorf("%d events in the outage, %d the day before", during, before)
	}
	day := c.day(from.UnixMilli())
	within(t, "users of its day to those of its neighbours", float64(2*len(c.dau[day]))/float64(len(c.dau[day-1])+len(c.dau[day+1])), 0.4, 0.85)
}

func TestStoryCampaignsComeAndGo(t *testing.T) {
	cfg := storySample()
	c := recount(t, cfg)
	first, last, count := map[string]int64{}, map[string]int64{}, map[string]int{}
	for _, s := range c.sessions {
		if count[s.campaign]++; count[s.campaign] == 1 {
			first[s.campaign] = s.first
		}
		last[s.campaign] = max(last[s.campaign], s.first)
	}
	ended := 0
	for i := range c.campaigns {
		p := &c.campaigns[i]
		if p.from > float64(cfg.Until.UnixMilli()) {
			continue
		}
		if count[p.name] < 50 {
			t.Errorf("%q has %d sessions", p.name, count[p.name])
		}
		if float64(first[p.name]) < p.from-float64(hourMS) || float64(last[p.name]) > p.to+3*fade+float64(hourMS) {
			t.Errorf("%q from %d until %d is not within %.0f to %.0f", p.name, first[p.name], last[p.name], p.from, p.to)
		}
		if p.to < float64(cfg.Until.UnixMilli()) {
			ended++
		}
	}
	if len(count) < 12 || len(count) > 25 || ended < 8 || count[""] < len(c.sessions)/3 {
		t.Errorf("%d campaigns, %d of them over, %d of %d sessions without one", len(count), ended, count[""], len(c.sessions))
	}
	within(t, "bounces of banner_ads", c.share(of("banner_ads"), bounced), 0.7, 0.9)
	within(t, "bounces of refer_a_friend", c.share(of("refer_a_friend"), bounced), 0.15, 0.3)
	within(t, "teenagers and twens of influencer_mia", c.share(of("influencer_mia"), func(s *session) bool { return s.age < "25" }), 0.6, 0.9)
	within(t, "Koreans of seoul_popup", c.share(of("seoul_popup"), func(s *session) bool { return s.country == "KR" }), 0.4, 0.8)
	within(t, "Koreans of all", c.share(func(*session) bool { return true }, func(s *session) bool { return s.country == "KR" }), 0.03, 0.15)
}

func TestStorySameSeedSameBytes(t *testing.T) {
	cfg := storySample()
	cfg.Events = 20_000
	until := cfg.Until.UnixMilli()
	one := tell(newStory(t, cfg), until)
	if !bytes.Equal(one, tell(newStory(t, cfg), until)) {
		t.Fatal("two stories of one config differ")
	}
	cfg.Seed++
	if bytes.Equal(one, tell(newStory(t, cfg), until)) {
		t.Fatal("another seed gave the same story")
	}
}

// The numbers are about those that were asked for, whatever the length.
func TestStoryKeepsToItsNumbers(t *testing.T) {
	for _, c := range []StoryConfig{{Days: 2, Events: 50_000}, {Days: 30, Events: 100_000, Users: 9_000}, {Days: 400, Events: 100_000}} {
		cfg := storySample()
		cfg.Days, cfg.Events, cfg.Users = c.Days, c.Events, c.Users
		s := newStory(t, cfg)
		within(t, "events", float64(bytes.Count(tell(s, cfg.Until.UnixMilli()), []byte("\n"))), float64(c.Events)*0.97, float64(c.Events)*1.03)
		if c.Users > 0 {
			within(t, "users", float64(s.Users()), float64(c.Users)*0.97, float64(c.Users)*1.03)
		}
	}
}

// Live traffic is the story itself: asked for bit by bit it goes on as if it had been told at once.
func TestStoryGoesOn(t *testing.T) {
	cfg := storySample()
	cfg.Events = 20_000
	end := cfg.Until.Add(2 * time.Hour).UnixMilli()
	s := newStory(t, cfg)
	parts := tell(s, cfg.Until.UnixMilli())
	for at := cfg.Until.UnixMilli(); at <= end; at += 1000 {
		parts = append(parts, tell(s, at)...)
	}
	parts = append(parts, tell(s, end)...)
	if !bytes.Equal(parts, tell(newStory(t, cfg), end)) {
		t.Fatal("the story told bit by bit differs")
	}
}

// The hours after the history are as busy as those before it, with the campaigns that run and users who are known.
func TestStoryHasNoSeam(t *testing.T) {
	cfg := storySample()
	cfg.Until = time.Date(2026, 11, 26, 15, 0, 0, 0, time.UTC)
	c := recount(t, cfg)
	before, after, known := 0, 0, 0
	for hour := range int64(3) {
		before += c.hours[cfg.Until.UnixMilli()/hourMS-1-hour]
	}
	var ev rollcall.Event
	for c.Next(cfg.Until.Add(3*time.Hour).UnixMilli(), &ev) {
		after++
		if _, ok := c.joined[string(ev.User)]; ok {
			known++
		}
		if i := slices.IndexFunc(c.campaigns, func(p campaign) bool { return p.name == string(ev.Dims[0]) }); c.campaigns[i].strength(float64(ev.Time+hourMS)) == 0 {
			t.Errorf("%s at %d", ev.Dims[0], ev.Time)
		}
	}
	within(t, "live events to those of the hours before", float64(after)/float64(before), 0.75, 1.25)
	within(t, "part by known users", float64(known)/float64(after), 0.6, 0.98)
}

func TestStoryResumes(t *testing.T) {
	cfg := storySample()
	cfg.Events = 50_000
	s := newStory(t, cfg)
	ids := map[string]bool{}
	var ev rollcall.Event
	for s.Next(cfg.Until.UnixMilli(), &ev) {
		ids[string(ev.ID)] = true
	}
	for _, c := range []struct {
		pause    time.Duration
		rate     float64
		from, to float64 // events of an hour
	}{{0, 20, 69_000, 75_000}, {13*time.Hour + 20*time.Minute, 1, 2_900, 4_300}, {13*time.Hour + 25*time.Minute, 1, 2_900, 4_300}, // again, and around midnight
		{72 * time.Hour, 0, 20, 100}, {200 * 24 * time.Hour, 5, 16_500, 19_500}} {
		now := cfg.Until.Add(c.pause + 2*time.Hour).UnixMilli()
		s.Resume(now, c.rate)
		repeated, late, n := 0, 0, 0
		for s.Next(now+hourMS, &ev) {
			n++
			if ids[string(ev.ID)] {
				repeated++
			}
			ids[string(ev.ID)] = true
			if ev.Time < now {
				late++
			}
		}
		within(t, "events after "+c.pause.String(), float64(n), c.from, c.to)
		if repeated > 5+n/100 || late > 20+n/100 {
			t.Errorf("of %d events %d had come before and %d are older", n, repeated, late)
		}
	}
}

func TestStoryConfigIsChecked(t *testing.T) {
	for name, spoil := range map[string]func(*StoryConfig){
		"days": func(c *StoryConfig) { c.Days = 1 }, "events": func(c *StoryConfig) { c.Events = 0 },
		"users": func(c *StoryConfig) { c.Users = int(c.Events) },
	} {
		cfg := storySample()
		spoil(&cfg)
		if _, err := NewStory(cfg); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkStory(b *testing.B) {
	cfg := storySample()
	cfg.Events = int64(max(b.N, 1000))
	s := newStory(b, cfg)
	b.ReportAllocs()
	b.ResetTimer()
	var ev rollcall.Event
	for s.Next(cfg.Until.UnixMilli(), &ev) {
	}
}
