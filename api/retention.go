package api

import (
	"context"
	"net/http"

	"rollcall/query"
)

func (s *server) retention(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, func(ctx context.Context) (*query.Question, error) {
		return s.Engine.AskRetention(ctx, "retention "+r.URL.RawQuery, func() (*query.RetentionRequest, error) {
			values, err := parameters(r)
			if err != nil {
				return nil, err
			}
			return query.ParseRetention(values)
		})
	})
}

func (s *server) describeRetention() object {
	forms := object{"application/json": object{"schema": retentionSchema()},
		"text/csv": object{"schema": text("A header line, and a line for each cohort and period: cohort, users, period, active, open.")}}
	return object{"summary": "How many new users come back", "parameters": s.describeParameters(query.RetentionParameters()),
		"responses": tagged(refused(object{"200": response("The cohorts, and what they are made of.", forms)}, "400", "422", "500", "503"))}
}

// retentionSchema is the JSON of a reply.
func retentionSchema() object {
	instant := object{"type": array{"string", "null"}, "format": "date-time"}
	return object{"type": "object", "required": array{"cohort", "rows", "as_of", "complete_through", "exact", "build"},
		"properties": object{"cohort": enum([]string{"day", "week"}), "rows": list(schema[query.CohortRow]()),
			"as_of": instant, "complete_through": instant, "exact": object{"type": "boolean"}, "build": object{"type": "integer"}}}
}
