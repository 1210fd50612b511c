package query

// fill adds a row for every bucket of the range to each group that has any.
func (r *reader) fill() error {
	if !r.plan.fillAll {
		return nil
	}
	t, p := r.table, r.plan
	if len(p.groupBy) == 0 && t.groups.n == 0 {
		t.groups.add(nil, 0)
	}
	if t.groups.n == 0 {
		return nil
	}
	if err := p.checkRows(p.maxBuckets()); err != nil {
		return err
	}
	buckets := p.buckets()
	if err := p.checkRows(int64(len(buckets)) * int64(t.groups.n)); err != nil {
		return err
	}
	filled := &table{groups: t.groups, start: []int{0}, open: -1}
	for _, bucket := range buckets {
		filled.append(bucket)
		known := t.find(bucket)
		for g := range uint32(t.groups.n) {
			f := filled.add(g)
			if known {
				if old := t.row(g); old != nil {
					*f = *old
				}
			}
		}
	}
	r.table = filled
	return nil
}
