package decode

import (
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
)

var timeCases = []struct {
	in, zone, want string // want in UTC, or the start of the error
}{
	{"2026-11-01T12:34:56Z", "UTC", "2026-11-01T12:34:56Z"},
	{"2026-11-01t12:34:56.7z", "UTC", "2026-11-01T12:34:56.7Z"},
	{"2026-11-01 12:34:56.789999999999+09:00", "UTC", "2026-11-01T03:34:56.789Z"},
	{"2026-11-01T12:34:56-0930", "UTC", "2026-11-01T22:04:56Z"},
	{"2026-11-01 12:34:56+00", "Asia/Seoul", "2026-11-01T12:34:56Z"},
	{"2026-11-01T00:00:00-23:59", "UTC", "2026-11-01T23:59:00Z"},
	{"2026-11-01 12:34:56", "Asia/Seoul", "2026-11-01T03:34:56Z"},
	{"2026-11-01T12:34:56.5", "Asia/Seoul", "2026-11-01T03:34:56.5Z"},
	{"2026-11-01", "Asia/Seoul", "2026-10-31T15:00:00Z"},
	{"2024-02-29", "UTC", "2024-02-29T00:00:00Z"}, {"2000-02-29", "UTC", "2000-02-29T00:00:00Z"},
	{"2016-12-31T23:59:60Z", "UTC", "2017-01-01T00:00:00Z"}, {"2017-01-01T08:59:60.25+09:00", "UTC", "2017-01-01T00:00:00.25Z"},
	{"2016-12-31T22:59:60Z", "UTC", "no time"}, {"2016-12-31T23:59:61Z", "UTC", "no time"},

	// New York set its clocks back at 02:00 EDT on 2026-11-01 and forward at 02:00 EST on 2026-03-08.
	{"2026-11-01 01:30:00", "America/New_York", "2026-11-01T05:30:00Z"},
	{"2026-11-01 00:59:59", "America/New_York", "2026-11-01T04:59:59Z"},
	{"2026-11-01 02:00:00", "America/New_York", "2026-11-01T07:00:00Z"},
	{"2026-03-08 01:59:59", "America/New_York", "2026-03-08T06:59:59Z"},
	{"2026-03-08 03:00:00", "America/New_York", "2026-03-08T07:00:00Z"},
	// São Paulo skipped midnight on 2018-11-04, and had the hour before midnight twice on 2018-02-17.
	{"2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z"},
	{"2018-02-17 23:30:00", "America/Sao_Paulo", "2018-02-18T01:30:00Z"},
	{"2018-02-18", "America/Sao_Paulo", "2018-02-18T03:00:00Z"},
	// Apia skipped 2011-12-30 altogether.
	{"2011-12-29 23:00:00", "Pacific/Apia", "2011-12-30T09:00:00Z"}, {"2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00Z"},

	{"0", "UTC", "1970-01-01T00:00:00Z"}, {"-1.5", "UTC", "1969-12-31T23:59:58.5Z"}, {"-0.0001", "UTC", "1969-12-31T23:59:59.999Z"},
	{"1793534400", "UTC", "2026-11-01T12:00:00Z"}, {"1793534400123", "UTC", "2026-11-01T12:00:00.123Z"},
	{"1793534400123456", "UTC", "2026-11-01T12:00:00.123Z"}, {"1793534400123456789", "UTC", "2026-11-01T12:00:00.123Z"},
	{"1793534400.9999", "UTC", "2026-11-01T12:00:00.999Z"}, {"1793534400123.999", "UTC", "2026-11-01T12:00:00.123Z"},
	{"1.7935344e9", "UTC", "2026-11-01T12:00:00Z"}, {"17935344E+2", "UTC", "2026-11-01T12:00:00Z"},
	{"-1793534400123456789", "UTC", "1913-03-02T11:59:59.876Z"},
	{"7258118400", "UTC", "2200-01-01T00:00:00Z"}, {"7258118400000", "UTC", "2200-01-01T00:00:00Z"},
	{"7258118400000000000", "UTC", "2200-01-01T00:00:00Z"}, {"31536000", "UTC", "1971-01-01T00:00:00Z"},
	{"31536000000", "UTC", "1971-01-01T00:00:00Z"}, {"31536000000000000", "UTC", "1971-01-01T00:00:00Z"},
	{"0001-01-02", "UTC", "0001-01-02T00:00:00Z"}, {"9999-12-30T23:59:59.999Z", "UTC", "9999-12-30T23:59:59.999Z"},
	{"9999-12-31T00:00:00Z", "UTC", "time lies"}, {"0001-01-01T23:59:59.999Z", "UTC", "time lies"}, {"0000-01-01", "UTC", "time lies"},
	{"1e400", "UTC", "time lies"}, {"99999999999999999999", "UTC", "time lies"}, {"1e999999999999999999999", "UTC", "time lies"},
	{"1e-999999999999999999999", "UTC", "1970-01-01T00:00:00Z"}, {"-1e-99", "UTC", "1969-12-31T23:59:59.999Z"},

	{"", "UTC", "no time"}, {"now", "UTC", "no time"}, {"2026", "UTC", "1970-01-01T00:33:46Z"}, {" 1", "UTC", "no time"}, {"1 ", "UTC", "no time"},
	{"+1", "UTC", "no time"}, {"0x10", "UTC", "no time"}, {"1_000", "UTC", "no time"}, {"Inf", "UTC", "no time"}, {"007", "UTC", "no time"},
	{"2026-11-1", "UTC", "no time"}, {"2026-13-01", "UTC", "no time"}, {"2026-00-01", "UTC", "no time"}, {"2026-01-00", "UTC", "no time"},
	{"2026-04-31", "UTC", "no time"}, {"2025-02-29", "UTC", "no time"}, {"1900-02-29", "UTC", "no time"}, {"2026-11-01T", "UTC", "no time"},
	{"2026-11-01T12:34", "UTC", "no time"}, {"2026-11-01T12:34:56.", "UTC", "no time"}, {"2026-11-01T12:34:56.Z", "UTC", "no time"},
	{"2026-11-01T24:00:00Z", "UTC", "no time"}, {"2026-11-01T12:60:00Z", "UTC", "no time"}, {"2026-11-01T12:34:56+24:00", "UTC", "no time"},
	{"2026-11-01T12:34:56+09:60", "UTC", "no time"}, {"2026-11-01T12:34:56+9", "UTC", "no time"}, {"2026-11-01T12:34:56 UTC", "UTC", "no time"},
	{"2026-11-01T12:34:56ZZ", "UTC", "no time"}, {"2026-11-01x12:34:56Z", "UTC", "no time"}, {"2026/11/01 12:34:56", "UTC", "no time"},
	{"2026-11-01T-1:34:56Z", "UTC", "no time"}, {"20é6-11-01", "UTC", "no time"}, {"2026-11-01T12:34:56+ab:cd", "UTC", "no time"},
}

