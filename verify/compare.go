package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// comparable tells whether a period of a grain is still kept for certain. What retention may have deleted is not compared.
func (r *run) comparable(grain rollcall.Grain, period block.Period) bool {
	switch grain {
	case rollcall.Minute:
		return int64(period) >= floorDiv(r.gone[0], minuteMS)-59
	case rollcall.Hour:
		return period >= block.Period(r.cfg.Calendar.Date(r.gone[1]))
	default:
		return true
	}
}

// storedDates gives the chosen dates of which the store has cells.
func (r *run) storedDates() (dates []rollcall.Date) {
	for _, s := range r.head.Stamps[store.DayClock] {
		if d := rollcall.Date(s.Period); r.chosen(d) {
			dates = append(dates, d)
		}
	}
	return dates
}

// comparedDates gives the chosen dates that the log or the store has something of.
func (r *run) comparedDates() []rollcall.Date {
	dates := r.storedDates()
	for d := range r.picked {
		dates = append(dates, d)
	}
	for d := range r.caps {
		dates = append(dates, d)
	}
	slices.Sort(dates)
	return slices.Compact(dates)
}

// addCells keeps what a part of a shard comes to.
func (r *run) addCells(blocks []*block.Cells) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range blocks {
		if r.comparable(b.Key.Grain, b.Key.Period) {
			r.expected[b.Key] = append(r.expected[b.Key], b)
		}
	}
}

// compareCells compares all cells of the chosen days.
func (r *run) compareCells(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.cfg.Workers)
	for _, d := range r.comparedDates() {
		r.report.Days = append(r.report.Days, d.String())
		g.Go(func() error { return r.compareDay(ctx, d) })
	}
	return g.Wait()
}

