package aggregate

import (
	"context"
	"fmt"
	"sync"

	"rollcall"
	"rollcall/block"
	"rollcall/fold"
	"rollcall/store"
)

// values numbers the dimension values for all workers, and keeps the cap on how many a day may have.
type values struct {
	mu      sync.RWMutex
	store   Store
	max     int
	names   []string
	dates   rollcall.Calendar
	numbers []map[string]rollcall.Value // by dimension
	texts   [][]string
	days    map[rollcall.Date][]admitted
}

// admitted are the values that count as themselves on a day, of one dimension.
type admitted struct {
	set   map[rollcall.Value]struct{}
	count int
}

func openValues(ctx context.Context, cfg Config, s Store) (*values, error) {
	v := &values{store: s, max: cfg.MaxValues, names: cfg.Dimensions, dates: cfg.Calendar, days: map[rollcall.Date][]admitted{}}
	for range cfg.Dimensions {
		v.numbers, v.texts = append(v.numbers, map[string]rollcall.Value{}), append(v.texts, nil)
	}
	return v, v.refresh(ctx)
}

// refresh learns what other processes have added: numbers, and, once a day can be full, which values the days known here
// have. What a shard's last owner committed is in it, if it is called after the shard was acquired.
func (v *values) refresh(ctx context.Context) error {
	view, err := v.store.View(ctx)
	if err != nil {
		return fmt.Errorf("load dimension values: %w", err)
	}
	defer func() { _ = view.Close() }()
	for _, d := range v.learn(view.Head().Values) {
		day, err := v.readDay(ctx, view, d)
		if err != nil {
			return err
		}
		v.mu.Lock()
		for dim := range day {
			for x := range day[dim].set {
				v.days[d][dim].add(x)
			}
		}
		v.mu.Unlock()
	}
	return nil
}

// learn takes numbers over, and gives the dates whose values matter.
func (v *values) learn(all [][]string) (dates []rollcall.Date) {
	v.mu.Lock()
	defer v.mu.Unlock()
	full := false
	for d, texts := range all {
		for i := len(v.texts[d]); i < len(texts); i++ {
			v.texts[d] = append(v.texts[d], "")
		}
		for i, t := range texts {
			v.texts[d][i] = t
			v.numbers[d][t] = rollcall.Value(i)
		}
		full = full || v.known(d) > v.max
	}
	for d := range v.days {
		if full {
			dates = append(dates, d)
		}
	}
	return dates
}

func (v *values) text(dim int, x rollcall.Value) string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.texts[dim][x]
}

// loadDay brings in which values a date has in the store, once.
func (v *values) loadDay(ctx context.Context, d rollcall.Date) error {
	v.mu.RLock()
	_, ok := v.days[d]
	v.mu.RUnlock()
	if ok {
		return nil
	}
	view, err := v.store.View(ctx)
	if err != nil {
		return fmt.Errorf("load values of %s: %w", d, err)
	}
	defer func() { _ = view.Close() }()
	day, err := v.readDay(ctx, view, d)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.days[d]; !ok {
		v.days[d] = day
	}
	return nil
}

func (v *values) readDay(ctx context.Context, view store.View, d rollcall.Date) ([]admitted, error) {
	day := make([]admitted, len(v.names))
	for dim := range day {
		day[dim].set = map[rollcall.Value]struct{}{}
		cells, err := view.Cells(ctx, rollcall.Day, rollcall.Cuboid(1)<<dim, block.Period(d), block.Period(d)+1)
		if err != nil {
			return nil, fmt.Errorf("load values of %s: %w", d, err)
		}
		for _, c := range cells {
			for _, x := range c.Dims[0] {
				day[dim].add(x)
			}
		}
	}
	return day, nil
}

func (a *admitted) add(x rollcall.Value) {
	if _, ok := a.set[x]; !ok && x >= rollcall.FirstValue {
		a.set[x] = struct{}{}
		a.count++
	}
}

