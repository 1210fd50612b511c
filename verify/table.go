package verify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// TableCell is a figure that SQL counts otherwise in a table of raw events.
const TableCell = "table"

// TableFigures are what SQL counts of one value on a day.
type TableFigures struct {
	Value                                     string
	Events, Users, Sessions, Duration, Bounce int64 // ms
}

// Table counts the events of a table by SQL.
type Table struct {
	Name string
	// Count gives the figures from a time up to another by the values of a dimension, "" for all together. Whether sessions,
	// durations and bounces are among them depends on the rows.
	Count func(ctx context.Context, from, until time.Time, dimension string) (figures []TableFigures, sessions bool, err error)
	// Of tells which dimensions have a column.
	Of func(dimension string) bool
}

// RunTable compares what a table of raw events gives by plain SQL with the store: by day, in total and by each dimension alone.
func RunTable(ctx context.Context, cfg Config, days []rollcall.Date, table Table, s store.Viewer, progress func(done float64)) (*Report, error) {
	view, err := newBrief(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	start := time.Now()
	t := &tableRun{run: newRun(cfg, Deps{Now: time.Now}, view, start), table: table}
	t.report.against = table.Name
	for i, d := range days {
		if err := t.day(ctx, d); err != nil {
			return nil, fmt.Errorf("verify %v: %w", d, err)
		}
		progress(float64(i+1) / float64(len(days)))
	}
	t.report.finish(time.Since(start))
	return t.report, nil
}

type tableRun struct {
	*run
	table Table
}

func (t *tableRun) day(ctx context.Context, d rollcall.Date) error {
	t.report.Days = append(t.report.Days, d.String())
	hours, next := t.cfg.Calendar.Hours(d), t.cfg.Calendar.Hours(d+1)
	from, until := time.UnixMilli(hours[0]), time.UnixMilli(next[0])
	for dim := -1; dim < len(t.head.Dimensions); dim++ {
		name, cuboid := "", rollcall.Cuboid(0)
		if dim >= 0 {
			name, cuboid = t.head.Dimensions[dim], 1<<dim
			if !t.table.Of(name) {
				continue
			}
		}
		figures, sessions, err := t.table.Count(ctx, from, until, name)
		if err != nil {
			return err
		}
		blocks, err := t.view.Cells(ctx, rollcall.Day, cuboid, block.Period(d), block.Period(d)+1)
		if err != nil {
			return err
		}
		t.compare(d, dim, figures, t.stored(blocks, dim), sessions)
	}
	return nil
}

// stored gives the cells of a day by the text of their value.
func (t *tableRun) stored(blocks []*block.Cells, dim int) map[string]TableFigures {
	of := map[string]TableFigures{}
	for _, b := range blocks {
		for i := range b.Len() {
			c, value := counters(b, i), ""
			if dim >= 0 {
				value = t.values.text(dim, b.Dims[0][i])
			}
			of[value] = TableFigures{Value: value, Events: c[rollcall.Events], Users: c[rollcall.Active] + c[rollcall.Counted], Sessions: c[rollcall.Sessions],
				Duration: c[rollcall.Duration], Bounce: c[rollcall.Bounces]}
		}
	}
	return of
}

// compare compares the figures of one day and dimension. Where the store has (other), values without a cell of their own are in
// it, and how many users they have together is not known.
func (t *tableRun) compare(d rollcall.Date, dim int, figures []TableFigures, stored map[string]TableFigures, sessions bool) {
	want := map[string]TableFigures{}
	_, capped := stored[rollcall.Other]
	for _, f := range figures {
		if dim < 0 {
			t.report.Events += f.Events
		} else if f.Value == "" {
			f.Value = rollcall.NotSet
		}
		if _, own := stored[f.Value]; dim >= 0 && capped && !own {
			f.Value = rollcall.Other
		}
		sum := want[f.Value]
		want[f.Value] = TableFigures{f.Value, sum.Events + f.Events, sum.Users + f.Users, sum.Sessions + f.Sessions, sum.Duration + f.Duration, sum.Bounce + f.Bounce}
	}
	values := make([]string, 0, len(want))
	for v := range want {
		values = append(values, v)
	}
	for v := range stored {
		if _, ok := want[v]; !ok {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	for _, v := range values {
		t.cell(d, dim, v, want[v], stored[v], sessions)
	}
	t.report.Cells += int64(len(values))
}

const tableHint = "rows were changed, added or deleted since they were imported, not imported, or refused (rollcall quarantine list); or events came another way"

func (t *tableRun) cell(d rollcall.Date, dim int, value string, want, found TableFigures, sessions bool) {
	diff := Difference{What: TableCell, days: []rollcall.Date{d}, Grain: rollcall.Day.String(), Bucket: d.String()}
	if dim >= 0 {
		diff.Values = []NamedValue{{t.head.Dimensions[dim], value}}
	}
	t.differs(diff, "events", want.Events, found.Events, tableHint)
	if dim < 0 || value != rollcall.Other {
		t.differs(diff, "active_users", want.Users, found.Users, tableHint)
	}
	if sessions {
		t.differs(diff, "sessions", want.Sessions, found.Sessions, tableHint)
		t.differs(diff, "total_session_duration_ms", want.Duration, found.Duration, tableHint)
		t.differs(diff, "bounces", want.Bounce, found.Bounce, tableHint)
	}
}
