package intake

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/decode"
	"rollcall/eventlog"
	"rollcall/store"
)

// FilesConfig shapes an import.
type FilesConfig struct {
	Shape
	Workers int // goroutines that decode lines
}

// FilesDeps is what an import works with.
type FilesDeps struct {
	Log        eventlog.Appender
	Quarantine *Quarantine
	Now        func() time.Time
}

// Files imports files, one at a time.
type Files struct {
	cfg    FilesConfig
	deps   FilesDeps
	chunk  int // bytes of lines decoded by one goroutine at a time
	events atomic.Int64
}

// NewFiles makes an importer.
func NewFiles(cfg FilesConfig, deps FilesDeps) *Files {
	cfg.Shards = deps.Log.Shards()
	return &Files{cfg: cfg, deps: deps, chunk: 1 << 20}
}

// Events is the number of records taken from files so far, for a progress display. It may be called at any time.
func (f *Files) Events() int64 { return f.events.Load() }

// Source is a file to import.
type Source struct {
	Name   string    // for messages, and to tell its format
	Mark   string    // identity of its content; empty when it can't be read again from a position
	Start  int64     // position to go on from, as the mark of this source tells it
	Reader io.Reader // its bytes, packed or not
}

// Summary counts what became of a file.
type Summary struct {
	Read, Accepted, Rejected int64
}

// Import reads src to its end and appends its events. When ctx ends it stops with ctx's error once what it is appending is
// durable. The summary counts what is durable in the log, with or without an error.
func (f *Files) Import(ctx context.Context, src Source) (Summary, error) {
	r, format, err := decode.Open(src.Reader, src.Name)
	if err != nil {
		return Summary{}, fmt.Errorf("open %s: %w", src.Name, err)
	}
	defer r.Close()
	im := &run{Files: f, src: src}
	in := bufio.NewReaderSize(r, 256<<10)
	if format == decode.NDJSON {
		err = im.lines(ctx, in)
	} else {
		err = im.stream(ctx, in, format)
	}
	if err == nil && src.Mark != "" {
		err = f.deps.Log.Append(ctx, nil, &eventlog.Mark{Source: src.Mark, Position: im.position, Done: true})
	}
	if err != nil {
		return im.sum, fmt.Errorf("import %s: %w", src.Name, err)
	}
	return im.sum, nil
}

// run is one import going on.
type run struct {
	*Files
	src      Source
	sum      Summary
	position int64 // everything before it is durable or in the quarantine
}

// append makes records durable, together with the mark.
func (im *run) append(ctx context.Context, records []eventlog.Record, position int64) error {
	var mark *eventlog.Mark
	if im.src.Mark != "" {
		mark = &eventlog.Mark{Source: im.src.Mark, Position: position}
	}
	if len(records) > 0 || mark != nil {
		// An interrupt must not leave the outcome open.
		if err := im.deps.Log.Append(context.WithoutCancel(ctx), records, mark); err != nil {
			return err
		}
	}
	for i := range records {
		im.sum.Accepted += int64(records[i].Count)
	}
	im.position = position
	return nil
}

func (im *run) bury(ctx context.Context, raw []byte, rej *decode.Reject, where string, number int64) {
	im.sum.Rejected++
	im.deps.Quarantine.Add(context.WithoutCancel(ctx), store.DeadLetter{
		At: im.deps.Now().UnixMilli(), Source: im.src.Name + where + strconv.FormatInt(number, 10),
		Reason: string(rej.Reason), Detail: rej.Error(), Raw: raw,
	})
}

// streamBatch is how many bytes of payloads a stream gathers for one Append.
const streamBatch = 1 << 20

// stream imports formats that can't be cut into lines. Its positions count records.
func (im *run) stream(ctx context.Context, in io.Reader, format decode.Format) error {
	d, err := im.cfg.decoder()
	if err != nil {
		return err
	}
	b, next := newBatch(&im.cfg.Shape), int64(0)
	err = d.Stream(in, format, func(index int, raw []byte, ev *rollcall.Event, rej *decode.Reject) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		next = int64(index) + 1
		if next <= im.src.Start {
			return nil
		}
		im.events.Add(1)
		im.sum.Read++
		if rej != nil {
			im.bury(ctx, raw, rej, ":record ", next)
			return nil
		}
		b.add(ev)
		if b.size() < streamBatch {
			return nil
		}
		defer b.reset()
		return im.append(ctx, b.seal(), next)
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return errors.Join(err, im.append(ctx, b.seal(), max(next, im.src.Start)))
}
