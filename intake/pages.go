package intake

import (
	"context"
	"fmt"

	"rollcall/decode"
)

// Pages takes in lines that were read elsewhere, a page at a time. It keeps no mark: who reads the lines knows the place
// behind them, and may hand a page in again as long as its events have ids. It is for one goroutine.
type Pages struct {
	run  run
	d    *decode.Decoder
	job  job
	line int64
}

// Pages makes a Pages. The name tells dead letters where their line came from.
func (f *Files) Pages(name string) (*Pages, error) {
	d, err := f.cfg.decoder()
	if err != nil {
		return nil, err
	}
	return &Pages{run: run{Files: f, src: Source{Name: name}}, d: d, job: job{batch: newBatch(&f.cfg.Shape)}}, nil
}

// Take appends the events of a page of NDJSON and returns when they are durable; what it counts is of this page. The page
// must fit into one Append. When ctx ends it finishes the page.
func (p *Pages) Take(ctx context.Context, lines []byte) (Summary, error) {
	p.run.sum = Summary{}
	p.job.chunk = lines
	err := p.job.decode(p.d)
	if err == nil {
		err = p.run.append(ctx, p.job.batch.seal(), 0)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("import %s behind row %d: %w", p.run.src.Name, p.line, err)
	}
	p.run.settle(ctx, &p.job, &p.line)
	return p.run.sum, nil
}
