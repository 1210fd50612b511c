package verify

import (
	"context"
	"errors"
	"fmt"

	"rollcall"
	"rollcall/block"
)

// valueCap is which values of a dimension count as themselves on a date. Who comes first is admitted, over all shards of all
// processes: the log does not tell that, so the store is believed: where it has a cell (other), a value without a cell of its
// own was turned away.
type valueCap struct {
	reached  bool
	admitted map[rollcall.Value]bool
}

func (c *valueCap) turnsAway(x rollcall.Value) bool {
	return c.reached && x >= rollcall.FirstValue && !c.admitted[x]
}

// facts gives what there is to know of a date, which is chosen.
func (r *run) facts(d rollcall.Date) *dateFacts {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.caps[d]; f != nil {
		return f
	}
	f := &dateFacts{date: d, hours: r.cfg.Calendar.Hours(d), caps: make([]valueCap, len(r.head.Dimensions))}
	r.caps[d] = f
	return f
}

// readCaps reads which values of the chosen days of the store were admitted.
func (r *run) readCaps(ctx context.Context) error {
	for _, d := range r.storedDates() {
		f := r.facts(d)
		for dim := range f.caps {
			blocks, err := r.view.Cells(ctx, rollcall.Day, 1<<dim, block.Period(d), block.Period(d)+1)
			if errors.Is(err, errMoved) {
				r.report.moved(d)
				break
			}
			if err != nil {
				return fmt.Errorf("read the values of %v: %w", d, err)
			}
			for _, b := range blocks {
				f.caps[dim] = capOf(b)
			}
		}
	}
	return nil
}

func capOf(b *block.Cells) valueCap {
	c := valueCap{admitted: map[rollcall.Value]bool{}}
	for _, x := range b.Dims[0] {
		c.admitted[x] = true
	}
	c.reached = c.admitted[rollcall.OtherValue]
	return c
}
