package query

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Result is the answer to a request: rows, and what they are made of.
type Result struct {
	AsOf            time.Time // of the newest commit, in the report time zone; zero when nothing was committed
	CompleteThrough time.Time // every event acknowledged up to then is in the rows; AsOf unless the caller knows better
	Late            int64     // events of the range dropped because they were too late
	Duplicates      int64     // events of the range dropped because they were seen before
	Build           uint32
	Tag             string // two equal tags mean equal rows

	plan   *plan
	groups *groups
	rows   []row
	values [][]float64 // by metric and number of row; NaN for null
}

type row struct {
	bucket int64
	group  uint32
	number int // in values
}

// Len is the number of rows.
func (r *Result) Len() int { return len(r.rows) }

// Columns names the columns: the bucket, the dimensions grouped by, the metrics.
func (r *Result) Columns() []string { return r.plan.columns() }

// Bucket names the bucket of row i.
func (r *Result) Bucket(i int) string { return r.plan.label(r.rows[i].bucket) }

// Metric gives metric m, in the order asked for, of row i; NaN stands for null.
func (r *Result) Metric(i, m int) float64 { return r.values[m][r.rows[i].number] }

// Format is the form the request asked for: json or csv.
func (r *Result) Format() string { return r.plan.format }

func (r *reader) result() (*Result, error) {
	t, head := r.table, r.plan.head
	res := &Result{Build: head.Build, Tag: r.plan.tag(), plan: r.plan, groups: t.groups}
	if head.Committed != 0 {
		res.AsOf = time.UnixMilli(head.Committed).In(r.plan.cal.Location())
		res.CompleteThrough = res.AsOf
	}
	var err error
	if res.Late, res.Duplicates, err = r.view.Dropped(r.ctx, hourOf(r.plan.from), r.plan.to); err != nil {
		return nil, err
	}
	for i, bucket := range t.buckets {
		for n, g := range t.rows(i) {
			res.rows = append(res.rows, row{bucket, g, t.start[i] + n})
		}
	}
	for _, m := range r.plan.metrics {
		column := make([]float64, t.len())
		for i := range column {
			column[i] = m.of(&t.figures[i])
		}
		res.values = append(res.values, column)
	}
	res.sort()
	return res, nil
}

func hourOf(ms int64) int64 {
	hour := ms - ms%hourMS
	if hour > ms {
		hour -= hourMS
	}
	return hour
}

// sort orders the rows as asked, then by bucket and dimensions, and cuts them to the limit.
func (r *Result) sort() {
	ranks := r.ranks()
	slices.SortFunc(r.rows, func(a, b row) int {
		for _, key := range r.plan.order {
			if c := r.compare(key, a, b); c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(ranks[a.group], ranks[b.group]))
	})
	if r.plan.limit > 0 {
		r.rows = r.rows[:min(r.plan.limit, len(r.rows))]
	}
}

func (r *Result) compare(key sortKey, a, b row) (c int) {
	switch d := key.column - 1; {
	case key.column == 0:
		c = cmp.Compare(a.bucket, b.bucket)
	case d < len(r.plan.groupBy):
		c = cmp.Compare(r.value(a.group, d), r.value(b.group, d))
	default:
		column := r.values[d-len(r.plan.groupBy)]
		x, y := column[a.number], column[b.number]
		if math.IsNaN(x) || math.IsNaN(y) { // nulls last, whichever the direction
			return cmp.Compare(boolInt(math.IsNaN(x)), boolInt(math.IsNaN(y)))
		}
		c = cmp.Compare(x, y)
	}
	if key.desc {
		return -c
	}
	return c
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// value is the text of the i-th dimension grouped by.
func (r *Result) value(group uint32, i int) string {
	return r.plan.text(r.plan.groupBy[i], r.groups.valuesOf(group)[i])
}

// ranks gives each group its place in the order of the texts of its values.
func (r *Result) ranks() []int {
	order := make([]uint32, r.groups.n)
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		va, vb := r.groups.valuesOf(a), r.groups.valuesOf(b)
		for i, d := range r.plan.groupBy {
			if c := cmp.Compare(r.plan.text(d, va[i]), r.plan.text(d, vb[i])); c != 0 {
				return c
			}
		}
		return 0
	})
	ranks := make([]int, len(order))
	for place, g := range order {
		ranks[g] = place
	}
	return ranks
}
