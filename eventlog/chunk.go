package eventlog

import (
	"container/list"
	"sort"
	"sync"

	"rollcall"
)

const (
	chunkBytes  = 1 << 20
	recordBytes = 64 // what a Record takes beside its payload
)

// chunk is a run of frames of a segment, about chunkBytes of them: the unit of the index and of what is kept in memory.
type chunk struct {
	segment *segment
	start   walk

	mu      sync.RWMutex
	end     int64
	count   int64
	records [][]Record // by shard; nil when they are in the file only

	element *list.Element // of the cache, guarded by it
	cost    int64
}

// fill adds the whole frames of b, which lie at w. When the last is not whole, need is what it takes.
func (c *chunk) fill(w *walk, b []byte, mark func(Mark)) (need int, err error) {
	for len(b) > 0 {
		v, need, err := w.open(c.segment.id, b)
		if err != nil || need > len(b) {
			return need, err
		}
		if err := c.add(w, v, mark); err != nil {
			return 0, err
		}
		b = b[need:]
	}
	return 0, nil
}

// add adds the frame v, which lies at w, and moves w behind it.
func (c *chunk) add(w *walk, v view, mark func(Mark)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := checkEntries(v.body, len(w.next)); err != nil {
		return err
	}
	for b := v.body; len(b) > 0; {
		e, rest, _ := cutEntry(b, len(w.next))
		b = rest
		if e.shard >= 0 {
			at := w.next[e.shard]
			w.next[e.shard] += rollcall.Offset(e.count)
			c.records[e.shard] = append(c.records[e.shard], Record{Shard: e.shard, Offset: at, Next: w.next[e.shard], Received: v.received, Count: e.count, Payload: e.payload})
			c.count++
		} else if mark != nil {
			mark(e.mark)
		}
	}
	w.pass(v)
	c.end = w.pos
	return nil
}

// read appends to buf the records of a shard from the one that covers from, as long as there is room for them, and at
// least one if buf is empty. It gives the room left; a negative one says that the next record found none.
func (c *chunk) read(l *loader, shard int, from rollcall.Offset, room int, buf []Record) ([]Record, int, error) {
	c.mu.RLock()
	records := c.records
	if records != nil {
		buf, room = take(records[shard], from, room, buf)
		c.mu.RUnlock()
		l.cache.touch(c)
		return buf, room, nil
	}
	c.mu.RUnlock()
	records, err := c.load(l)
	if err != nil {
		return buf, room, err
	}
	buf, room = take(records[shard], from, room, buf)
	return buf, room, nil
}

func take(records []Record, from rollcall.Offset, room int, buf []Record) ([]Record, int) {
	i := sort.Search(len(records), func(i int) bool { return records[i].Next > from })
	for _, r := range records[i:] {
		room -= len(r.Payload)
		if room < 0 && len(buf) > 0 {
			return buf, room
		}
		buf = append(buf, r)
	}
	return buf, room
}

// load reads the chunk from the file again; callers that come meanwhile share the result.
func (c *chunk) load(l *loader) ([][]Record, error) {
	records, loaded, err := c.reload(l)
	if loaded {
		l.cache.put(c)
	}
	return records, err
}

func (c *chunk) reload(l *loader) (records [][]Record, loaded bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records != nil {
		return c.records, false, nil
	}
	w := c.start.clone()
	b, err := l.read(c.segment.path, w.pos, int(c.end-w.pos))
	if err != nil {
		return nil, false, err
	}
	again := chunk{segment: c.segment, records: make([][]Record, len(w.next))}
	need, err := again.fill(&w, b, nil)
	if err == nil && (need > 0 || w.pos != c.end) {
		err = errPastEnd
	}
	if err != nil {
		return nil, false, c.segment.corrupt(&w, err)
	}
	c.records = again.records
	return c.records, true, nil
}

// cache bounds the memory of the chunks that are not live: the ones read longest ago go first.
type cache struct {
	limit int64

	mu    sync.Mutex
	bytes int64
	order list.List // of *chunk, newest first
}

func (k *cache) touch(c *chunk) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.element != nil {
		k.order.MoveToFront(c.element)
	}
}

// put counts a chunk that is in memory, and drops others.
func (k *cache) put(c *chunk) {
	k.mu.Lock()
	c.cost = c.end - c.start.pos + c.count*recordBytes
	c.element = k.order.PushFront(c)
	k.bytes += c.cost
	var out []*chunk
	for k.bytes > k.limit && k.order.Len() > 1 {
		out = append(out, k.drop(k.order.Back()))
	}
	k.mu.Unlock()
	for _, c := range out {
		c.forget()
	}
}

// remove drops the chunks of a segment that is gone.
func (k *cache) remove(chunks []*chunk) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range chunks {
		if c.element != nil {
			k.drop(c.element)
		}
	}
}

func (k *cache) drop(e *list.Element) *chunk {
	c := k.order.Remove(e).(*chunk)
	k.bytes -= c.cost
	c.element = nil
	return c
}

func (c *chunk) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records = nil
}
