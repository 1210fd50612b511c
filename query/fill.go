package query

// fill gives the rows their final number: those that are wanted, or a row for every bucket of the range to each group
// that has any when that is asked for.
func (r *reader) fill() error {
	t, p := r.table, r.plan
	if p.wanted != nil {
		p.wanted.take(t)
		r.table = p.wanted
		return nil
	}
	if !p.fillAll {
		return nil
	}
	if len(p.groupBy) == 0 && t.groups.n == 0 {
		t.groups.add(nil, 0)
	}
	present := t.present()
	if len(p.groupBy) == 0 {
		present = []uint32{0}
	}
	if len(present) == 0 {
		return nil
	}
	if err := p.checkRows(p.maxBuckets()); err != nil {
		return err
	}
	buckets := p.buckets()
	if err := p.checkRows(int64(len(buckets)) * int64(len(present))); err != nil {
		return err
	}
	r.table = newTable(t.groups)
	for _, bucket := range buckets {
		r.table.append(bucket)
		for _, g := range present {
			r.table.add(g)
		}
	}
	r.table.take(t)
	return nil
}
