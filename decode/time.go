package decode

import (
	"errors"
	"fmt"
	"time"
)

// The errors of ParseTime.
var (
	ErrTime      = errors.New("no time: want RFC 3339, a Unix time, or YYYY-MM-DD HH:MM:SS")
	ErrTimeRange = errors.New("time lies outside the years 1 to 9999")
)

// The instants accepted: the years 1 to 9999, less a day on either side so that every time zone stays within them.
const (
	minTime = -62_135_510_400_000
	maxTime = 253_402_214_400_000 - 1
)

// Unix times are told apart by magnitude: below 2e10 they are seconds (up to the year 2603), below 2e13 ms (from August
// 1970 on), below 2e16 µs, below 1e19 ns (up to the year 2286).
const (
	secondsBelow = 20_000_000_000
	millisBelow  = secondsBelow * 1000
	microsBelow  = millisBelow * 1000
)

// ParseTime reads a time and gives Unix ms, cut off to the ms below:
//
//   - RFC 3339, with T, t or a space, any fraction, and an offset Z, z, ±HH:MM, ±HHMM or ±HH;
//   - the same without offset, in loc: the first instant if the clocks show it twice;
//   - YYYY-MM-DD: the first instant of that day in loc;
//   - a Unix time, integer or decimal, in s, ms, µs or ns by its magnitude.
//
// A leap second is taken for the one after it. The error wraps ErrTime or ErrTimeRange.
func ParseTime(s []byte, loc *time.Location) (int64, error) {
	c := newClock(loc)
	ms, err := c.parse(s)
	if err != nil {
		return 0, fmt.Errorf("%.64q: %w", s, err)
	}
	return ms, nil
}

func (c *clock) parse(s []byte) (ms int64, err error) {
	if len(s) >= 10 && s[4] == '-' {
		ms, err = c.parseText(s)
	} else {
		ms, err = parseUnix(s)
	}
	if err == nil && (ms < minTime || ms > maxTime) {
		err = ErrTimeRange
	}
	return ms, err
}

func parseUnix(s []byte) (int64, error) {
	d, ok := parseDecimal(s)
	if !ok {
		return 0, ErrTime
	}
	shift := 3
	switch whole, _, _, ok := d.scale(0); {
	case !ok:
		return 0, ErrTimeRange
	case whole >= microsBelow:
		shift = -6
	case whole >= millisBelow:
		shift = -3
	case whole >= secondsBelow:
		shift = 0
	}
	ms, ok := d.floor(shift)
	if !ok {
		return 0, ErrTimeRange
	}
	return ms, nil
}

func (c *clock) parseText(s []byte) (int64, error) {
	date, ok := parseDate(s[:10])
	if !ok {
		return 0, ErrTime
	}
	if len(s) == 10 {
		return c.dayStart(date), nil
	}
	tod, rest, ok := parseClock(s[10:])
	if !ok {
		return 0, ErrTime
	}
	ms := int64(date)*dayMS + tod
	if len(rest) == 0 {
		ms = c.instant(ms)
	} else if offset, ok := parseOffset(rest); ok {
		ms -= offset
	} else {
		return 0, ErrTime
	}
	if s[17] == '6' && floorMod(ms, dayMS) >= 1000 {
		return 0, ErrTime // a second 60 that does not end a day
	}
	return ms, nil
}

// parseClock reads a separator and HH:MM:SS[.fraction], and gives the ms since midnight and what follows.
func parseClock(s []byte) (ms int64, rest []byte, ok bool) {
	if len(s) < 9 || s[0]|0x20 != 't' && s[0] != ' ' || s[3] != ':' || s[6] != ':' {
		return 0, nil, false
	}
	h, m, sec := two(s[1:]), two(s[4:]), two(s[7:])
	if h|m|sec < 0 || h > 23 || m > 59 || sec > 60 {
		return 0, nil, false
	}
	ms = int64(h)*hourMS + int64(m)*60_000 + int64(sec)*1000
	rest = s[9:]
	if len(rest) == 0 || rest[0] != '.' {
		return ms, rest, true
	}
	end := digits(rest, 1)
	for i, unit := 1, int64(100); i < end && unit > 0; i, unit = i+1, unit/10 {
		ms += int64(rest[i]-'0') * unit
	}
	return ms, rest[end:], end > 1
}

// parseOffset reads Z or ±HH[[:]MM] and gives ms.
func parseOffset(s []byte) (int64, bool) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, m := two(s[1:]), 0
	switch {
	case len(s) == 5:
		m = two(s[3:])
	case len(s) == 6 && s[3] == ':':
		m = two(s[4:])
	case len(s) != 3:
		return 0, false
	}
	if h|m < 0 || h > 23 || m > 59 {
		return 0, false
	}
	offset := int64(h)*hourMS + int64(m)*60_000
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

func floorMod(a, b int64) int64 { return (a%b + b) % b }
