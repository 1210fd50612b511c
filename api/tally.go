package api

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// tally counts the requests of a route. Counting costs no allocation and no lookup.
type tally struct {
	underWay atomic.Int64
	statuses [500]atomic.Int64 // by status-100; 0 for replies broken off
	buckets  [len(bounds) + 1]atomic.Int64
	nanos    atomic.Int64
}

// bounds are the upper ends of the buckets of durations.
var bounds = [...]time.Duration{time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond,
	5 * time.Second, 10 * time.Second, 30 * time.Second}

// span is one request.
type span struct {
	tally *tally
	from  time.Time
}

func (t *tally) start() span {
	t.underWay.Add(1)
	return span{t, time.Now()}
}

func (s span) end(status int) {
	took := time.Since(s.from)
	s.tally.underWay.Add(-1)
	if status < 100 || status >= 600 {
		status = 100
	}
	s.tally.statuses[status-100].Add(1)
	s.tally.nanos.Add(int64(took))
	at := 0
	for at < len(bounds) && took > bounds[at] {
		at++
	}
	s.tally.buckets[at].Add(1)
}

// meters gives what the handler counts to Prometheus.
type meters struct {
	server *server

	requests, durations, underWay, building, sending, listening, listeners, cut *prometheus.Desc
}

func newMeters(s *server) *meters {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("rollcall_http_"+name, help, labels, nil)
	}
	return &meters{s,
		desc("requests_total", "Requests answered.", "route", "code"),
		desc("request_duration_seconds", "Time from a request's headers to the end of its reply; of streams, how long they lasted.", "route"),
		desc("requests_in_flight", "Requests being answered.", "route"),
		desc("replies_building", "Heavy replies under construction."),
		desc("replies_sending", "Large replies being sent."),
		desc("stream_listeners", "Listeners of the stream."),
		desc("stream_refused_total", "Listeners refused because there were too many."),
		desc("stream_cut_total", "Listeners cut because they did not read."),
	}
}

// Describe names the metrics.
func (m *meters) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.requests, m.durations, m.underWay, m.building, m.sending, m.listening, m.listeners, m.cut} {
		to <- d
	}
}

// Collect reads the counts.
func (m *meters) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	for _, rt := range m.server.routes {
		name := rt.name()
		if name == "" {
			name = "other"
		}
		for i := range rt.tally.statuses {
			if n := rt.tally.statuses[i].Load(); n > 0 {
				counter(m.requests, n, name, codeName(100+i))
			}
		}
		gauge(m.underWay, rt.tally.underWay.Load(), name)
		to <- rt.tally.histogram(m.durations, name)
	}
	gauge(m.building, int64(len(m.server.gate.building)))
	gauge(m.sending, int64(len(m.server.gate.sending)))
	gauge(m.listening, m.server.listeners.now.Load())
	counter(m.listeners, m.server.listeners.refused.Load())
	counter(m.cut, m.server.listeners.cut.Load())
}

func codeName(status int) string {
	if status == 100 {
		return "aborted"
	}
	return strconv.Itoa(status)
}

func (t *tally) histogram(d *prometheus.Desc, name string) prometheus.Metric {
	below, sum := make(map[float64]uint64, len(bounds)), uint64(0)
	for i, bound := range bounds {
		sum += uint64(t.buckets[i].Load())
		below[bound.Seconds()] = sum
	}
	sum += uint64(t.buckets[len(bounds)].Load())
	return prometheus.MustNewConstHistogram(d, sum, time.Duration(t.nanos.Load()).Seconds(), below, name)
}
