package query

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall"
	"rollcall/query/querytest"
)

// spanOf makes the plan of a range and of what it is compared with, far from any retention.
func spanOf(t *testing.T, zone, grain, from, to, compare string) *plan {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	g, err := rollcall.ParseGrain(grain)
	if err != nil {
		t.Fatal(err)
	}
	cal := rollcall.NewCalendar(loc)
	m := querytest.Build(cal, nil, rollcall.Cuboids(0), 1, nil)
	now, ever := time.Date(2030, 1, 1, 0, 0, 0, 0, loc).UnixMilli(), 20*365*24*time.Hour
	view, err := m.View(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	p, err := engineOver(m, cal, rollcall.Cuboids(0), now, ever, ever).plan(&Request{From: from, To: to, Grain: g, Metrics: []string{"events"}, Compare: compare}, view.Head())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Buckets, and what they are compared with, as "bucket before"; none is "-".
func TestCounterparts(t *testing.T) {
	for _, c := range []struct {
		name, zone, grain, from, to, compare string
		number                               int // of the bucket
		want                                 string
	}{
		{"a week before", "UTC", "day", "2026-03-08", "2026-03-15", previousPeriod, 0, "2026-03-08 2026-03-01"},
		{"days over a change of the clocks", "Europe/Berlin", "day", "2026-03-29", "2026-03-31", previousPeriod, 1, "2026-03-30 2026-03-28"},
		{"leap day", "UTC", "day", "2024-02-28", "2024-03-02", previousYear, 1, "2024-02-29 -"},
		{"behind a leap day", "UTC", "day", "2024-02-28", "2024-03-02", previousYear, 2, "2024-03-01 2023-03-01"},
		{"hour of a leap day", "UTC", "hour", "2024-02-28", "2024-03-02", previousYear, 30, "2024-02-29T06:00:00Z -"},
		{"a leap year before", "UTC", "day", "2025-02-28", "2025-03-02", previousYear, 1, "2025-03-01 2024-03-01"},
		{"the leap day alone", "UTC", "total", "2024-02-29", "2024-03-01", previousYear, 0, "total -"},
		{"the hour that is skipped", "Europe/Berlin", "hour", "2026-03-30", "2026-03-31", previousPeriod, 2, "2026-03-30T02:00:00+02:00 -"},
		{"behind the skipped hour", "Europe/Berlin", "hour", "2026-03-30", "2026-03-31", previousPeriod, 3, "2026-03-30T03:00:00+02:00 2026-03-29T03:00:00+02:00"},
		{"the hour that comes twice", "Europe/Berlin", "hour", "2026-10-26", "2026-10-27", previousPeriod, 2, "2026-10-26T02:00:00+01:00 2026-10-25T02:00:00+02:00"},
		{"behind the doubled hour", "Europe/Berlin", "hour", "2026-10-26", "2026-10-27", previousPeriod, 3, "2026-10-26T03:00:00+01:00 2026-10-25T03:00:00+01:00"},
		{"of the doubled hour", "Europe/Berlin", "hour", "2026-10-25", "2026-10-26", previousPeriod, 3, "2026-10-25T02:00:00+01:00 2026-10-24T02:00:00+02:00"},
		{"half an hour back", "Australia/Lord_Howe", "hour", "2026-04-06", "2026-04-07", previousPeriod, 2, "2026-04-06T02:00:00+10:30 2026-04-05T02:00:00+10:30"},
		{"of the half hour", "Australia/Lord_Howe", "hour", "2026-04-05", "2026-04-06", previousPeriod, 2, "2026-04-05T01:30:00+11:00 2026-04-04T01:00:00+11:00"},
		{"a minute of the half hour", "Australia/Lord_Howe", "minute", "2026-10-05", "2026-10-06", previousPeriod, 2*60 + 10, "2026-10-05T02:10:00+11:00 -"},
		{"hours of a range of hours", "UTC", "hour", "2026-03-08T10:00:00Z", "2026-03-08T13:00:00Z", previousPeriod, 1, "2026-03-08T11:00:00Z 2026-03-08T08:00:00Z"},
		{"weeks by place", "UTC", "week", "2026-03-04", "2026-03-18", previousPeriod, 2, "2026-03-16 2026-03-02"},
		{"months by place", "UTC", "month", "2026-03-01", "2026-05-01", previousYear, 1, "2026-04-01 2025-04-01"},
		{"months that are not as long", "UTC", "month", "2026-02-01", "2026-03-01", previousPeriod, 0, "2026-02-01 2026-01-01"},
	} {
		p := spanOf(t, c.zone, c.grain, c.from, c.to, c.compare)
		bucket := p.buckets()[c.number]
		have := p.label(bucket) + " -"
		if p.previous != nil {
			if before, ok := p.counterpart(bucket); ok {
				have = p.label(bucket) + " " + p.previous.label(before)
			}
		}
		if have != c.want {
			t.Errorf("%s: %s, want %s", c.name, have, c.want)
		}
	}
}

func TestRangesBefore(t *testing.T) {
	for _, c := range []struct{ name, zone, from, to, compare, want string }{
		{"days", "Europe/Berlin", "2026-03-29", "2026-03-30", previousPeriod, "2026-03-28T00:00:00+01:00 2026-03-29T00:00:00+01:00"},
		{"hours", "Europe/Berlin", "2026-03-29T12:00:00+02:00", "2026-03-30T00:00:00+02:00", previousPeriod, "2026-03-28T23:00:00+01:00 2026-03-29T12:00:00+02:00"},
		{"a year", "Europe/Berlin", "2026-03-29", "2026-03-30", previousYear, "2025-03-29T00:00:00+01:00 2025-03-30T00:00:00+01:00"},
		{"from a leap day", "UTC", "2024-02-29", "2024-03-05", previousYear, "2023-03-01T00:00:00Z 2023-03-05T00:00:00Z"},
		{"to a leap day", "UTC", "2024-02-01", "2024-02-29", previousYear, "2023-02-01T00:00:00Z 2023-03-01T00:00:00Z"},
		{"an hour that was skipped", "Europe/Berlin", "2027-03-28T01:00:00+01:00", "2027-03-28T12:00:00+02:00", previousYear, "2026-03-28T01:00:00+01:00 2026-03-28T12:00:00+01:00"},
		{"into the gap", "Europe/Berlin", "2027-03-29T02:00:00+02:00", "2027-03-29T04:00:00+02:00", previousYear, "2026-03-29T03:00:00+02:00 2026-03-29T04:00:00+02:00"},
	} {
		p := spanOf(t, c.zone, "total", c.from, c.to, c.compare)
		show := func(ms int64) string { return time.UnixMilli(ms).In(p.cal.Location()).Format(time.RFC3339) }
		if have := show(p.previous.from) + " " + show(p.previous.to); have != c.want {
			t.Errorf("%s: %s, want %s", c.name, have, c.want)
		}
	}
}

// A day has the hours its clocks show: 23, 25, or 24 and a half in 25 buckets. A range may begin where an hour does.
func TestHoursOfDaysWithChanges(t *testing.T) {
	for _, c := range []struct {
		zone, day string
		hours     int
	}{
		{"Europe/Berlin", "2026-03-29", 23}, {"Europe/Berlin", "2026-10-25", 25},
		{"Australia/Lord_Howe", "2026-04-05", 25}, {"Australia/Lord_Howe", "2026-10-04", 24}, {"UTC", "2026-03-29", 24},
	} {
		d, err := rollcall.ParseDate(c.day)
		if err != nil {
			t.Fatal(err)
		}
		p := spanOf(t, c.zone, "hour", c.day, (d + 1).String(), "")
		if n := len(p.buckets()); n != c.hours || p.source != rollcall.Hour {
			t.Errorf("%s %s: %d hours from %v cells, want %d", c.zone, c.day, n, p.source, c.hours)
		}
		for _, start := range p.buckets()[1:] {
			from := max(start, p.from)
			for p.cal.HourStart(from) != start { // the clocks are changed within the hour
				from += minuteMS
			}
			cut := spanOf(t, c.zone, "hour", time.UnixMilli(from).UTC().Format(time.RFC3339), (d + 1).String(), "")
			if cut.source != rollcall.Hour || cut.buckets()[0] != start {
				t.Errorf("%s %s: a range from hour %s is read from %v cells, its first hour is %s", c.zone, c.day, p.label(start), cut.source, p.label(cut.buckets()[0]))
			}
		}
	}
}

// Weeks begin on Monday, over the end of a year too.
func TestWeeksBeginOnMonday(t *testing.T) {
	p := spanOf(t, "Asia/Seoul", "week", "2025-12-28", "2026-01-06", "")
	labels := []string{}
	for _, b := range p.buckets() {
		labels = append(labels, p.label(b))
	}
	if want := []string{"2025-12-22", "2025-12-29", "2026-01-05"}; !slices.Equal(labels, want) {
		t.Errorf("%v, want %v", labels, want)
	}
}

// A value that is the text of the united group is a group of its own.
func TestValueNamedEverythingElse(t *testing.T) {
	cal := rollcall.NewCalendar(time.UTC)
	at := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC).UnixMilli()
	var facts []querytest.Fact
	for user, value := range []string{restText, restText, restText, "a", "a", "b", "c"} {
		facts = append(facts, querytest.Fact{Time: at, User: user, Dims: []string{value}})
	}
	facts = append(facts, querytest.Fact{Time: at, User: 5, Dims: []string{"c"}})
	m := querytest.Build(cal, []string{"campaign"}, rollcall.Cuboids(1), 2, facts)
	e := engineOver(m, cal, rollcall.Cuboids(1), at, 0, 0)
	for limit, want := range map[int]string{
		1: "[2026-11-01[(everything else)] [3] 2026-11-01[(everything else)] [4]]",
		2: "[2026-11-01[(everything else)] [3] 2026-11-01[a] [2] 2026-11-01[(everything else)] [2]]",
		9: "[2026-11-01[(everything else)] [3] 2026-11-01[a] [2] 2026-11-01[c] [2] 2026-11-01[b] [1]]",
	} {
		res, err := e.Query(context.Background(), &Request{Grain: rollcall.Day, Metrics: []string{"active_users"}, GroupBy: []string{"campaign"}, Limit: limit, EverythingElse: true})
		if err != nil {
			t.Fatal(err)
		}
		if have := fmt.Sprint(lines(res)); have != want {
			t.Errorf("limit %d: %s, want %s", limit, have, want)
		}
	}
}
