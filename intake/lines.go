package intake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/decode"
	"rollcall/eventlog"
)

// appendBytes is about how many bytes of payloads share an Append.
const appendBytes = 8 << 20

// job is one chunk of lines on its way: cut, decoded, appended, used again.
type job struct {
	buf     []byte
	chunk   []byte
	end     int64 // position in the input behind the chunk
	lines   int64 // in the chunk
	batch   *batch
	read    int64
	rejects []lineReject
	ready   chan error // the chunk is decoded
}

type lineReject struct {
	raw  []byte // in chunk
	line int64  // in chunk, from 1
	rej  decode.Reject
}

// lines imports NDJSON:
//
//	cut (one goroutine) ─→ decode (Workers of them) ─→ append (this one, in the order of the file)
//	 ↑                                                    │
//	 └────────────────────── free jobs ───────────────────┘
//
// Its positions are bytes of the unpacked input.
func (im *run) lines(ctx context.Context, in *bufio.Reader) error {
	line, err := skip(in, im.src.Start)
	if err != nil {
		return err
	}
	decoders := make([]*decode.Decoder, im.cfg.Workers)
	for i := range decoders {
		if decoders[i], err = im.cfg.decoder(); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	count := 4*im.cfg.Workers + 4
	free, work, order := make(chan *job, count), make(chan *job, count), make(chan *job, count)
	for range count {
		free <- &job{batch: newBatch(&im.cfg.Shape), ready: make(chan error, 1)}
	}
	var broken error // of the input: what came before it is imported first
	group.Go(func() error {
		defer close(work)
		defer close(order)
		broken = im.cut(ctx, in, free, work, order)
		return nil
	})
	for _, d := range decoders {
		group.Go(func() error {
			for j := range work {
				j.ready <- j.decode(d)
			}
			return nil
		})
	}
	group.Go(func() error { return im.sequence(ctx, line, order, free) })
	return errors.Join(group.Wait(), broken)
}

// skip reads over the part of the input that is imported already, and counts its lines.
func skip(in io.Reader, n int64) (lines int64, err error) {
	buf := make([]byte, 256<<10)
	for n > 0 {
		got, err := in.Read(buf[:min(n, int64(len(buf)))])
		lines += int64(bytes.Count(buf[:got], []byte{'\n'}))
		n -= int64(got)
		if err != nil && n > 0 {
			return lines, err
		}
	}
	return lines, nil
}

// cut hands on each chunk once it knows where the next one begins: lines too long are cut short in a chunk, so its
// length does not tell.
func (im *run) cut(ctx context.Context, in io.Reader, free <-chan *job, work, order chan<- *job) error {
	chunks := decode.NewChunks(in, im.chunk, im.cfg.MaxLine)
	var last *job
	hand := func(end int64) {
		if last != nil {
			last.end = end
			order <- last
			work <- last
		}
	}
	end := int64(0)
	for {
		var j *job
		select {
		case j = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		chunk, offset, err := chunks.Next(j.buf)
		if len(chunk) > 0 {
			hand(im.src.Start + offset)
			j.buf, j.chunk, last = chunk[:0], chunk, j
			end = offset + int64(len(chunk))
		}
		if errors.Is(err, io.EOF) {
			hand(im.src.Start + end)
			return nil
		}
		if err != nil {
			hand(im.src.Start + end)
			return err
		}
	}
}

// decode fills the batch of j from its chunk.
func (j *job) decode(d *decode.Decoder) error {
	j.batch.reset()
	j.read, j.rejects = 0, j.rejects[:0]
	err := d.Lines(j.chunk, func(_ int, raw []byte, ev *rollcall.Event, rej *decode.Reject) error {
		j.read++
		if rej != nil {
			j.rejects = append(j.rejects, lineReject{raw, int64(d.Line()), *rej})
			return nil
		}
		j.batch.add(ev)
		return nil
	})
	j.lines = int64(d.Line())
	return err
}

// sequence appends decoded chunks in order, as many together as are ready.
func (im *run) sequence(ctx context.Context, line int64, order <-chan *job, free chan<- *job) error {
	var records []eventlog.Record
	var taken []*job
	for first := range order {
		taken, records = append(taken[:0], first), records[:0]
		for size := 0; ; {
			j := taken[len(taken)-1]
			if err := <-j.ready; err != nil {
				return err
			}
			records = append(records, j.batch.seal()...)
			if size += j.batch.size(); size > appendBytes {
				break
			}
			next, ok := readyNow(order)
			if !ok {
				break
			}
			taken = append(taken, next)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := im.append(ctx, records, taken[len(taken)-1].end); err != nil {
			return err
		}
		for _, j := range taken {
			im.settle(ctx, j, &line)
			free <- j
		}
	}
	return nil
}

// readyNow takes the next chunk if it is cut; it is decoded already or will be in a moment.
func readyNow(order <-chan *job) (*job, bool) {
	select {
	case j, ok := <-order:
		return j, ok
	default:
		return nil, false
	}
}

// settle counts a chunk that is durable and sends its rejects to the quarantine.
func (im *run) settle(ctx context.Context, j *job, line *int64) {
	for i := range j.rejects {
		r := &j.rejects[i]
		im.bury(ctx, r.raw, &r.rej, ":", *line+r.line)
	}
	*line += j.lines
	im.sum.Read += j.read
	im.events.Add(j.read)
}
