package simtest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rollcall"
)

// Cohorts is one question, in the words of GET /api/v1/retention.
type Cohorts struct {
	From, To int64          // Unix ms, half-open: beginnings of days
	Unit     rollcall.Grain // Day or Week
	Periods  int
	Filters  []Filter
	Now      int64 // Unix ms, when it is asked
}

// Params gives the question as HTTP parameters.
func (q *Cohorts) Params(loc *time.Location) url.Values {
	of := Query{From: q.From, To: q.To, Filters: q.Filters}
	v := of.Params(loc)
	v.Del("grain")
	v.Del("metrics")
	v.Set("cohort", q.Unit.String())
	v.Set("periods", strconv.Itoa(q.Periods))
	return v
}

// Retention computes the rows of a reply, as CohortRows gives them: for each cohort, it counts the users whose
// earliest event of all lies in it and matches, and of them those with a matching event in each of its periods.
func (o *Oracle) Retention(q Cohorts) (rows []Row) {
	filter := &Query{Filters: q.Filters}
	now, last := o.bucket(q.Unit, q.Now), o.bucket(q.Unit, q.To-1)
	units := o.units(q.Unit, q.From, q.Now)
	active := o.usersByUnit(filter, q.Unit, o.facts)
	begun := o.usersByUnit(filter, q.Unit, o.firsts)
	for i, cohort := range units {
		if cohort.order > last.order {
			break
		}
		members := begun[cohort.order]
		row := Row{"cohort": cohort.label, "users": float64(len(members))}
		for k := 0; k < q.Periods && i+k < len(units); k++ {
			row[periodColumn(k)] = inBoth(members, active[units[i+k].order])
			row["open"] = yesOrNo(units[i+k].order == now.order)
		}
		rows = append(rows, row)
	}
	return rows
}

// units lists the days or weeks from the one that holds from to the one that holds until, whatever the zone skips.
func (o *Oracle) units(unit rollcall.Grain, from, until int64) (all []bucket) {
	plain := Config{Location: time.UTC}
	begin := time.Unix(o.bucket(unit, from).order*secondsDay, 0).UTC()
	for t := begin; ordinal(t) <= o.date(until); t = t.AddDate(0, 0, 1) {
		if b := plain.bucket(unit, t.UnixMilli()); len(all) == 0 || all[len(all)-1].order != b.order {
			all = append(all, b)
		}
	}
	return all
}

// usersByUnit gives the users of the events that match, by the order of the day or week.
func (o *Oracle) usersByUnit(filter *Query, unit rollcall.Grain, facts []*fact) map[int64]map[string]bool {
	users := map[int64]map[string]bool{}
	for _, f := range facts {
		if !o.passes(filter, f) {
			continue
		}
		order := o.bucket(unit, f.time).order
		if users[order] == nil {
			users[order] = map[string]bool{}
		}
		users[order][f.user] = true
	}
	return users
}

func inBoth(a, b map[string]bool) (n float64) {
	for user := range a {
		if b[user] {
			n++
		}
	}
	return n
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func periodColumn(k int) string { return fmt.Sprintf("active %d", k) }

// CohortRows reads the rows of a JSON reply, and sees to it that the reply says what it has to.
func CohortRows(body []byte) ([]Row, error) {
	var reply struct {
		Cohort string `json:"cohort"`
		Rows   []struct {
			Cohort string     `json:"cohort"`
			Users  *float64   `json:"users"`
			Active *[]float64 `json:"active"`
			Open   bool       `json:"open"`
		} `json:"rows"`
		Exact bool `json:"exact"`
		Build *int `json:"build"`
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return nil, fmt.Errorf("%w in %s", err, body)
	}
	if reply.Cohort == "" || reply.Rows == nil || !reply.Exact || reply.Build == nil || !strings.Contains(string(body), `"complete_through"`) {
		return nil, fmt.Errorf("incomplete reply: %s", body)
	}
	rows := []Row{}
	for _, r := range reply.Rows {
		if r.Users == nil || r.Active == nil || len(*r.Active) == 0 {
			return nil, fmt.Errorf("incomplete row in %s", body)
		}
		row := Row{"cohort": r.Cohort, "users": *r.Users, "open": yesOrNo(r.Open)}
		for k, n := range *r.Active {
			row[periodColumn(k)] = n
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// RandomCohorts asks about a world.
func RandomCohorts(d Dice, w *World) Cohorts {
	q := Cohorts{Unit: pick(d, rollcall.Day, rollcall.Week), Periods: 1 + d.Intn(worldDays+3)}
	q.From, q.To = w.dates(d)
	q.Now = w.Config.StartOf(w.Start, d.Intn(2*worldDays)) + int64(d.Intn(86_400_000))
	for _, name := range some(d, w.Config.Dimensions) {
		q.Filters = append(q.Filters, w.filter(d, name))
	}
	return q
}

// Text gives the question as it would be typed.
func (q *Cohorts) Text(loc *time.Location) string { return typed(q.Params(loc)) }
