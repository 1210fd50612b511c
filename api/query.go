package api

import (
	"bytes"
	"context"
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
	s.answer(w, r, func(ctx context.Context) (*query.Question, error) {
		return s.Engine.Ask(ctx, r.URL.RawQuery, func() (*query.Request, error) {
			values, err := parameters(r)
			if err != nil {
				return nil, err
			}
			return query.ParseValues(values)
		})
	})
}

func (s *server) queryPost(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, func(ctx context.Context) (*query.Question, error) {
		return s.Engine.Ask(ctx, "POST "+string(body), func() (*query.Request, error) { return query.ParseJSON(body) })
	})
}

func (s *server) answer(w http.ResponseWriter, r *http.Request, ask func(context.Context) (*query.Question, error)) {
	var fresh time.Time
	if s.Freshness != nil {
		fresh = s.Freshness() // before the question is asked, so that the answer holds all that it promises
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.Deadline)
	defer cancel()
	q, err := ask(ctx)
	if err != nil {
		s.fail(w, r.WithContext(ctx), err)
		return
	}
	if wanted := r.Header.Get("If-None-Match"); wanted != "" && notModified(w, wanted, q.Tag) {
		return
	}
	if a := q.Kept(); a != nil {
		s.send(w, r, q, a, fresh)
		return
	}
	if rep := replyOf(w); rep != nil {
		if err := rep.enter(ctx); err != nil {
			s.busy(w, r.WithContext(ctx))
			return
		}
	}
	a, err := q.Answer(ctx)
	if err != nil {
		s.fail(w, r.WithContext(ctx), err)
		return
	}
	s.send(w, r, q, a, fresh)
}

// send writes an answer: in one piece when it is small, else as it is.
func (s *server) send(w http.ResponseWriter, r *http.Request, q *query.Question, a *query.Answer, fresh time.Time) {
	h := w.Header()
	h.Set("ETag", strconv.Quote(a.Tag))
	setType(h, a.Format)
	if !a.Fits(piece) {
		if size, known := q.Size(a, fresh); known {
			h.Set("Content-Length", strconv.Itoa(size))
		}
		s.broken(r, q.Write(w, a, fresh))
		return
	}
	buf, ok := s.bodies.Get().(*bytes.Buffer)
	if !ok {
		buf = &bytes.Buffer{}
	}
	defer s.bodies.Put(buf)
	buf.Reset()
	err := q.Write(buf, a, fresh)
	if err == nil {
		h.Set("Content-Length", strconv.Itoa(buf.Len()))
		_, err = w.Write(buf.Bytes())
	}
	s.lost(r, err)
}

func setType(h http.Header, format string) {
	switch format {
	case "csv":
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		h.Set("Content-Disposition", `attachment; filename="rollcall.csv"`)
	case "parquet":
		h.Set("Content-Type", "application/vnd.apache.parquet")
		h.Set("Content-Disposition", `attachment; filename="rollcall.parquet"`)
	default:
		h["Content-Type"] = jsonType
	}
}

func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, func(ctx context.Context) (*query.Question, error) {
		return s.Engine.AskReport(ctx, "report "+r.URL.RawQuery, func() (*query.Report, error) {
			values, err := parameters(r)
			if err != nil {
				return nil, err
			}
			return s.Engine.ParseReport(values)
		})
	})
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
	for one := range strings.SplitSeq(wanted, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" {
			one = strconv.Quote(tag)
		}
		if plain, _, _ := strings.Cut(strings.Trim(one, `"`), packedSuffix); plain == tag {
			w.Header().Set("ETag", one)
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}
