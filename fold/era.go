package fold

import (
	"math"
)

// era is a time in which sessions are made by one rule. None by gap reaches beyond it.
type era struct {
	since, until int64 // Unix ms; until is not in it
	gap          int64
	passive      map[string]bool
}

func erasOf(cfg *Config) (eras []era) {
	since := int64(math.MinInt64)
	for _, r := range cfg.Earlier {
		passive := map[string]bool{}
		for _, t := range r.Passive {
			passive[t] = true
		}
		eras = append(eras, era{since, r.Until, r.Gap.Milliseconds(), passive})
		since = r.Until
	}
	return append(eras, era{since, math.MaxInt64, cfg.Gap, cfg.Passive})
}

// eraOf gives the era of a time, which is the last used one nearly always.
func (s *Shard) eraOf(time int64) *era {
	if e := &s.eras[s.era]; time >= e.since && time < e.until {
		return e
	}
	for i := range s.eras {
		if time < s.eras[i].until {
			s.era = i
			break
		}
	}
	return &s.eras[s.era]
}

// reach gives the times of the first and last events that could be next to one at a time in its session.
func (e *era) reach(time int64) (from, until int64) {
	return max(time-e.gap, e.since), min(time+e.gap, e.until-1)
}

func (s *Shard) reach(time int64) (from, until int64) { return s.eraOf(time).reach(time) }
