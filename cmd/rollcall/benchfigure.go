package main

import (
	"math"
	"slices"
	"time"
)

// figure is what was measured of a question in a mode.
type figure struct {
	Question string   `json:"question"`
	Text     string   `json:"text"`
	Mode     string   `json:"mode"`
	Rows     int      `json:"rows"`
	Bytes    int64    `json:"bytes"`
	Plain    timings  `json:"plain"`
	Ingest   *timings `json:"ingest,omitempty"`
	RatioP50 float64  `json:"ratio_p50,omitempty"` // with ingest to without
	RatioP99 float64  `json:"ratio_p99,omitempty"`

	question *question
}

// timings are the samples of a figure and what they come to.
type timings struct {
	N         int     `json:"n"`
	Answer    *spread `json:"answer_ms,omitempty"` // in process
	Reply     spread  `json:"reply_ms"`
	PerSecond float64 `json:"per_second,omitempty"` // over all connections

	answer, whole []time.Duration
	busy          time.Duration // of the repeated ones
}

// spread is the distribution of times in milliseconds.
type spread struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func spreadOf(samples []time.Duration) spread {
	sorted := slices.Sorted(slices.Values(samples))
	return spread{inMS(percentile(sorted, 0.5)), inMS(percentile(sorted, 0.9)), inMS(percentile(sorted, 0.99)), inMS(percentile(sorted, 1))}
}

// percentile gives the smallest of the rising samples that a fraction p of them does not exceed.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(int(math.Ceil(p*float64(len(sorted)))), 1)-1]
}

// settle works the samples out.
func (t *timings) settle() {
	t.N, t.Reply = len(t.whole), spreadOf(t.whole)
	if len(t.answer) > 0 {
		s := spreadOf(t.answer)
		t.Answer = &s
	}
	if t.busy > 0 {
		t.PerSecond = math.Round(float64(t.N) / t.busy.Seconds())
	}
}

// main is the distribution that figures are compared by.
func (t *timings) main() spread {
	if t.Answer != nil {
		return *t.Answer
	}
	return t.Reply
}

func (f *figure) settle() {
	f.Plain.settle()
	if f.Ingest == nil {
		return
	}
	f.Ingest.settle()
	a, b := f.Plain.main(), f.Ingest.main()
	f.RatioP50, f.RatioP99 = ratio(b.P50, a.P50), ratio(b.P99, a.P99)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return math.Round(a/b*100) / 100
}