func TestParseTime(t *testing.T) {
	for _, c := range timeCases {
		ms, err := ParseTime([]byte(c.in), mustLoad(c.zone))
		got := time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
		if err != nil {
			got = errors.Unwrap(err).Error()
			if !strings.HasPrefix(got, c.want) || c.want == "" {
				t.Errorf("%s in %s: %v, want %s", c.in, c.zone, err, c.want)
			}
		} else if got != c.want {
			t.Errorf("%s in %s: %s, want %s", c.in, c.zone, got, c.want)
		}
	}
}

var zones = []string{"UTC", "Asia/Seoul", "America/New_York", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/London", "Africa/Monrovia"}

// A local time names the first instant that shows it; one that no instant shows comes within a day of itself.
func TestLocalTimeIsFirstInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc := mustLoad(rapid.SampledFrom(zones).Draw(t, "zone"))
		c := newClock(loc) // one clock for all: what it keeps must not change what it gives
		for range 20 {
			at := time.UnixMilli(rapid.Int64Range(-3e12, 3e12).Draw(t, "ms")).In(loc)
			if rapid.Bool().Draw(t, "near a change") {
				if _, until := at.ZoneBounds(); !until.IsZero() {
					at = until.Add(time.Duration(rapid.Int64Range(-10_000, 10_000).Draw(t, "s")) * time.Second)
				}
			}
			local := at.Format("2006-01-02 15:04:05.000")
			got, err := c.parse([]byte(local))
			if err != nil {
				t.Fatal(err)
			}
			if from, _ := at.ZoneBounds(); !from.IsZero() {
				_, now := at.Zone()
				_, before := from.Add(-1).Zone()
				if e := at.Add(time.Duration(now-before) * time.Second); e.Before(from) && e.Format("2006-01-02 15:04:05.000") == local {
					at = e
				}
			}
			if want := at.UnixMilli(); got != want {
				t.Fatalf("%s in %s: %d, want %d", local, loc, got, want)
			}
			day, err := c.parse([]byte(local[:10]))
			if first := rollcall.NewCalendar(loc); err != nil || day != first.DayStart(first.Date(at.UnixMilli())) {
				t.Fatalf("%s in %s: %d, %v", local[:10], loc, day, err)
			}
		}
	})
}

