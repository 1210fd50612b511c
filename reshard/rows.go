package reshard

import (
	"context"
	"slices"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
)

// appendBytes is about what one Append has at most.
const appendBytes = 4 << 20

// rows are events on their way to their shards: all of the same dimensions, received at the same time.
type rows struct {
	encoders []*record.Encoder
	names    []string
	size     int // about the bytes in them
	batch    record.Batch
	event    rollcall.Event
	records  []eventlog.Record
}

func newRows(shards int) *rows { return &rows{encoders: make([]*record.Encoder, shards)} }

// have tells whether the events are of these dimensions.
func (w *rows) have(names [][]byte) bool {
	return w.encoders[0] != nil && slices.EqualFunc(w.names, names, func(a string, b []byte) bool { return a == string(b) })
}

// become takes events of other dimensions from now on.
func (w *rows) become(names [][]byte) {
	w.names = make([]string, len(names))
	for i, n := range names {
		w.names[i] = string(n)
	}
	for i := range w.encoders {
		w.encoders[i] = record.NewEncoder(w.names)
	}
}

// add takes row i of the batch.
func (w *rows) add(i int) {
	w.batch.Event(i, &w.event)
	e := w.encoders[record.ShardOf(w.event.User, len(w.encoders))]
	before := e.Size()
	e.Add(&w.event)
	w.size += e.Size() - before
}

// seal gives the records, valid until reset.
func (w *rows) seal() []eventlog.Record {
	w.records = w.records[:0]
	for shard, e := range w.encoders {
		if e != nil && e.Count() > 0 {
			w.records = append(w.records, eventlog.Record{Shard: shard, Count: e.Count(), Payload: e.Bytes()})
		}
	}
	return w.records
}

func (w *rows) reset() {
	w.size = 0
	for _, r := range w.records {
		w.encoders[r.Shard].Reset()
	}
}

// add gathers the rows of a record. What was erased stays behind.
func (c *Copy) add(ctx context.Context, r *eventlog.Record) error {
	if err := c.pace(ctx, r.Count); err != nil {
		return err
	}
	w := c.rows
	if err := w.batch.Decode(r.Payload); err != nil {
		return err
	}
	if !w.have(w.batch.DimNames) {
		if err := c.append(ctx, r.Received); err != nil {
			return err
		}
		w.become(w.batch.DimNames)
	}
	for i := range w.batch.Rows {
		if w.batch.Rows[i].Erased {
			continue
		}
		if w.add(i); w.size < appendBytes {
			continue
		}
		if err := c.append(ctx, r.Received); err != nil {
			return err
		}
	}
	return nil
}

// append appends what is gathered as what the log received at a time.
func (c *Copy) append(ctx context.Context, received int64) error {
	records := c.rows.seal()
	if len(records) == 0 {
		return nil
	}
	c.received.Store(received)
	err := c.to.Append(ctx, records, nil)
	c.rows.reset()
	c.step(Steps[1])
	return err
}

// pace waits until so many events may be copied.
func (c *Copy) pace(ctx context.Context, events int) error {
	for c.tokens != nil && events > 0 {
		some := min(events, c.tokens.Burst())
		if err := c.tokens.WaitN(ctx, some); err != nil {
			return err
		}
		events -= some
	}
	return nil
}
