package query

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/xxh3"

	"rollcall/block"
	"rollcall/store"
)

// tag names the rows of the answer: it is a function of the checked request and of the versions of all that is read for it.
func (p *plan) tag() string {
	h := xxh3.New()
	fmt.Fprintf(h, "%x %d %s", p.head.Identity, p.head.Build, p.words())
	return tagOf(h, p.reads())
}

// tagOf ends a tag with the versions of all that is read.
func tagOf(h *xxh3.Hasher, reads [][]store.Stamp) string {
	for _, stamps := range reads {
		var pair [16]byte
		for _, s := range stamps {
			binary.LittleEndian.PutUint64(pair[:], uint64(s.Period))
			binary.LittleEndian.PutUint64(pair[8:], s.Version)
			_, _ = h.Write(pair[:]) // a hash takes everything
		}
		_, _ = h.Write([]byte{0})
	}
	sum := h.Sum128()
	return fmt.Sprintf("%016x%016x", sum.Hi, sum.Lo)
}

// reads lists the versions of all that the answer is made of.
func (p *plan) reads() [][]store.Stamp {
	from, until := p.periods()
	lists := [][]store.Stamp{p.head.Between(store.ClockOf(p.source), from, until),
		p.head.Between(store.LedgerClock, store.LedgerDay(hourOf(p.from)), store.LedgerDay(p.to-1)+1)}
	if p.asks("wau", "mau") {
		lists = append(lists, p.head.Between(store.DayClock, block.Period(p.first-monthDays+1), block.Period(p.last)+1))
	}
	for _, other := range []*plan{p.previous, p.ranking} {
		if other != nil {
			lists = append(lists, other.reads()...)
		}
	}
	return lists
}

// words tells two checked requests apart.
func (p *plan) words() string {
	words := fmt.Sprintf("%d %d %v %v %d %v %s %s %v %v %q %q %q %v", p.from, p.to, p.grain, p.source, p.limit, p.fillAll, p.format, p.compare,
		p.order, p.groupBy, p.dims, p.columns(), p.filterTexts(), p.cal.Location())
	if p.ranking != nil {
		words += " of " + p.ranking.words()
	}
	return words
}
