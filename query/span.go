package query

import (
	"time"

	"rollcall"
	"rollcall/block"
)

const (
	minuteMS = int64(60_000)
	hourMS   = 60 * minuteMS
)

// span is the range of a query, the grain of its rows and the stored grain that is read for it.
type span struct {
	cal         rollcall.Calendar
	grain       rollcall.Grain // of the rows
	source      rollcall.Grain // of the cells: Minute, Hour or Day
	from, to    int64          // Unix ms, half-open
	first, last rollcall.Date  // the dates that from and to-1 lie in
}

// slot is a part of a period that lies in the range and in one bucket: the sub-buckets with a bit in subs.
type slot struct {
	bucket int64 // ordinal: a Date for day, week and month; Unix ms for hour and minute; 0 for total
	subs   uint64
}

const allSubs = ^uint64(0)

// periods gives the periods that the range touches, half-open.
func (s *span) periods() (from, until block.Period) {
	if s.source == rollcall.Minute {
		return minutePeriod(s.cal.HourStart(s.from)), minutePeriod(s.cal.HourStart(s.to-1)) + 1
	}
	return block.Period(s.first), block.Period(s.last) + 1
}

func minutePeriod(ms int64) block.Period {
	p := ms / minuteMS
	if p*minuteMS > ms {
		p--
	}
	return block.Period(p)
}

// slots cuts a period into the buckets of the range, in rising order.
func (s *span) slots(p block.Period) []slot {
	switch s.source {
	case rollcall.Day:
		return []slot{{s.dateBucket(rollcall.Date(p)), allSubs}}
	case rollcall.Hour:
		return s.hourSlots(rollcall.Date(p))
	default:
		return s.minuteSlots(int64(p) * minuteMS)
	}
}

func (s *span) hourSlots(d rollcall.Date) (slots []slot) {
	lo, hi := s.cal.HourStart(s.from), s.cal.HourStart(s.to-1)
	for sub, start := range s.cal.Hours(d) {
		if start < lo || start > hi {
			continue
		}
		bucket := start
		if s.grain != rollcall.Hour {
			bucket = s.dateBucket(d)
		}
		slots = addSub(slots, bucket, sub)
	}
	return slots
}

func (s *span) minuteSlots(hour int64) (slots []slot) {
	for sub := range 60 {
		start := hour + int64(sub)*minuteMS
		if start < s.from || start >= s.to {
			continue
		}
		bucket := start
		switch s.grain {
		case rollcall.Minute:
		case rollcall.Hour:
			bucket = hour
		default:
			bucket = s.dateBucket(s.cal.Date(start))
		}
		slots = addSub(slots, bucket, sub)
	}
	return slots
}

func addSub(slots []slot, bucket int64, sub int) []slot {
	if n := len(slots); n > 0 && slots[n-1].bucket == bucket {
		slots[n-1].subs |= 1 << sub
		return slots
	}
	return append(slots, slot{bucket, 1 << sub})
}

// dateBucket is the bucket of grain day or wider that holds a date.
func (s *span) dateBucket(d rollcall.Date) int64 {
	if s.grain == rollcall.Total {
		return 0
	}
	return int64(d.Start(s.grain))
}

// lastDate is the last date of a bucket that lies in the range; for an hour or minute, the date it lies in.
func (s *span) lastDate(bucket int64) rollcall.Date {
	switch s.grain {
	case rollcall.Minute, rollcall.Hour:
		return s.cal.Date(bucket)
	case rollcall.Day:
		return rollcall.Date(bucket)
	case rollcall.Week:
		return min(rollcall.Date(bucket)+6, s.last)
	case rollcall.Month:
		return min((rollcall.Date(bucket)+31).Month()-1, s.last)
	default:
		return s.last
	}
}

// label is how a reply names a bucket.
func (s *span) label(bucket int64) string {
	switch s.grain {
	case rollcall.Minute, rollcall.Hour:
		return time.UnixMilli(bucket).In(s.cal.Location()).Format(time.RFC3339)
	case rollcall.Total:
		return "total"
	default:
		return rollcall.Date(bucket).String()
	}
}

// buckets lists every bucket the range touches, in rising order.
func (s *span) buckets() (all []int64) {
	add := func(bucket int64) {
		if n := len(all); n == 0 || all[n-1] != bucket {
			all = append(all, bucket)
		}
	}
	if s.grain == rollcall.Minute {
		for ms := s.from; ms < s.to; ms += minuteMS {
			add(ms)
		}
		return all
	}
	lo, hi := s.cal.HourStart(s.from), s.cal.HourStart(s.to-1)
	for d := s.first; d <= s.last; d++ {
		if s.grain == rollcall.Hour {
			for _, start := range s.cal.Hours(d) {
				if start >= lo && start <= hi {
					add(start)
				}
			}
		} else if s.cal.Date(s.cal.DayStart(d)) == d { // some zones have skipped a date
			add(s.dateBucket(d))
		}
	}
	return all
}

// maxBuckets bounds the number of buckets from above without listing them.
func (s *span) maxBuckets() int64 {
	switch s.grain {
	case rollcall.Minute:
		return (s.to - s.from) / minuteMS
	case rollcall.Hour:
		return (s.to-s.from)/hourMS + 2*int64(s.last-s.first+2)
	case rollcall.Total:
		return 1
	default:
		return int64(s.last - s.first + 1)
	}
}
