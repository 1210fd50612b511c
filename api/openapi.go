package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// openAPI serves the description of the API.
func (s *server) openAPI(w http.ResponseWriter, r *http.Request) {
	body := s.document()
	sum := sha256.Sum256(body)
	tag := hex.EncodeToString(sum[:8])
	if notModified(w, r.Header.Get("If-None-Match"), tag) {
		return
	}
	w.Header().Set("ETag", strconv.Quote(tag))
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(body)
	s.lost(r, err)
}

// describe writes the OpenAPI document from the table of routes. Each route has a GET, its HEAD, or a POST.
func (s *server) describe() []byte {
	paths := object{}
	for _, rt := range s.routes {
		if rt.path == "" {
			continue
		}
		if paths[rt.path] == nil {
			paths[rt.path] = object{}
		}
		operation := rt.operation(s)
		operation["operationId"] = operationID(rt)
		paths[rt.path].(object)[strings.ToLower(rt.method)] = operation
	}
	var out bytes.Buffer
	err := json.MarshalWrite(&out, object{
		"openapi": "3.1.0",
		"info": object{"title": "Rollcall", "version": "1", "summary": "Exact distinct-user figures",
			"license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"}},
		"servers": array{object{"url": "/"}},
		"paths":   paths,
		"components": object{
			"schemas":         object{"Problem": schema[problem]()},
			"responses":       problems(),
			"securitySchemes": object{"bearer": object{"type": "http", "scheme": "bearer"}, "key": object{"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
		},
	}, json.Deterministic(true), jsontext.WithIndent(" "))
	if err != nil {
		panic(err) // it is made of texts, lists and objects
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// operationID names an operation as its path does: get-api-v1-dimensions-name.
func operationID(rt *route) string {
	return strings.ToLower(rt.method) + strings.NewReplacer("/", "-", "{", "", "}", "", ".", "-").Replace(rt.path)
}

// problems are the replies that refuse, by status.
func problems() object {
	all := object{}
	for status, doc := range map[int]string{
		http.StatusBadRequest:            "Something is wrong with the request; parameter names it, valid lists what is right.",
		http.StatusUnauthorized:          "No key was sent.",
		http.StatusForbidden:             "The key is not valid.",
		http.StatusConflict:              "Something else is under way; Retry-After tells when to come again.",
		http.StatusRequestEntityTooLarge: "The body is too large.",
		http.StatusUnsupportedMediaType:  "The body has another Content-Encoding than gzip and zstd.",
		http.StatusUnprocessableEntity:   "Answering would read more than is allowed: estimate and limit, in cells and user-set entries.",
		http.StatusTooManyRequests:       "Over the rate, or the log is full; Retry-After has the seconds to wait.",
		http.StatusInternalServerError:   "The figures could not be read; the server's log says why.",
		http.StatusServiceUnavailable:    "Busy, or a deadline has passed; Retry-After has the seconds to wait.",
	} {
		one := response(doc, content("application/problem+json", object{"$ref": "#/components/schemas/Problem"},
			object{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": doc}))
		all[strconv.Itoa(status)] = one
	}
	return all
}
