package query

import "time"

// Retention is the answer to a RetentionRequest. Its JSON is the reply of GET /api/v1/retention.
type Retention struct {
	Cohort          string      `json:"cohort"` // day or week
	Rows            []CohortRow `json:"rows"`
	AsOf            time.Time   `json:"as_of"` // as in Result
	CompleteThrough time.Time   `json:"complete_through"`
	Build           uint32      `json:"build"`
}

// CohortRow is one cohort: Active[k] of its users were active in its k-th period.
type CohortRow struct {
	Cohort string  `json:"cohort"` // the date, or the Monday
	Users  int64   `json:"users"`
	Active []int64 `json:"active"`         // of the periods that have begun
	Open   bool    `json:"open,omitempty"` // the last one is still going on
}

func (p *retentionPlan) result(n *cohortCounts) *Retention {
	r := &Retention{Cohort: p.cohort.String(), Rows: make([]CohortRow, p.cohorts), Build: p.head.Build}
	if p.head.Committed != 0 {
		r.AsOf = time.UnixMilli(p.head.Committed).In(p.cal.Location())
		r.CompleteThrough = r.AsOf
	}
	for c := range r.Rows {
		begun := p.periods(c)
		r.Rows[c] = CohortRow{p.date(c).String(), n.users[c], n.active[c*p.length:][:begun:begun], c+begun-1 == p.open}
	}
	return r
}
