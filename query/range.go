package query

import (
	"strings"
	"time"

	"rollcall"
)

const defaultDays = 90

// span reads the range of a request and chooses the stored grain that answers it.
func (e *Engine) span(req *Request) (s span, err error) {
	s = span{cal: e.cfg.Calendar, grain: req.Grain}
	s.to = s.cal.DayStart(s.cal.Date(e.cfg.Now().UnixMilli()) + 1)
	if req.To != "" {
		if s.to, err = e.instant("to", req.To); err != nil {
			return s, err
		}
	}
	s.from = s.cal.DayStart(s.cal.Date(s.to) - defaultDays)
	if req.From != "" {
		if s.from, err = e.instant("from", req.From); err != nil {
			return s, err
		}
	}
	if s.from >= s.to {
		return s, bad("from", []string{"an instant before to; the range is half-open"}, "%s is not before %s", e.show(s.from), e.show(s.to))
	}
	s.first, s.last = s.cal.Date(s.from), s.cal.Date(s.to-1)
	return s, e.chooseSource(&s)
}

// instant reads a date (its first instant) or an RFC 3339 time, to the ms below. A blank in place of the sign of the
// offset is what a plus sign becomes in a URL.
func (e *Engine) instant(param, text string) (int64, error) {
	if d, err := rollcall.ParseDate(text); err == nil {
		return e.cfg.Calendar.DayStart(d), nil
	}
	t, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "+", 1))
	if err != nil {
		return 0, bad(param, instantForms, "%q is no date or time", text)
	}
	return t.UnixMilli(), nil
}

func (e *Engine) show(ms int64) string {
	return time.UnixMilli(ms).In(e.cfg.Calendar.Location()).Format(time.RFC3339)
}

// chooseSource takes the coarsest stored grain, not coarser than the rows, in which the range begins and ends.
func (e *Engine) chooseSource(s *span) error {
	now := e.cfg.Now().UnixMilli()
	retention := [...]time.Duration{rollcall.Minute: e.cfg.MinuteRetention, rollcall.Hour: e.cfg.HourRetention}
	if s.grain <= rollcall.Hour && s.to <= now-retention[s.grain].Milliseconds() {
		return bad("grain", grains[s.grain+1:], "%s cells are kept for %v and the range ends at %s: ask for a coarser grain or a later range",
			s.grain, retention[s.grain], e.show(s.to))
	}
	s.source = min(s.grain, rollcall.Day)
	for !s.aligned() {
		if s.source == rollcall.Minute {
			return bad("from", []string{"dates", "whole hours", "whole minutes"}, "the range %s to %s does not begin and end on a minute", e.show(s.from), e.show(s.to))
		}
		s.source--
	}
	if s.source != min(s.grain, rollcall.Day) && s.from <= now-retention[s.source].Milliseconds() {
		return bad("from", []string{"dates, or whole buckets of the grain", "a later range"},
			"the range %s to %s needs %s cells, which are kept for %v", e.show(s.from), e.show(s.to), s.source, retention[s.source])
	}
	return nil
}

// aligned tells whether the range begins and ends where a bucket of the source begins.
func (s *span) aligned() bool { return s.begins(s.from) && s.begins(s.to) }

func (s *span) begins(ms int64) bool {
	switch s.source {
	case rollcall.Minute:
		return s.cal.MinuteStart(ms) == ms
	case rollcall.Hour:
		return s.cal.HourStart(ms) != s.cal.HourStart(ms-1)
	default:
		return s.cal.DayStart(s.cal.Date(ms)) == ms
	}
}
