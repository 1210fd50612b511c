package query

import "time"

// Result is the answer to a request: rows, and what they are made of.
type Result struct {
	AsOf            time.Time // of the newest commit, in the report time zone; zero when nothing was committed
	CompleteThrough time.Time // every event acknowledged up to then is in the rows; AsOf unless the caller knows better
	Late            int64     // events of the range dropped because they were too late
	Duplicates      int64     // events of the range dropped because they were seen before
	Build           uint32
	Tag             string // two equal tags mean equal rows

	plan    *plan
	table   *table // its figures are gone
	columns []column
	values  [][]float64 // by column of figures and row of the table; NaN for null
	texts   []texts     // by dimension grouped by
	buckets []uint32    // by row of the table: the number of its bucket
	order   []uint32    // rows of the table, in the order of the reply
}

// Len is the number of rows.
func (r *Result) Len() int { return len(r.order) }

// Columns names the columns: the bucket, the dimensions grouped by, the metrics, each with what it is compared with.
func (r *Result) Columns() []string { return r.plan.columns() }

// Bucket names the bucket of row i.
func (r *Result) Bucket(i int) string { return r.plan.label(r.table.buckets[r.buckets[r.order[i]]]) }

// Value is the text of dimension d, in the order grouped by, of row i.
func (r *Result) Value(i, d int) string { return r.texts[d].of(r.table.group[r.order[i]]) }

// Metric gives column m of the figures, in the order asked for, of row i; NaN stands for null.
func (r *Result) Metric(i, m int) float64 { return r.values[m][r.order[i]] }

// Format is the form the request asked for: json, csv or parquet.
func (r *Result) Format() string { return r.plan.format }

func (r *reader) result() (*Result, error) {
	head := r.plan.head
	res := &Result{Build: head.Build, Tag: r.plan.tag(), plan: r.plan, columns: r.plan.figureColumns()}
	if head.Committed != 0 {
		res.AsOf = time.UnixMilli(head.Committed).In(r.plan.cal.Location())
		res.CompleteThrough = res.AsOf
	}
	var err error
	if res.Late, res.Duplicates, err = r.view.Dropped(r.ctx, hourOf(r.plan.from), r.plan.to); err != nil {
		return nil, err
	}
	before, err := r.readCounterparts()
	if err != nil {
		return nil, err
	}
	res.fill(r.table, before)
	res.sort()
	return res, nil
}

// fill takes the columns of a table and of what it is compared with.
func (r *Result) fill(t *table, before *counterparts) {
	for _, m := range r.plan.metrics {
		now := make([]float64, t.len())
		for i := range now {
			now[i] = m.of(&t.figures[i])
		}
		r.values = append(r.values, now)
		if before != nil {
			r.values = append(r.values, before.compare(&m, now)...)
		}
	}
	r.table = &table{groups: t.groups, buckets: t.buckets, start: t.start, group: t.group}
	r.buckets = make([]uint32, t.len())
	for i := range t.buckets {
		for row := t.start[i]; row < t.start[i+1]; row++ {
			r.buckets[row] = uint32(i)
		}
	}
	for i := range r.plan.groupBy {
		r.texts = append(r.texts, newTexts(r.plan, t.groups, i))
	}
}

func hourOf(ms int64) int64 {
	hour := ms - ms%hourMS
	if hour > ms {
		hour -= hourMS
	}
	return hour
}
