package api

import (
	"net/http"

	"rollcall/query"
)

func (s *server) retention(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, func() (*query.Question, error) {
		return s.Engine.AskRetention(r.Context(), "retention "+r.URL.RawQuery, func() (*query.RetentionRequest, error) {
			values, err := parameters(r)
			if err != nil {
				return nil, err
			}
			return query.ParseRetention(values)
		})
	})
}
