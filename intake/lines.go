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

const (
	chunkBytes  = 1 << 20 // of lines decoded by one goroutine at a time
	appendBytes = 8 << 20 // of payloads in one Append, about
)

// job is one chunk of lines on its way: cut, decoded, appended, used again.
type job struct {
	buf     []byte
	chunk   []byte
	end     int64 // position in the input behind the chunk
	lines   int64 // line ends in the chunk
	batch   *batch
	read    int64
	rejects []lineReject
	ready   chan error // the chunk is decoded
}

type lineReject struct {
	raw  []byte // in chunk
	line int64  // in chunk, from 0
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
	group, ctx := errgroup.WithContext(ctx)
	count := 4*im.cfg.Workers + 4
	free, work, order := make(chan *job, count), make(chan *job, count), make(chan *job, count)
	for range count {
		free <- &job{batch: newBatch(&im.cfg.Shape), ready: make(chan error, 1)}
	}
	group.Go(func() error {
		defer close(work)
		defer close(order)
		return im.cut(ctx, in, free, work, order)
	})
	for range im.cfg.Workers {
		d, err := im.cfg.decoder()
		if err != nil {
			return err
		}
		group.Go(func() error {
			for j := range work {
				j.ready <- j.decode(d)
			}
			return nil
		})
	}
	group.Go(func() error { return im.sequence(ctx, line, order, free) })
	return group.Wait()
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

func (im *run) cut(ctx context.Context, in io.Reader, free <-chan *job, work, order chan<- *job) error {
	chunks := decode.NewChunks(in, chunkBytes, im.cfg.MaxLine)
	for {
		var j *job
		select {
		case j = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		chunk, _, err := chunks.Next(j.buf)
		if len(chunk) > 0 {
			j.buf, j.chunk, j.end = chunk[:0], chunk, im.src.Start+chunks.Offset()
			order <- j
			work <- j
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// decode fills the batch of j from its chunk.
func (j *job) decode(d *decode.Decoder) error {
	j.batch.reset()
	j.read, j.rejects = 0, j.rejects[:0]
	j.lines = int64(bytes.Count(j.chunk, []byte{'\n'}))
	return d.Lines(j.chunk, func(_ int, raw []byte, ev *rollcall.Event, rej *decode.Reject) error {
		j.read++
		if rej != nil {
			at := cap(j.chunk) - cap(raw) // raw is a part of chunk
			j.rejects = append(j.rejects, lineReject{raw, int64(bytes.Count(j.chunk[:at], []byte{'\n'})), *rej})
			return nil
		}
		j.batch.add(ev)
		return nil
	})
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
