package api

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rollcall/query"
)

func (s *server) queryGet(w http.ResponseWriter, r *http.Request) {
	values, err := parameters(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	req, err := query.ParseValues(values)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if wanted := r.Header.Get("If-None-Match"); wanted != "" {
		tag, err := s.Engine.Tag(r.Context(), req)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if notModified(w, wanted, tag) {
			return
		}
	}
	s.answer(w, r, req)
}

func (s *server) queryPost(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	req, err := query.ParseJSON(body)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, req)
}

func (s *server) answer(w http.ResponseWriter, r *http.Request, req *query.Request) {
	var fresh time.Time
	if s.Freshness != nil {
		fresh = s.Freshness() // before the view is opened, so that the view holds all that it promises
	}
	res, err := s.Engine.Query(r.Context(), req)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if !fresh.IsZero() && !res.AsOf.IsZero() {
		res.CompleteThrough = fresh.In(res.AsOf.Location())
	}
	w.Header().Set("ETag", strconv.Quote(res.Tag))
	write := res.WriteJSON
	switch res.Format() {
	case "csv":
		write = res.WriteCSV
		w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
		w.Header().Set("Content-Disposition", `attachment; filename="rollcall.csv"`)
	case "parquet":
		write = res.WriteParquet
		w.Header().Set("Content-Type", "application/vnd.apache.parquet")
		w.Header().Set("Content-Disposition", `attachment; filename="rollcall.parquet"`)
	default:
		w.Header().Set("Content-Type", "application/json")
	}
	s.broken(r, write(w))
}

func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	values, err := parameters(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	tag, err := s.Engine.MetricsTag(r.Context(), values)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if notModified(w, r.Header.Get("If-None-Match"), tag) {
		return
	}
	days, err := s.Engine.Metrics(r.Context(), values)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("ETag", strconv.Quote(tag))
	s.writeJSON(w, r, days)
}

func (s *server) dimensions(w http.ResponseWriter, r *http.Request) {
	s.writeJSON(w, r, struct {
		Dimensions []string `json:"dimensions"`
	}{append([]string{}, s.Engine.Dimensions()...)})
}

const (
	defaultValues = 100
	maxValues     = 10_000
)

func (s *server) values(w http.ResponseWriter, r *http.Request) {
	values, err := parameters(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	limit, err := limitOf(values)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	found, err := s.Engine.Values(r.Context(), r.PathValue("name"), values.Get("search"), limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, struct {
		Dimension string                 `json:"dimension"`
		Values    []query.DimensionValue `json:"values"`
	}{r.PathValue("name"), found})
}

func limitOf(values url.Values) (limit int, err error) {
	for name := range values {
		if name != "search" && name != "limit" {
			return 0, &query.BadRequest{Param: name, Detail: "unknown parameter", Valid: []string{"search", "limit"}}
		}
	}
	text := values.Get("limit")
	if text == "" {
		return defaultValues, nil
	}
	if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxValues {
		return 0, &query.BadRequest{Param: "limit", Detail: fmt.Sprintf("is %q", text), Valid: []string{fmt.Sprintf("a whole number from 1 to %d", maxValues)}}
	}
	return limit, nil
}

// parameters reads the query string, and refuses one that is not well formed.
func parameters(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &query.BadRequest{Param: "URL", Detail: err.Error(), Valid: []string{"name=value pairs joined by &, with %-escapes"}}
	}
	return values, nil
}

// notModified replies 304 when the client holds the answer with this tag.
func notModified(w http.ResponseWriter, wanted, tag string) bool {
	quoted := strconv.Quote(tag)
	for one := range strings.SplitSeq(wanted, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == quoted || one == "*" {
			w.Header().Set("ETag", quoted)
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}