func (r *run) compareDay(ctx context.Context, d rollcall.Date) error {
	if r.report.hasMoved(d) {
		return nil
	}
	r.checkStamp(d)
	for _, grain := range []rollcall.Grain{rollcall.Day, rollcall.Hour, rollcall.Minute} {
		for _, cuboid := range r.cfg.Cuboids {
			err := r.compareDate(ctx, d, grain, cuboid)
			if errors.Is(err, errMoved) && grain != rollcall.Minute { // minutes expire while they are verified
				r.report.moved(d)
				return nil
			}
			if err != nil && !errors.Is(err, errMoved) {
				return err
			}
			if err := r.pace(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkStamp looks whether readers know that a day has something.
func (r *run) checkStamp(d rollcall.Date) {
	r.mu.Lock()
	has := len(r.expected[block.CellKey{Grain: rollcall.Day, Period: block.Period(d)}]) > 0
	r.mu.Unlock()
	if has && r.head.Stamp(store.DayClock, block.Period(d)) == 0 {
		r.report.add(Difference{What: Period, days: []rollcall.Date{d}, Bucket: d.String(), Figure: "version", Expected: "any", Found: "none",
			Hint: "the day has events, and readers do not look for it: its row in the list of periods is gone"})
	}
}

// counted takes what a block comes to, of all shards.
func (r *run) counted(key block.CellKey) *block.Cells {
	r.mu.Lock()
	parts := r.expected[key]
	delete(r.expected, key)
	r.mu.Unlock()
	if len(parts) == 0 {
		return block.NewCells(key, 0)
	}
	return block.MergeCells(parts)
}

func (r *run) compareDate(ctx context.Context, d rollcall.Date, grain rollcall.Grain, cuboid rollcall.Cuboid) error {
	periods := r.periods(d, grain)
	if len(periods) == 0 {
		return nil
	}
	blocks, err := r.view.Cells(ctx, grain, cuboid, periods[0], periods[len(periods)-1]+1)
	if err != nil {
		return err
	}
	for _, p := range periods {
		key := block.CellKey{Grain: grain, Period: p, Cuboid: cuboid}
		found := block.NewCells(key, 0)
		if i := slices.IndexFunc(blocks, func(b *block.Cells) bool { return b.Key == key }); i >= 0 {
			found = blocks[i]
		}
		r.compareBlock(d, r.counted(key), found)
	}
	return nil
}

// periods gives the periods that the cells of a date lie in, rising, and only those that are still kept.
func (r *run) periods(d rollcall.Date, grain rollcall.Grain) (periods []block.Period) {
	if grain != rollcall.Minute {
		periods = []block.Period{block.Period(d)}
	} else {
		for _, h := range r.cfg.Calendar.Hours(d) {
			periods = append(periods, block.Period(floorDiv(h, minuteMS)))
		}
	}
	return slices.DeleteFunc(periods, func(p block.Period) bool { return !r.comparable(grain, p) })
}

// compareBlock goes through two blocks side by side.
func (r *run) compareBlock(d rollcall.Date, want, found *block.Cells) {
	n := int64(0)
	for i, j := 0, 0; i < want.Len() || j < found.Len(); n++ {
		order := compareKeys(want, i, found, j)
		var w, f rollcall.Counters
		row, at := want, i
		if order <= 0 {
			w = counters(want, i)
			i++
		}
		if order >= 0 {
			row, at = found, j
			f = counters(found, j)
			j++
		}
		if w != f {
			r.cellDiffers(d, row, at, &w, &f)
		}
	}
	r.report.count(func(r *Report) { r.Cells += n })
}

func counters(c *block.Cells, row int) (sum rollcall.Counters) {
	for i := range sum {
		sum[i] = c.Counters[i][row]
	}
	return sum
}

// compareKeys orders row i of a and row j of b; a row behind the end comes last.
func compareKeys(a *block.Cells, i int, b *block.Cells, j int) int {
	switch {
	case i >= a.Len():
		return 1
	case j >= b.Len():
		return -1
	case a.Sub[i] != b.Sub[j]:
		return int(a.Sub[i]) - int(b.Sub[j])
	}
	for d := range a.Dims {
		if x, y := a.Dims[d][i], b.Dims[d][j]; x < y {
			return -1
		} else if x > y {
			return 1
		}
	}
	return 0
}

var counterNames = [...]string{"events", "sessions", "bounces", "total_session_duration_ms", "new_users", "active_users", "counted_users"}

func (r *run) cellDiffers(d rollcall.Date, c *block.Cells, row int, want, found *rollcall.Counters) {
	diff := Difference{What: Cell, days: []rollcall.Date{d}, Grain: c.Key.Grain.String(), Bucket: r.bucket(d, c.Key.Grain, c.Key.Period, c.Sub[row])}
	col := 0
	for dim, name := range r.head.Dimensions {
		if c.Key.Cuboid.Has(dim) {
			diff.Values = append(diff.Values, NamedValue{name, r.values.text(dim, c.Dims[col][row])})
			col++
		}
	}
	for i := range want {
		r.differs(diff, counterNames[i], want[i], found[i], r.cellHint(d, i, want, found))
	}
}

func (r *run) cellHint(d rollcall.Date, i int, want, found *rollcall.Counters) string {
	hint := "the ledger of the day is right: the counter was changed in the store, or folded wrongly"
	if _, wrong := slices.BinarySearch(r.suspects, d); wrong {
		hint = "the ledger of the day differs too: its events were lost or counted twice"
	}
	switch {
	case *found == (rollcall.Counters{}):
		hint = "the cell is missing; " + hint
	case *want == (rollcall.Counters{}):
		hint = "there should be no such cell; " + hint
	case found[i] == 2*want[i]:
		hint = "twice what it should be: a delta was added twice; " + hint
	}
	return hint
}

// bucket names a bucket of a date.
func (r *run) bucket(d rollcall.Date, grain rollcall.Grain, period block.Period, sub uint8) string {
	stamp := func(ms int64) string { return time.UnixMilli(ms).In(r.cfg.Calendar.Location()).Format(time.RFC3339) }
	hours := r.cfg.Calendar.Hours(d)
	switch {
	case grain == rollcall.Minute:
		return stamp((int64(period) + int64(sub)) * minuteMS)
	case grain == rollcall.Hour && int(sub) < len(hours):
		return stamp(hours[sub])
	case grain == rollcall.Hour:
		return fmt.Sprintf("%v, hour number %d", d, sub)
	default:
		return d.String()
	}
}
