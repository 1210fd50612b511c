package archive

import (
	"cmp"
	"slices"

	"rollcall"
)

// heldRows and leastHeld are how many decoded rows wait: of all files, and of one at least. A row takes some 100 bytes and
// its texts.
const (
	heldRows  = 1 << 19
	leastHeld = 1 << 10
)

// merged gives the rows of files in log order. A file is opened when the rows before it are given, read a stretch of rows at
// a time, and closed in between: however many days lie beside each other in the log, one file is open, and heldRows or so
// are in memory.
type merged struct {
	place   Place
	dims    []string
	from    rollcall.Offset
	waiting []source  // by From
	active  []*cursor // a heap, by what their next row is
	stretch int64     // rows
}

func newMerged(place Place, dims []string, files []source, from rollcall.Offset, held int64) *merged {
	return &merged{place: place, dims: dims, from: from, waiting: files, stretch: max(held/max(1, depth(files)), min(held, leastHeld))}
}

// depth is how many files hold records of the same offsets, at most, not counting those that are held whole in any case.
func depth(files []source) int64 {
	type edge struct {
		at   rollcall.Offset
		step int64
	}
	var edges []edge
	for _, f := range files {
		if f.Rows > leastHeld {
			edges = append(edges, edge{f.From, 1}, edge{f.Until, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.step, b.step)) })
	now, most := int64(0), int64(0)
	for _, e := range edges {
		now += e.step
		most = max(most, now)
	}
	return most
}

// offset is that of the next row; ok is false at the end.
func (m *merged) offset() (at rollcall.Offset, ok bool, err error) {
	for {
		if len(m.active) > 0 {
			if err := m.refill(); err != nil {
				return 0, false, err
			}
		}
		if len(m.active) > 0 {
			c := m.active[0]
			at = rollcall.Offset(c.offset[c.i])
		}
		if len(m.waiting) == 0 || len(m.active) > 0 && m.waiting[0].From > at {
			return at, len(m.active) > 0, nil
		}
		if err := m.open(); err != nil {
			return 0, false, err
		}
	}
}

// refill decodes more rows of the first file when those at hand are given, and drops it at its end.
func (m *merged) refill() error {
	for len(m.active) > 0 && m.active[0].given() {
		c := m.active[0]
		more, err := c.load(m.place, m.stretch)
		if err != nil {
			return err
		}
		if !more {
			last := len(m.active) - 1
			m.active[0] = m.active[last]
			m.active = m.active[:last]
		}
		m.sink(0)
	}
	return nil
}

// open adds the next file.
func (m *merged) open() error {
	c := &cursor{file: m.waiting[0]}
	c.dims = make([]texts, len(m.dims))
	c.names = m.dims
	m.waiting = m.waiting[1:]
	if c.file.From < m.from {
		if err := c.seek(m.place, m.from); err != nil {
			return err
		}
	}
	for first := true; first || c.given(); first = false {
		if more, err := c.load(m.place, m.stretch); err != nil || !more {
			return err
		}
		for !c.given() && rollcall.Offset(c.offset[c.i]) < m.from {
			c.i++
		}
	}
	m.active = append(m.active, c)
	for i := len(m.active) - 1; i > 0 && m.active[i].before(m.active[(i-1)/2]); i = (i - 1) / 2 {
		m.active[i], m.active[(i-1)/2] = m.active[(i-1)/2], m.active[i]
	}
	return nil
}

func (m *merged) top() *cursor { return m.active[0] }

// step goes on behind the row that offset has told of.
func (m *merged) step() {
	c := m.active[0]
	if c.i++; !c.given() {
		m.sink(0)
	}
}

// sink puts the cursor at i where it belongs among those below it.
func (m *merged) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.active); child++ {
			if m.active[child].before(m.active[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		m.active[i], m.active[least] = m.active[least], m.active[i]
		i = least
	}
}
