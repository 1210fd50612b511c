package simtest

import (
	"math/rand"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
)

// reference answers with the oracle itself; flaw makes it wrong on purpose.
type reference struct {
	world World
	log   []Logged
	flaw  flaw
}

type flaw struct {
	config  func(c *Config)
	restart func(log []Logged) []Logged
	crash   func(log []Logged) []Logged
	answer  func(q Query, rows []Row) []Row
	cohorts func(o *Oracle, q *Cohorts)
	oracle  func(o *Oracle, q Query, rows []Row)
}

func (r *reference) Append(events []Logged) error {
	for _, e := range events {
		r.log = append(r.log, e.Clone())
	}
	return nil
}

func (r *reference) Restart() error {
	if r.flaw.restart != nil {
		r.log = r.flaw.restart(r.log)
	}
	return nil
}

func (r *reference) Crash() error {
	if r.flaw.crash != nil {
		r.log = r.flaw.crash(r.log)
	}
	return nil
}

func (r *reference) Query(q Query) ([]Row, error) {
	c := r.world.Config
	if r.flaw.config != nil {
		r.flaw.config(&c)
	}
	o := NewOracle(c, r.log)
	rows := o.Answer(q)
	if r.flaw.oracle != nil {
		r.flaw.oracle(o, q, rows)
	}
	if r.flaw.answer != nil {
		rows = r.flaw.answer(q, rows)
	}
	return rows, nil
}

func (r *reference) Retention(q Cohorts) ([]Row, error) {
	c := r.world.Config
	if r.flaw.config != nil {
		r.flaw.config(&c)
	}
	o := NewOracle(c, r.log)
	if r.flaw.cohorts != nil {
		r.flaw.cohorts(o, &q)
	}
	return o.Retention(q), nil
}

func (r *reference) Close() error { return nil }

// The check passes where nothing is wrong.
func TestCheckPasses(t *testing.T) {
	for name, limits := range map[string]bool{"limits": true, "no limits": false} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				Check(t, limits, func(w World) (Harness, error) { return &reference{world: w}, nil })
			})
		})
	}
}

// Each flaw is one that an implementation might have; the check must find it within a few worlds.
var flaws = map[string]flaw{
	"a gap of exactly the length splits":  {config: func(c *Config) { c.Gap -= time.Millisecond }},
	"rules of before are forgotten":       {config: func(c *Config) { c.Earlier = nil }},
	"a gap just over the length does not": {config: func(c *Config) { c.Gap += time.Millisecond }},
	"passive types are interactive":       {config: func(c *Config) { c.Passive = nil }},
	"retention ignored":                   {config: func(c *Config) { c.MinuteRetention, c.HourRetention = 0, 0 }},
	"horizon ignored":                     {config: func(c *Config) { c.LateHorizon = 0 }},
	"buckets in UTC":                      {config: func(c *Config) { c.Location = time.UTC }},
	"redelivery counts twice": {restart: func(log []Logged) []Logged {
		return append(log, log[max(0, len(log)-3):]...)
	}},
	"a crash loses the last event":      {crash: func(log []Logged) []Logged { return log[:len(log)-1] }},
	"a crash swaps the last two events": {crash: swapLast},
	"wau is the sum of active users": {answer: func(q Query, rows []Row) []Row {
		for _, row := range rows {
			if users, ok := row["active_users"]; ok && row["wau"] != nil {
				row["wau"] = users
			}
		}
		return rows
	}},
	"a cohort is of the first event that matches, not of the first of all": {cohorts: func(o *Oracle, q *Cohorts) {
		matching := map[string][]*fact{}
		for _, f := range o.facts {
			if f.user != "" && o.passes(&Query{Filters: q.Filters}, f) {
				matching[f.user] = append(matching[f.user], f)
			}
		}
		o.firsts = nil
		for _, facts := range matching {
			o.firsts = append(o.firsts, earliest(facts))
		}
	}},
	"the first event of a user stays the one that came first": {cohorts: func(o *Oracle, _ *Cohorts) {
		came := map[string]bool{}
		o.firsts = nil
		for _, f := range o.facts {
			if f.user != "" && !came[f.user] {
				came[f.user] = true
				o.firsts = append(o.firsts, f)
			}
		}
	}},
	"the range cuts the first week":                         {cohorts: func(_ *Oracle, q *Cohorts) { q.From += 7 * 86_400_000 }},
	"the last row is lost":                                  {answer: func(_ Query, rows []Row) []Row { return rows[:max(0, len(rows)-1)] }},
	"everything else is the sum of the users of its groups": {oracle: sumRest},
	"the previous bucket is taken by its place":             {oracle: previousByPlace},
	"a change is a difference": {answer: func(q Query, rows []Row) []Row {
		for _, row := range rows {
			for _, m := range q.Metrics {
				if was, ok := row[m+previousSuffix].(float64); ok && row[m+changeSuffix] != nil {
					row[m+changeSuffix] = row[m].(float64) - was
				}
			}
		}
		return rows
	}},
	"limit before order": {answer: func(q Query, rows []Row) []Row {
		if q.Limit > 0 && len(rows) > 1 {
			rows[0], rows[1] = rows[1], rows[0]
		}
		return rows
	}},
}

