package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// meter shows how far a long command is: a bar on a terminal, else a line every few seconds.
type meter struct {
	out    io.Writer
	total  int64 // units in all; 0 or less when that is not known
	bytes  bool  // the units are bytes that a reader counts, not events
	parts  bool  // the units are parts of total, and mean nothing by themselves
	read   atomic.Int64
	events func() int64
	start  time.Time
	stop   chan struct{}
	ended  chan struct{}
}

func newMeter(out io.Writer, total int64, bytes bool, events func() int64) *meter {
	m := &meter{out: out, total: total, bytes: bytes, events: events, start: time.Now(), stop: make(chan struct{}), ended: make(chan struct{})}
	f, ok := out.(*os.File)
	if ok && term.IsTerminal(int(f.Fd())) {
		go m.bar()
	} else {
		go m.lines(5 * time.Second)
	}
	return m
}

// end takes the bar away.
func (m *meter) end() {
	close(m.stop)
	<-m.ended
}

// reader counts the bytes that are read through it.
func (m *meter) reader(r io.Reader) io.Reader { return meteredReader{r, m} }

type meteredReader struct {
	io.Reader
	m *meter
}

func (r meteredReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.m.read.Add(int64(n))
	return n, err
}

func (m *meter) bar() {
	defer close(m.ended)
	total := m.total
	if total <= 0 {
		total = -1
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(m.out), progressbar.OptionShowBytes(m.bytes),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(24))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if !m.parts {
				bar.Describe(m.rate())
			}
			// A bar that can't be drawn is no reason to stop.
			_ = bar.Set64(m.done())
		case <-m.stop:
			_ = bar.Clear()
			return
		}
	}
}

func (m *meter) lines(every time.Duration) {
	defer close(m.ended)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintln(m.out, m.line())
		case <-m.stop:
			return
		}
	}
}

func (m *meter) done() int64 {
	if m.bytes {
		return m.read.Load()
	}
	return m.events()
}

func (m *meter) rate() string {
	return humanize.Comma(perSecond(m.events(), time.Since(m.start))) + " events/s"
}

func (m *meter) line() string {
	if m.parts {
		return fmt.Sprintf("%.1f %%", 100*float64(m.done())/float64(m.total))
	}
	show := humanize.Comma
	if m.bytes {
		show = func(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }
	}
	done := m.done()
	if m.total <= 0 {
		return fmt.Sprintf("%s, %s", show(done), m.rate())
	}
	left := "?"
	if done > 0 {
		left = time.Duration(float64(time.Since(m.start)) * float64(m.total-done) / float64(done)).Round(time.Second).String()
	}
	return fmt.Sprintf("%s of %s, %s, %s left", show(done), show(m.total), m.rate(), left)
}

func perSecond(n int64, d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64(float64(n) / d.Seconds())
}
