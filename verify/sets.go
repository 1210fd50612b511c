package verify

import (
	"context"
	"errors"
	"fmt"

	"rollcall"
	"rollcall/block"
)

// setPeriod names the user sets of a period.
type setPeriod struct {
	grain  rollcall.Grain
	period block.Period
}

// members is a set's size, and the sum that stands for its members and their masks.
type members struct {
	users int64
	sum   uint64
}

// addSets keeps what a part of a shard comes to.
func (s *shard) addSets(t *tally) {
	for i := range t.sets {
		row := &t.sets[i]
		row.flush()
		if row.users == 0 || !s.comparable(row.key.grain, row.key.period) {
			continue
		}
		p := setPeriod{row.key.grain, row.key.period}
		if s.sets[p] == nil {
			s.sets[p] = map[uint32]members{}
		}
		m := s.sets[p][row.key.cell]
		s.sets[p][row.key.cell] = members{m.users + row.users, m.sum + row.sum}
	}
}

// compareSets compares the shard's user sets of the chosen days.
func (s *shard) compareSets(ctx context.Context) error {
	for _, d := range s.setDates() {
		for _, grain := range []rollcall.Grain{rollcall.Day, rollcall.Minute} {
			for _, p := range s.periods(d, grain) {
				if err := s.comparePeriod(ctx, d, setPeriod{grain, p}); errors.Is(err, errMoved) {
					s.movedSets(d, grain)
				} else if err != nil {
					return err
				}
				if err := s.pace(ctx); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// movedSets passes over minutes: they expire while they are verified.
func (s *shard) movedSets(d rollcall.Date, grain rollcall.Grain) {
	if grain != rollcall.Minute {
		s.report.moved(d)
	}
}

func (s *shard) setDates() []rollcall.Date {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.comparedDates()
}

func (s *shard) comparePeriod(ctx context.Context, d rollcall.Date, p setPeriod) error {
	packed, err := s.view.Sets(ctx, p.grain, s.number, p.period, p.period+1, true)
	if err != nil {
		return err
	}
	want, compared := s.sets[p], int64(len(s.sets[p]))
	delete(s.sets, p)
	for _, one := range packed {
		sets, err := one.Sets()
		if err != nil {
			return err
		}
		for i := range sets.Len() {
			cell, found := s.membersOf(sets, i)
			if _, ok := want[cell]; !ok {
				compared++
			}
			s.compareSet(d, p, cell, want[cell], found)
			delete(want, cell)
		}
	}
	for cell, m := range want {
		s.compareSet(d, p, cell, m, members{})
	}
	s.report.count(func(r *Report) { r.Sets += compared })
	return nil
}

// membersOf sums up a set of the store.
func (s *shard) membersOf(sets *block.Sets, i int) (cell uint32, m members) {
	tuple := make([]rollcall.Value, len(sets.Dims))
	for d := range tuple {
		tuple[d] = sets.Dims[d][i]
	}
	for at := sets.Start[i]; at < sets.Start[i+1]; at++ {
		m.users++
		m.sum += memberSum(sets.Users[at], sets.Masks[at])
	}
	return s.cells.cell(tuple), m
}

func (s *shard) compareSet(d rollcall.Date, p setPeriod, cell uint32, want, found members) {
	if want == found {
		return
	}
	diff := Difference{What: UserSet, days: []rollcall.Date{d}, Shard: &s.number, Grain: p.grain.String(), Bucket: s.bucket(d, p.grain, p.period, 0)}
	if p.grain == rollcall.Minute {
		diff.Grain, diff.Bucket = "hour by minute", s.bucket(d, rollcall.Minute, p.period, 0)
	}
	for dim, x := range s.cells.tupleOf(cell) {
		diff.Values = append(diff.Values, NamedValue{s.head.Dimensions[dim], s.values.text(dim, x)})
	}
	switch n := found.users - want.users; {
	case n == 0:
		diff.Hint = "as many users, but others, or active in other hours or minutes"
		diff.Figure, diff.Expected, diff.Found = "members", fmt.Sprintf("%016x", want.sum), fmt.Sprintf("%016x", found.sum)
		s.report.add(diff)
	case n < 0:
		s.differs(diff, "users", want.users, found.users, fmt.Sprintf("%d users are missing from the set: unions of days count too few", -n))
	default:
		s.differs(diff, "users", want.users, found.users, fmt.Sprintf("%d users too many in the set: unions of days count too many", n))
	}
}