func sumRest(o *Oracle, q Query, rows []Row) {
	if !q.EverythingElse || !slices.Contains(q.Metrics, "active_users") {
		return
	}
	users := map[string]float64{}
	leaders := o.leaders(q)
	q.EverythingElse, q.Limit = false, 0
	named := Query{EverythingElse: true, leaders: leaders}
	for _, row := range o.Answer(q) {
		var group []string
		for _, name := range q.GroupBy {
			group = append(group, row[name].(string))
		}
		if named.rank(group) == len(leaders) {
			users[row["bucket"].(string)] += row["active_users"].(float64)
		}
	}
	for _, row := range rows {
		if row[q.GroupBy[0]] == everythingElse {
			row["active_users"] = users[row["bucket"].(string)]
		}
	}
}

func previousByPlace(o *Oracle, q Query, rows []Row) {
	if q.Compare == "" || q.Grain == rollcall.Minute || len(q.GroupBy) > 0 {
		return
	}
	p := o.past(&q)
	for _, row := range rows {
		before, ok := p.byPlace(bucket{label: row["bucket"].(string)})
		for _, m := range q.Metrics {
			if ok && row[m+previousSuffix] != nil {
				row[m+previousSuffix] = o.metric(&p.q, at(p.tallies, before, nil), m)
			}
		}
	}
}

func swapLast(log []Logged) []Logged {
	if n := len(log); n > 1 {
		log[n-1].Event, log[n-2].Event = log[n-2].Event, log[n-1].Event
	}
	return log
}

func TestCheckFindsFlaws(t *testing.T) {
	for name, flaw := range flaws {
		t.Run(name, func(t *testing.T) {
			for seed := range int64(300) {
				d := rand.New(rand.NewSource(seed))
				w := RandomWorld(d, true)
				if err := Run(d, w, &reference{world: w, flaw: flaw}); err != nil {
					return
				}
			}
			t.Error("300 worlds pass in spite of the flaw")
		})
	}
}

// Order of arrival must not matter where ids are not reused and nothing is limited.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Rapid(t)
		w := RandomWorld(d, false)
		for i := range w.Events {
			w.Events[i].ID = nil
		}
		shuffled := append([]Logged(nil), w.Events...)
		for i := range shuffled {
			j := d.Intn(i + 1)
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		}
		a, b := NewOracle(w.Config, w.Events), NewOracle(w.Config, shuffled)
		for range 5 {
			q := RandomQuery(d, &w, a)
			if err := Diff(a.Answer(q), b.Answer(q)); err != nil {
				t.Fatalf("%s: %v\n%s", q.Text(w.Config.Location), err, w)
			}
		}
	})
}

// The sums that must hold between answers, whatever the events are.
func TestSumsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Rapid(t)
		w := RandomWorld(d, false)
		o := NewOracle(w.Config, w.Events)
		q := Query{
			From: w.Config.StartOf(w.Start, -460), To: w.Config.StartOf(w.Start, 60), Grain: rollcall.Total,
			Metrics: []string{"events", "sessions", "bounces", "new_users", "active_users"}, Fill: true,
		}
		total := o.Answer(q)[0]
		if total["events"] != float64(o.Accepted()) || total["new_users"] != float64(o.Users()) {
			t.Fatalf("total %v of %d accepted events and %d users", total, o.Accepted(), o.Users())
		}
		for _, g := range []rollcall.Grain{rollcall.Minute, rollcall.Hour, rollcall.Day, rollcall.Week, rollcall.Month} {
			q.Grain, q.Fill = g, false
			sum := Row{"bucket": "total"}
			for _, row := range o.Answer(q) {
				for _, name := range q.Metrics {
					was, _ := sum[name].(float64)
					sum[name] = was + row[name].(float64)
				}
			}
			for _, name := range q.Metrics[:4] {
				if got, _ := sum[name].(float64); got != total[name] {
					t.Fatalf("%v: sum of %s by %v is %v, total %v", w, name, g, got, total[name])
				}
			}
		}
	})
}