func TestSkippedLocalTime(t *testing.T) {
	got, err := ParseTime([]byte("2026-03-08 02:30:00"), mustLoad("America/New_York"))
	want := time.Date(2026, 3, 8, 2, 30, 0, 0, mustLoad("America/New_York")).UnixMilli()
	if err != nil || got != want {
		t.Errorf("%d, %v; want %d", got, err, want)
	}
}

func TestCivil(t *testing.T) {
	day := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	for day.Year() < 10_000 {
		if got, want := civil(day.Year(), int(day.Month()), day.Day()), rollcall.Date(day.Unix()/86400); got != want && day.Unix()%86400 == 0 {
			t.Fatalf("%s: %d, want %d", day, got, want)
		}
		day = day.AddDate(0, 0, 1)
	}
}

// slowTime is ParseTime by other means, for times with an offset and numbers. known is false for other forms.
func slowTime(s string) (ms int64, ok, known bool) {
	if len(s) >= 10 && s[4] == '-' {
		if !regexp.MustCompile(`([zZ]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)$`).MatchString(s) {
			return 0, false, false
		}
		for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07"} {
			form := strings.ToUpper(s)
			if form[10:] != "" && form[10] == ' ' {
				form = form[:10] + "T" + form[11:]
			}
			if tm, err := time.Parse(layout, form); err == nil && !strings.Contains(form, ",") {
				ms := tm.UnixMilli()
				return ms, ms >= minTime && ms <= maxTime, true
			}
		}
		return 0, false, false
	}
	if end, ok := scanNumber([]byte(s), 0); !ok || end < len(s) {
		return 0, false, true
	}
	r := refNumber(s)
	abs, unit := new(big.Rat).Abs(r), big.NewRat(1000, 1)
	for _, bound := range []int64{secondsBelow, millisBelow, microsBelow} {
		if abs.Cmp(new(big.Rat).SetInt64(bound)) >= 0 {
			unit.Mul(unit, big.NewRat(1, 1000))
		}
	}
	r.Mul(r, unit)
	if abs.Cmp(new(big.Rat).SetFloat64(maxWhole)) >= 0 {
		return 0, false, true
	}
	whole := new(big.Int).Div(r.Num(), r.Denom()) // Euclid's: floor for a positive denominator
	if !whole.IsInt64() {
		return 0, false, true
	}
	ms = whole.Int64()
	return ms, ms >= minTime && ms <= maxTime, true
}

func FuzzTime(f *testing.F) {
	for _, c := range timeCases {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime([]byte(s), time.UTC)
		if err == nil && (got < minTime || got > maxTime) {
			t.Fatalf("%q: %d is out of range", s, got)
		}
		want, ok, known := slowTime(s)
		leap := len(s) > 17 && s[17] == '6'
		if known && !leap && (ok != (err == nil) || ok && got != want) {
			t.Fatalf("%q: %d, %v; want %d, %t", s, got, err, want, ok)
		}
	})
}

func TestNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`(0|[1-9][0-9]{0,12})(\.[0-9]{1,24})?([eE][+-]?[0-9])?`).Draw(t, "s")
		d, ok := parseDecimal([]byte(s))
		r, _ := new(big.Rat).SetString(s)
		r.Add(r.Mul(r, big.NewRat(1000, 1)), big.NewRat(1, 2))
		want := new(big.Int).Div(r.Num(), r.Denom())
		got, fits := d.nearest(3)
		if !ok || fits != (want.BitLen() <= 62) || fits && got != want.Int64() {
			t.Fatalf("%s: %d, %t; want %s", s, got, fits, want)
		}
	})
}
