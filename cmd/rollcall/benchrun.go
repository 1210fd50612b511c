package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// leastRuns is how often a question is asked however long it takes.
const leastRuns = 3

// bench is a benchmark under way.
type bench struct {
	*benchCmd
	target   target
	progress io.Writer

	data      *dataset
	questions []*question
	figures   []*figure
	notes     []string
	ingested  float64 // events a second
}

func (b *bench) run(ctx context.Context) (err error) {
	live, err := b.begin(ctx)
	if err != nil {
		return err
	}
	if b.data, err = b.target.dataset(ctx); err != nil {
		return err
	}
	b.questions, b.notes = b.data.questions(b.Questions)
	if err := b.plan(ctx); err != nil {
		return err
	}
	if live == nil {
		err = b.round(ctx, "", func(f *figure) *timings { return &f.Plain })
	} else {
		err = b.turns(ctx, live)
	}
	for _, f := range b.figures {
		f.settle()
	}
	return err
}

// plan asks each question once, and makes the figures of those that have an answer.
func (b *bench) plan(ctx context.Context) error {
	var asked []*question
	for _, q := range b.questions {
		body, err := b.target.server().get(ctx, q.path, q.values)
		var wrong usageError
		if errors.As(err, &wrong) {
			b.notes = append(b.notes, q.name+" is left out: "+err.Error())
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		q.bytes, q.rows = int64(len(body)), rowsOf(body)
		asked = append(asked, q)
	}
	b.questions = asked
	for _, mode := range b.target.modes() {
		for _, q := range b.questions {
			if len(b.Mode) == 0 || slices.Contains(b.Mode, mode) {
				b.figures = append(b.figures, &figure{Question: q.name, Text: q.text, Mode: mode, Rows: q.rows, Bytes: q.bytes, question: q})
			}
		}
	}
	return nil
}

// rowsOf counts the rows, values or elements of a reply.
func rowsOf(body []byte) int {
	var reply struct{ Rows, Values []json.RawMessage }
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil {
		return len(list)
	}
	if json.Unmarshal(body, &reply) != nil {
		return 0
	}
	return len(reply.Rows) + len(reply.Values)
}

// turns measures without and with ingest, one after the other, so that what else the machine does hits both.
func (b *bench) turns(ctx context.Context, live *ingest) error {
	for _, f := range b.figures {
		f.Ingest = &timings{}
	}
	for n := range b.Rounds {
		turn := fmt.Sprintf(" (turn %d of %d)", n+1, b.Rounds)
		err := b.round(ctx, " without ingest"+turn, func(f *figure) *timings { return &f.Plain })
		if err != nil {
			return err
		}
		err = live.during(ctx, func(ctx context.Context) error {
			return b.round(ctx, " with ingest"+turn, func(f *figure) *timings { return f.Ingest })
		})
		if err != nil {
			return err
		}
	}
	b.ingested = float64(live.events.Load()) / live.time.Seconds()
	return nil
}

// round measures every figure once.
func (b *bench) round(ctx context.Context, how string, into func(*figure) *timings) error {
	for i, f := range b.figures {
		fmt.Fprintf(b.progress, "%d of %d: %s, %s%s\n", i+1, len(b.figures), f.Question, f.Mode, how)
		measure := b.askOften
		if f.Mode == modeRepeated {
			measure = b.repeat
		}
		if err := measure(ctx, f, into(f)); err != nil {
			return fmt.Errorf("%s, %s: %w", f.Question, f.Mode, err)
		}
	}
	return nil
}

// askOften asks a question again and again, one at a time.
func (b *bench) askOften(ctx context.Context, f *figure, t *timings) error {
	if _, err := b.target.ask(ctx, f.Mode, f.question); err != nil { // so that what is warm is warm
		return err
	}
	for start, n := time.Now(), 0; n < leastRuns || n < b.Runs && time.Since(start) < b.Duration; n++ {
		r, err := b.target.ask(ctx, f.Mode, f.question)
		if err != nil {
			return err
		}
		t.whole = append(t.whole, r.whole)
		if r.answer > 0 {
			t.answer = append(t.answer, r.answer)
		}
	}
	return nil
}