// admit decides on a value and date. The date is loaded. In a replay what is not in the store was turned away when it
// was first folded, if the cap can have been reached at all.
func (v *values) admit(dim int, d rollcall.Date, x rollcall.Value, replaying bool) bool {
	if x < rollcall.FirstValue {
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	a := &v.days[d][dim]
	if _, ok := a.set[x]; ok {
		return true
	}
	if a.count >= v.max || replaying && v.known(dim) > v.max {
		return false
	}
	a.add(x)
	return true
}

func (v *values) known(dim int) int { return len(v.texts[dim]) - int(rollcall.FirstValue) }

// resolver gives the dimension values of a batch their numbers.
type resolver struct {
	cache   []rollcall.Value // by dimension*texts+text, +1; 0 for not looked up
	missing map[string]int   // texts without a number, and where they stand in list
	list    []string
}

func (r *resolver) resolve(ctx context.Context, v *values, b *fold.Batch) error {
	n, texts, tuples := len(v.texts), len(b.Strings), b.Combinations()
	r.cache = append(r.cache[:0], make([]rollcall.Value, n*texts)...)
	b.Values = append(b.Values[:0], make([]rollcall.Value, n*tuples)...)
	for dim := range n {
		for at, name := range b.DimNames {
			if string(name) != v.names[dim] {
				continue
			}
			if err := r.column(ctx, v, b, dim, at, tuples); err != nil {
				return err
			}
		}
	}
	return nil
}

// column resolves one dimension, which is number at in the batch.
func (r *resolver) column(ctx context.Context, v *values, b *fold.Batch, dim, at, tuples int) error {
	n, width, cache := len(v.texts), len(b.DimNames), r.cache[dim*len(b.Strings):]
	r.list, r.missing = r.list[:0], nil
	v.mu.RLock()
	for t := range tuples {
		s := b.Tuples[t*width+at]
		if cache[s] == 0 {
			x, ok := rollcall.NotSetValue, len(b.Strings[s]) == 0
			if !ok {
				x, ok = v.numbers[dim][string(b.Strings[s])]
			}
			if !ok {
				r.miss(string(b.Strings[s]))
				continue
			}
			cache[s] = x + 1
		}
		b.Values[t*n+dim] = cache[s] - 1
	}
	v.mu.RUnlock()
	if len(r.list) == 0 {
		return nil
	}
	if err := v.intern(ctx, dim, r.wanted(v, b, dim, at)); err != nil {
		return err
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	for t := range tuples {
		s := b.Tuples[t*width+at]
		x, ok := v.numbers[dim][string(b.Strings[s])]
		switch {
		case len(b.Strings[s]) == 0:
			x = rollcall.NotSetValue
		case !ok:
			x = rollcall.OtherValue
		}
		b.Values[t*n+dim] = x
	}
	return nil
}

func (r *resolver) miss(text string) {
	if r.missing == nil {
		r.missing = map[string]int{}
	}
	if _, ok := r.missing[text]; !ok {
		r.missing[text] = len(r.list)
		r.list = append(r.list, text)
	}
}

// wanted gives the texts that need a number: all of them below the cap, else those of a date that has room.
func (r *resolver) wanted(v *values, b *fold.Batch, dim, column int) []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.known(dim)+len(r.list) <= v.max {
		return r.list
	}
	width := len(b.DimNames)
	wanted := make([]bool, len(r.list))
	for i := range b.Rows {
		if b.Rows[i].Erased {
			continue
		}
		text := b.Strings[b.Tuples[int(b.Rows[i].Tuple)*width+column]]
		if at, ok := r.missing[string(text)]; ok && !wanted[at] {
			wanted[at] = v.room(dim, v.dates.Date(b.Rows[i].Time))
		}
	}
	var list []string
	for i, t := range r.list {
		if wanted[i] {
			list = append(list, t)
		}
	}
	return list
}

// room tells whether a date may have another value of a dimension. Of a date that is not loaded it is not known.
func (v *values) room(dim int, d rollcall.Date) bool {
	day, ok := v.days[d]
	return !ok || day[dim].count < v.max
}

// intern gives texts numbers, durably.
func (v *values) intern(ctx context.Context, dim int, texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	numbers, err := v.store.Intern(ctx, dim, texts)
	if err != nil {
		return fmt.Errorf("number the values of dimension %s: %w", v.names[dim], err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, x := range numbers {
		for len(v.texts[dim]) <= int(x) {
			v.texts[dim] = append(v.texts[dim], "")
		}
		v.texts[dim][x] = texts[i]
		v.numbers[dim][texts[i]] = x
	}
	return nil
}
