package rollcall

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// moments are zones with the days around which their clocks change, or nothing happens at all.
var moments = []struct {
	zone string
	days []string
}{
	{"UTC", []string{"1970-01-01", "2024-02-29", "1969-12-31"}},
	{"Asia/Seoul", []string{"2026-01-01", "1988-05-08", "1988-10-09"}},
	{"Asia/Kolkata", []string{"2026-01-01", "1969-07-01"}},
	{"Europe/Berlin", []string{"2025-03-30", "2025-10-26"}},
	{"America/New_York", []string{"2025-03-09", "2025-11-02"}},
	{"America/Sao_Paulo", []string{"2018-11-04", "2018-02-18"}},
	{"Australia/Lord_Howe", []string{"2025-04-06", "2025-10-05"}},
	{"America/St_Johns", []string{"2005-04-03", "2005-10-30", "2011-03-13", "2011-11-06", "1988-04-03", "1988-10-30"}},
	{"Pacific/Apia", []string{"2011-12-29", "2011-12-30", "2011-12-31", "2011-04-02", "2012-04-01"}},
	{"Africa/Cairo", []string{"2023-04-28", "2023-10-27", "2024-04-26", "2024-11-01"}},
	{"Asia/Beirut", []string{"2024-03-31", "2024-10-27"}},
	{"Africa/Monrovia", []string{"1972-01-07"}}, // an offset of minutes and seconds until then
}

type moment struct {
	calendar Calendar
	loc      *time.Location
	ms       int64
}

func drawMoment(t *rapid.T) moment {
	m := rapid.SampledFrom(moments).Draw(t, "zone")
	loc, err := time.LoadLocation(m.zone)
	if err != nil {
		t.Fatal(err)
	}
	day, err := time.Parse(dateLayout, rapid.SampledFrom(m.days).Draw(t, "day"))
	if err != nil {
		t.Fatal(err)
	}
	_, offset := day.In(loc).Zone()
	near := day.UnixMilli() - int64(offset)*1000
	ms := near + rapid.OneOf(
		rapid.Int64Range(-3*hourMS, 3*hourMS),
		rapid.Int64Range(-40*hourMS, 40*hourMS),
		rapid.Map(rapid.Int64Range(-400, 400), func(q int64) int64 { return q * 15 * 60_000 }),
	).Draw(t, "ms")
	return moment{NewCalendar(loc), loc, ms}
}

func (m moment) local() time.Time { return time.UnixMilli(m.ms).In(m.loc) }

func TestCalendarDate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMoment(t)
		local := m.local()
		if got, want := m.calendar.Date(m.ms), DateOf(local.Date()); got != want {
			t.Fatalf("date of %v: %v, want %v", local, got, want)
		}
		z := m.calendar.Zone(m.ms)
		if !z.Holds(m.ms) {
			t.Fatalf("zone %+v of %v does not hold it", z, local)
		}
		_, tod := z.Date(m.ms)
		want := int64(local.Hour())*hourMS + int64(local.Minute())*60_000 + int64(local.Second())*1000 + int64(local.Nanosecond()/1e6)
		if tod != want {
			t.Fatalf("time of day of %v: %d, want %d", local, tod, want)
		}
	})
}

// A zone is as long as it says: the offset is the same all through it, and another at its ends.
func TestCalendarZone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMoment(t)
		z := m.calendar.Zone(m.ms)
		offset := func(ms int64) int64 {
			_, s := time.UnixMilli(ms).In(m.loc).Zone()
			return int64(s) * 1000
		}
		at := rapid.Int64Range(max(z.From, m.ms-dayMS*400), min(z.Until-1, m.ms+dayMS*400)).Draw(t, "at")
		if offset(at) != z.Offset {
			t.Fatalf("zone %+v: offset at %d is %d", z, at, offset(at))
		}
	})
}

func TestCalendarHourAndMinuteStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMoment(t)
		local := m.local()
		below := int64(local.Second())*1000 + int64(local.Nanosecond()/1e6)
		if got, want := m.calendar.MinuteStart(m.ms), m.ms-below; got != want {
			t.Fatalf("minute of %v: %d, want %d", local, got, want)
		}
		below += int64(local.Minute()) * 60_000
		if got, want := m.calendar.HourStart(m.ms), m.ms-below; got != want {
			t.Fatalf("hour of %v: %d, want %d", local, got, want)
		}
	})
}

// Every instant's hour start is among the hours of its date, and its date begins no later than it.
func TestCalendarHours(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMoment(t)
		date := m.calendar.Date(m.ms)
		hours := m.calendar.Hours(date)
		if !slices.IsSorted(hours) || len(slices.Compact(slices.Clone(hours))) != len(hours) {
			t.Fatalf("hours of %v: %v", date, hours)
		}
		if len(hours) > MaxHours {
			t.Fatalf("%d hours in %v", len(hours), date)
		}
		if !slices.Contains(hours, m.calendar.HourStart(m.ms)) {
			t.Fatalf("%v: hour start %d is not among the hours %v of %v", m.local(), m.calendar.HourStart(m.ms), hours, date)
		}
		if start := m.calendar.DayStart(date); start > m.ms || m.calendar.Date(start) != date {
			t.Fatalf("%v: day starts at %v", m.local(), time.UnixMilli(start).In(m.loc))
		}
	})
}

// The hours of a date are exactly those that its instants, looked at one by one, lie in; the day starts with the first.
func TestCalendarHoursExhaustive(t *testing.T) {
	for _, m := range moments {
		loc, err := time.LoadLocation(m.zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range m.days {
			date, err := ParseDate(text)
			if err != nil {
				t.Fatal(err)
			}
			for d := date - 1; d <= date+1; d++ {
				checkHours(t, NewCalendar(loc), d)
			}
		}
	}
}

func checkHours(t *testing.T, c Calendar, d Date) {
	t.Helper()
	var want []int64
	first := int64(0)
	const step = 10_000 // ms; every clock here changes at a multiple of it
	for ms := int64(d)*dayMS - 15*hourMS; ms < int64(d+1)*dayMS+15*hourMS; ms += step {
		local := time.UnixMilli(ms).In(c.Location())
		if DateOf(local.Date()) != d {
			continue
		}
		if len(want) == 0 {
			first = ms
		}
		below := time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
		want = append(want, ms-below.Milliseconds())
	}
	slices.Sort(want)
	want = slices.Compact(want)
	if got := c.Hours(d); !slices.Equal(got, want) {
		t.Errorf("%v %v: hours %v, want %v", c.Location(), d, got, want)
	}
	if got := c.DayStart(d); len(want) > 0 && got != first {
		t.Errorf("%v %v: starts at %d, want %d", c.Location(), d, got, first)
	}
}

// A date the zone skipped has no hours, and begins where the next one does.
func TestCalendarSkippedDate(t *testing.T) {
	loc, err := time.LoadLocation("Pacific/Apia")
	if err != nil {
		t.Fatal(err)
	}
	c, skipped := NewCalendar(loc), DateOf(2011, time.December, 30)
	if hours := c.Hours(skipped); len(hours) != 0 {
		t.Errorf("hours %v", hours)
	}
	if a, b := c.DayStart(skipped), c.DayStart(skipped+1); a != b {
		t.Errorf("starts at %d, the next date at %d", a, b)
	}
}
