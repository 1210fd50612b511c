package main

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rollcall"
	"rollcall/query"
)

// question is one that a benchmark asks.
type question struct {
	name   string
	text   string // in words
	path   string // of the API
	values url.Values

	rows  int // of the reply
	bytes int64
}

// The paths of the API that questions go to.
const (
	queryPath      = "/api/v1/query"
	reportPath     = "/api/v1/metrics"
	dimensionsPath = "/api/v1/dimensions"
)

// dataset is what questions are made of.
type dataset struct {
	dims     []string // the one with the most values first
	values   [][]query.DimensionValue
	from, to rollcall.Date // the newest 90 days that have data
}

// seen is how many values of a dimension a dataset keeps.
const seen = 1000

func newDataset(days []query.DailyMetric, dims []string, values [][]query.DimensionValue) (*dataset, error) {
	if len(days) == 0 {
		return nil, fmt.Errorf("there are no events to ask about: rollcall generate and rollcall import make some")
	}
	d := &dataset{}
	last, err := rollcall.ParseDate(days[0].Date)
	if err == nil {
		d.to = last + 1
		d.from, err = rollcall.ParseDate(days[len(days)-1].Date)
	}
	if err != nil {
		return nil, fmt.Errorf("the days of the simple report: %w", err)
	}
	order := make([]int, 0, len(dims))
	for i := range dims {
		if len(values[i]) > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(values[b]), len(values[a])) })
	for _, i := range order {
		d.dims, d.values = append(d.dims, dims[i]), append(d.values, values[i])
	}
	return d, nil
}

// top gives the n heaviest values of a dimension as a filter.
func (d *dataset) top(dim, n int) string {
	var list []string
	for _, v := range d.values[dim][:min(n, len(d.values[dim]))] {
		list = append(list, strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace(v.Value))
	}
	return strings.Join(list, ",")
}

// form is a question before it is known what the data hold.
type form struct {
	name string
	dims int // that it needs
	make func(d *dataset, q *question)
}

// forms lists the questions of a benchmark, in their order.
func forms() []form {
	return []form{
		{"days", 0, func(d *dataset, q *question) { q.ask("per day", d.from, d.to) }},
		{"cell", 2, func(d *dataset, q *question) {
			q.ask("per day, one "+d.dims[0]+" and one "+d.dims[1], d.from, d.to, "filter."+d.dims[0], d.top(0, 1), "filter."+d.dims[1], d.top(1, 1))
		}},
		{"days_by", 1, func(d *dataset, q *question) { q.ask("per day and "+d.dims[0], d.from, d.to, "group_by", d.dims[0]) }},
		{"some_cells", 2, func(d *dataset, q *question) {
			q.ask("distinct users per day, three of "+d.dims[0]+" and two of "+d.dims[1], d.from, d.to, "metrics", "active_users",
				"filter."+d.dims[0], d.top(0, 3), "filter."+d.dims[1], d.top(1, 2))
		}},
		{"mau", 0, func(d *dataset, q *question) { q.ask("mau of each day", d.from, d.to, "metrics", "mau") }},
		{"distinct", 0, func(d *dataset, q *question) {
			q.ask("distinct users of the range", d.from, d.to, "metrics", "active_users", "grain", "total")
		}},
		{"distinct_by", 1, func(d *dataset, q *question) {
			q.ask("distinct users of the range by "+d.dims[0], d.from, d.to, "metrics", "active_users", "grain", "total", "group_by", d.dims[0])
		}},
		{"trailing_by", 1, func(d *dataset, q *question) {
			by := d.dims[len(d.dims)-1]
			q.ask("wau and mau of each day by "+by, d.from, d.to, "metrics", "wau,mau", "group_by", by)
		}},
		{"hours", 0, func(d *dataset, q *question) { q.ask("per hour of 7 days", d.to-7, d.to, "grain", "hour") }},
		{"search", 1, func(d *dataset, q *question) {
			first := []rune(d.values[0][0].Value)[:1]
			q.text, q.path, q.values = "search in "+d.dims[0], dimensionsPath+"/"+url.PathEscape(d.dims[0]), url.Values{"search": {string(first)}}
		}},
		{"report", 0, func(_ *dataset, q *question) {
			q.text, q.path, q.values = "the simple report", reportPath, url.Values{}
		}},
	}
}

// ask makes q a query of a range, with more parameters.
func (q *question) ask(text string, from, to rollcall.Date, pairs ...string) {
	q.text, q.path, q.values = text, queryPath, url.Values{"from": {from.String()}, "to": {to.String()}}
	for i := 0; i < len(pairs); i += 2 {
		q.values.Set(pairs[i], pairs[i+1])
	}
}

func questionNames() (names []string) {
	for _, f := range forms() {
		names = append(names, f.name)
	}
	return names
}

// questions gives those that are wanted (all for none) and can be asked, and why others can't.
func (d *dataset) questions(wanted []string) (list []*question, notes []string) {
	for _, f := range forms() {
		if len(wanted) > 0 && !slices.Contains(wanted, f.name) {
			continue
		}
		if len(d.dims) < f.dims {
			notes = append(notes, fmt.Sprintf("%s is left out: it needs %d dimensions with values, and the data have %d", f.name, f.dims, len(d.dims)))
			continue
		}
		q := &question{name: f.name}
		f.make(d, q)
		list = append(list, q)
	}
	return list, notes
}
