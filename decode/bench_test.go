package decode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall"
)

// benchEvents are n events of about 200 bytes, with two dimensions and two fields that nobody asked for.
func benchEvents(n int) [][]byte {
	events := make([][]byte, n)
	for i := range events {
		at := time.Date(2026, 11, 1, 0, 0, 0, i*7_654_321, time.UTC).Add(time.Duration(i) * time.Second)
		events[i] = fmt.Appendf(nil, `{"event_id":"%016x","user_id":"u-%07d","time":"%s","type":"page_view","campaign_id":"c%03d","age_group":"%d0s","session_id":"s-%06d","page":"/products/%d","ms":%d}`,
			uint64(i)*0x9E3779B97F4A7C15, i*7919%2_000_000, at.Format("2006-01-02T15:04:05.000Z"), i%200, 1+i%7, i%100_000, i%5000, i%900)
	}
	return events
}

// target is what the libraries decode into.
type target struct {
	User    string          `json:"user_id"`
	Time    json.RawMessage `json:"time"`
	ID      string          `json:"event_id"`
	Session string          `json:"session_id"`
	Type    string          `json:"type"`
	A       string          `json:"campaign_id"`
	B       string          `json:"age_group"`
}

func (p *target) event(c *clock, ev *rollcall.Event) error {
	ev.Reset(2)
	ev.User, ev.ID, ev.Session, ev.Type = []byte(p.User), []byte(p.ID), []byte(p.Session), []byte(p.Type)
	ev.Dims[0], ev.Dims[1] = []byte(p.A), []byte(p.B)
	var err error
	ev.Time, err = c.parse(bytes.Trim(p.Time, `"`))
	return err
}

// tokens decodes with the library's tokens into a reused event, as far as it can go without the hand-written scanner.
type tokens struct {
	d    *Decoder
	json *jsontext.Decoder
	in   bytes.Reader
}

func (k *tokens) event(record []byte, ev *rollcall.Event) error {
	k.in.Reset(record)
	k.json.Reset(&k.in, jsontext.AllowDuplicateNames(true))
	d := k.d
	d.seen, d.arena = 0, d.arena[:0]
	if _, err := k.json.ReadToken(); err != nil {
		return err
	}
	for k.json.PeekKind() != '}' {
		name, err := k.json.ReadValue()
		if err != nil {
			return err
		}
		input := d.names.find(name[1 : len(name)-1])
		v, err := k.json.ReadValue()
		if err != nil {
			return err
		}
		if input < 0 {
			continue
		}
		from, kind := len(d.arena), number
		if v.Kind() == '"' {
			v, kind = v[1:len(v)-1], text
		}
		d.arena = append(d.arena, v...)
		d.values[input] = value{d.arena[from:], kind}
		d.seen |= 1 << input
	}
	if rej := d.build(ev); rej != nil {
		return rej
	}
	return nil
}

// BenchmarkDecoders compares the ways to decode one event.
func BenchmarkDecoders(b *testing.B) {
	events := benchEvents(1000)
	d, err := New(Config{Dimensions: []string{"campaign_id", "age_group"}})
	if err != nil {
		b.Fatal(err)
	}
	k := &tokens{d: d, json: jsontext.NewDecoder(strings.NewReader(""))}
	var ev rollcall.Event
	for _, way := range []struct {
		name   string
		decode func([]byte) error
	}{
		{"encoding-json", func(in []byte) error {
			var p target
			if err := json.Unmarshal(in, &p); err != nil {
				return err
			}
			return p.event(&d.clock, &ev)
		}},
		{"json-v2", func(in []byte) error {
			var p target
			if err := jsonv2.Unmarshal(in, &p); err != nil {
				return err
			}
			return p.event(&d.clock, &ev)
		}},
		{"jsontext-tokens", func(in []byte) error { return k.event(in, &ev) }},
		{"hand-scanner", func(in []byte) error {
			if rej := d.Event(in, &ev); rej != nil {
				return rej
			}
			return nil
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(events[0])))
			for i := range b.N {
				if err := way.decode(events[i%len(events)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInputs measures whole inputs; ns/event is the figure to look at.
func BenchmarkInputs(b *testing.B) {
	const n = 10_000
	events := benchEvents(n)
	lines := append(bytes.Join(events, []byte("\n")), '\n')
	array := append(append([]byte("["), bytes.Join(events, []byte(",\n"))...), ']')
	var table bytes.Buffer
	table.WriteString("event_id,user_id,time,type,campaign_id,age_group,session_id,page,ms\n")
	for i := range n {
		fmt.Fprintf(&table, "%016x,u-%07d,2026-11-01T00:00:00.000Z,page_view,c%03d,%d0s,s-%06d,/products/%d,%d\n", i, i, i%200, 1+i%7, i, i%5000, i%900)
	}
	d, err := New(Config{Dimensions: []string{"campaign_id", "age_group"}})
	if err != nil {
		b.Fatal(err)
	}
	each := func(_ int, _ []byte, _ *rollcall.Event, rej *Reject) error {
		if rej != nil {
			return rej
		}
		return nil
	}
	var buf []byte
	for _, way := range []struct {
		name  string
		input []byte
		run   func([]byte) error
	}{
		{"lines", lines, func(in []byte) error { return d.Lines(in, each) }},
		{"body-array", array, func(in []byte) error { return d.Body(in, each) }},
		{"stream-array", array, func(in []byte) error { return d.Stream(bytes.NewReader(in), Array, each) }},
		{"csv", table.Bytes(), func(in []byte) error { return d.CSV(bytes.NewReader(in), each) }},
		{"chunks-alone", lines, func(in []byte) error {
			chunks := NewChunks(bytes.NewReader(in), 1<<20, 0)
			for {
				chunk, _, err := chunks.Next(buf)
				if err == io.EOF {
					return nil
				} else if err != nil {
					return err
				}
				buf = chunk
			}
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(way.input)))
			for b.Loop() {
				if err := way.run(way.input); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/event")
		})
	}
}

// BenchmarkJourney measures the real data, whose events lack now this field and now that.
func BenchmarkJourney(b *testing.B) {
	data := journey(b)
	d := newDecoder(b, Config{Dimensions: []string{"campaign_id", "age_group"}})
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := d.Lines(data, func(_ int, _ []byte, _ *rollcall.Event, rej *Reject) error {
			if rej != nil {
				return rej
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/75_000, "ns/event")
}

func BenchmarkParseTime(b *testing.B) {
	for _, in := range []string{"2026-11-01T12:34:56.789Z", "2026-11-01 12:34:56", "2026-11-01", "1793534400123", "1793534400.25"} {
		b.Run(in, func(b *testing.B) {
			c, s := newClock(seoul), []byte(in)
			for b.Loop() {
				if _, err := c.parse(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
