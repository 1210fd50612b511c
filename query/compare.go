package query

import (
	"errors"
	"time"

	"rollcall"
)

// What a range may be compared with.
const (
	previousPeriod = "previous_period" // the range as long that ends where this one begins
	previousYear   = "previous_year"   // the same dates a civil year before
)

// planPrevious plans the range compared with, when there is one.
func (e *Engine) planPrevious(p *plan) error {
	if p.compare == "" {
		return nil
	}
	if err := checkTwice("compare", p.columns()); err != nil { // a dimension may have the name of such a column
		return err
	}
	before := *p
	before.span = p.before(p.compare)
	if before.from >= before.to { // 29 February alone, a year before
		return nil
	}
	var wrong *BadRequest
	if err := e.chooseSource(&before.span); errors.As(err, &wrong) {
		return bad("compare", wrong.Valid, "the range compared with, %s to %s, can't be answered: %s", e.show(before.from), e.show(before.to), wrong.Detail)
	}
	before.choose(e.cfg.Cuboids)
	before.fillAll, p.previous = false, &before
	return nil
}

// before is the range that s is compared with.
func (s *span) before(compare string) span {
	b := *s
	switch {
	case compare == previousYear:
		b.from, b.to = s.yearBefore(s.from), s.yearBefore(s.to)
	case s.wholeDays():
		b.from, b.to = s.cal.DayStart(s.first-s.days()), s.from
	default:
		b.from, b.to = s.from-(s.to-s.from), s.from
	}
	b.first, b.last = s.cal.Date(b.from), s.cal.Date(b.to-1)
	return b
}

func (s *span) wholeDays() bool { return s.beginsDay(s.from) && s.beginsDay(s.to) }

func (s *span) beginsDay(ms int64) bool { return s.cal.DayStart(s.cal.Date(ms)) == ms }

// days is the length of a range of whole days.
func (s *span) days() rollcall.Date { return s.cal.Date(s.to) - s.first }

// yearBefore moves a bound back by one civil year: the beginning of a day to the beginning of one, another instant to the first
// with the same time on the clock, or behind the gap when clocks skipped it.
func (s *span) yearBefore(ms int64) int64 {
	z := s.cal.Zone(ms)
	date, clock := z.Date(ms)
	date, _ = yearBack(date)
	first := s.cal.DayStart(date)
	if s.beginsDay(ms) {
		return first
	}
	z = s.cal.Zone(first)
	for instant(date, clock, &z) >= z.Until {
		z = s.cal.Zone(z.Until)
	}
	return max(instant(date, clock, &z), z.From)
}

// instant is when the clock of a zone shows a time (ms) of a date, were the zone without end.
func instant(date rollcall.Date, clock int64, z *rollcall.Zone) int64 {
	return int64(date)*24*hourMS + clock - z.Offset
}

// yearBack is the same date of the year before; 29 February gives 1 March, and false.
func yearBack(d rollcall.Date) (rollcall.Date, bool) {
	y, m, day := d.UTC().Date()
	back := rollcall.DateOf(y-1, m, day)
	return back, back.UTC().Day() == day
}

// counterpart gives the bucket of the range before that a bucket is compared with; false when there is none.
func (p *plan) counterpart(bucket int64) (before int64, ok bool) {
	b := p.previous
	switch byDate := p.compare == previousYear || p.wholeDays(); {
	case p.grain > rollcall.Day || p.grain == rollcall.Day && !byDate:
		return b.bucketAt(p.position(bucket))
	case p.grain == rollcall.Day:
		date, ok := p.dateBefore(rollcall.Date(bucket))
		return int64(date), ok && date >= b.first && date <= b.last
	case byDate:
		before, ok = p.sameClock(bucket)
	default:
		before, ok = p.clockStart(bucket-(p.to-p.from)), true
	}
	return before, ok && before >= b.clockStart(b.from) && before <= b.clockStart(b.to-1)
}

func (p *plan) dateBefore(d rollcall.Date) (rollcall.Date, bool) {
	if p.compare == previousYear {
		return yearBack(d)
	}
	return d - p.days(), true
}

// clockStart is the start of the hour or minute that holds an instant.
func (s *span) clockStart(ms int64) int64 {
	if s.grain == rollcall.Hour {
		return s.cal.HourStart(ms)
	}
	return s.cal.MinuteStart(ms)
}

// sameClock gives the first hour or minute of the date before that the clock shows as it does bucket.
func (p *plan) sameClock(bucket int64) (before int64, ok bool) {
	width := minuteMS
	if p.grain == rollcall.Hour {
		width = hourMS
	}
	z := p.cal.Zone(bucket)
	if p.clockStart(bucket) != bucket { // the clocks were changed within it
		z = p.cal.Zone(bucket + width - 1)
	}
	date, clock := z.Date(bucket)
	if date, ok = p.dateBefore(date); !ok {
		return 0, false
	}
	end := p.cal.DayStart(date + 1)
	for z = p.cal.Zone(p.cal.DayStart(date)); z.From < end; z = p.cal.Zone(z.Until) {
		if start := instant(date, clock, &z); start < z.Until && start+width > z.From {
			return start, true
		}
	}
	return 0, false
}

// position is the number of a day, week, month or total among those that the range touches.
func (s *span) position(bucket int64) int64 {
	switch s.grain {
	case rollcall.Day:
		return bucket - int64(s.first)
	case rollcall.Week:
		return (bucket - int64(s.first.Week())) / 7
	case rollcall.Month:
		return months(rollcall.Date(bucket)) - months(s.first)
	default:
		return 0
	}
}

// bucketAt undoes position; false beyond the last one.
func (s *span) bucketAt(position int64) (bucket int64, ok bool) {
	switch s.grain {
	case rollcall.Day:
		bucket = int64(s.first) + position
	case rollcall.Week:
		bucket = int64(s.first.Week()) + 7*position
	case rollcall.Month:
		bucket = int64(rollcall.DateOf(0, time.Month(months(s.first)+position+1), 1))
	}
	return bucket, bucket <= int64(s.last) || s.grain == rollcall.Total
}

func months(d rollcall.Date) int64 {
	y, m, _ := d.UTC().Date()
	return int64(y)*12 + int64(m) - 1
}
