package api

import (
	"net/http"
	"strings"
	"time"

	"rollcall/query"
)

func (s *server) explain(w http.ResponseWriter, r *http.Request) {
	values, err := parameters(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	req, err := query.ParseExplain(values)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var fresh time.Time
	if s.Freshness != nil {
		fresh = s.Freshness() // before the store is read
	}
	x, err := s.Engine.Explain(r.Context(), req)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if !fresh.IsZero() && !x.AsOf.IsZero() {
		x.CompleteThrough = fresh.In(s.Calendar.Location())
	}
	s.writeJSON(w, r, x)
}

func (s *server) describeExplain() object {
	reply, step := schema[query.Explanation](), schema[query.DayStep]()
	step["properties"].(object)["kind"] = enum(query.StepKinds())
	parts := reply["properties"].(object)
	parts["verdict"], parts["since"], parts["steps"] = enum(query.Verdicts()), step, list(step)
	return object{"summary": "What a day's figures are made of, and when they changed", "parameters": s.describeParameters(query.ExplainParameters()),
		"responses": refused(object{"200": response("The figures under the filter with their cells, and how the whole day came about.",
			content("application/json", reply, nil))}, "400", "422", "500", "503")}
}

// describeParameters describes parameters; filter.<dimension> stands for one of each dimension.
func (s *server) describeParameters(all []query.Parameter) array {
	parameters := array{}
	for _, p := range all {
		names := []string{p.Name}
		if prefix, not, isFilter := strings.Cut(p.Name, "<dimension>"); isFilter {
			names = nil
			for _, d := range s.Engine.Dimensions() {
				names = append(names, prefix+d+not)
			}
		}
		for _, name := range names {
			of := valueSchema(&p)
			if p.List {
				of = list(of)
			}
			parameters = append(parameters, parameter(name, p.Doc, of))
		}
	}
	return parameters
}
