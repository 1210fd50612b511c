package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"rollcall/intake"
	"rollcall/store/mysql"
)

// statistics gives statistics of one kind to Prometheus.
type statistics[S any] struct {
	all []statistic[S]
	now func() S
}

// Describe names the figures.
func (f statistics[S]) Describe(to chan<- *prometheus.Desc) {
	for _, s := range f.all {
		to <- s.desc
	}
}

// Collect reads them.
func (f statistics[S]) Collect(to chan<- prometheus.Metric) {
	now := f.now()
	for _, s := range f.all {
		to <- prometheus.MustNewConstMetric(s.desc, s.kind, float64(s.of(now)))
	}
}

func storeFigures(now func() mysql.Stats) statistics[mysql.Stats] {
	type stats = mysql.Stats
	return statistics[stats]{[]statistic[stats]{
		counterOf("store_statements_total", "Statements sent to the database.", func(s stats) int64 { return s.Statements }),
		counterOf("store_rows_total", "Rows in statements of many rows.", func(s stats) int64 { return s.Rows }),
		counterOf("store_retries_total", "Transactions that the database ended for the sake of others, tried again.", func(s stats) int64 { return s.Retries }),
		counterOf("store_deadlocks_total", "Of them, those in a deadlock.", func(s stats) int64 { return s.Deadlocks }),
		gaugeOf("store_connections", "Connections to the database.", func(s stats) int64 { return int64(s.Conns) }),
	}, now}
}

func sourceFigures(now func() intake.Stats) statistics[intake.Stats] {
	type stats = intake.Stats
	return statistics[stats]{[]statistic[stats]{
		counterOf("source_messages_total", "Messages of the source that were read.", func(s stats) int64 { return s.Messages }),
		counterOf("source_accepted_total", "Events accepted of them.", func(s stats) int64 { return s.Accepted }),
		counterOf("source_rejected_total", "Records of them that went to quarantine.", func(s stats) int64 { return s.Rejected }),
		counterOf("source_gaps_total", "Times that messages are known to be gone unread, or may be.", func(s stats) int64 { return s.Gaps }),
		counterOf("source_missed_total", "Messages gone unread, where they can be counted.", func(s stats) int64 { return s.Missed }),
		counterOf("source_retries_total", "Tries again after a failure of either side.", func(s stats) int64 { return s.Retries }),
		gaugeOf("source_lag", "Messages not read yet, or near it; -1 while it is not known.", func(s stats) int64 { return s.Lag }),
	}, now}
}
