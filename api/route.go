package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A weight tells what a request may cost.
type weight uint8

const (
	light   weight = iota
	heavy          // reads blocks: waits for its turn
	kept           // may be answered from what is kept, at once; else takes deadline and turn as a heavy one does
	foreign        // another part's: keeps its own limits
	endless        // a stream: no deadline
)

// route is one method of one path. The table of routes is the only list of them: the handler, the description, the
// metrics and the lists of methods all come from it.
type route struct {
	method, path string
	weight       weight
	handle       http.Handler
	operation    func(s *server) object // as OpenAPI has it
	tally        *tally                 // shared by the refusals
}

func (rt *route) name() string { return strings.TrimSpace(rt.method + " " + rt.path) }

// table lists the routes of the parts that are there.
func (s *server) table() []*route {
	var all []*route
	add := func(there bool, method, path string, w weight, handle http.HandlerFunc, operation func(*server) object) {
		if there {
			all = append(all, &route{method, path, w, handle, operation, &tally{}})
		}
	}
	packed := s.packed()
	add(s.Events != nil, "POST", "/v1/events", foreign, s.events, (*server).describeEvents)
	add(s.Engine != nil, "GET", "/api/v1/metrics", kept, packed(s.metrics), (*server).describeReport)
	add(s.Engine != nil, "GET", "/api/v1/query", kept, packed(s.queryGet), (*server).describeQuery)
	add(s.Engine != nil, "POST", "/api/v1/query", kept, packed(s.queryPost), (*server).describeQueryPost)
	add(s.Engine != nil, "GET", "/api/v1/retention", kept, packed(s.retention), (*server).describeRetention)
	add(s.Engine != nil, "GET", "/api/v1/explain", heavy, packed(s.explain), (*server).describeExplain)
	add(s.Engine != nil, "GET", "/api/v1/dimensions", light, s.dimensions, (*server).describeDimensions)
	add(s.Engine != nil, "GET", "/api/v1/dimensions/{name}", heavy, packed(s.values), (*server).describeValues)
	add(s.Status != nil, "GET", "/api/v1/status", light, packed(s.status), (*server).describeStatus)
	add(s.Letters != nil, "GET", "/api/v1/quarantine", heavy, packed(s.quarantine), (*server).describeQuarantine)
	add(s.Verify != nil, "POST", "/api/v1/verify", endless, s.verify, (*server).describeVerify)
	add(s.Builds != nil, "GET", "/api/v1/builds", light, s.builds, (*server).describeBuilds)
	add(s.Rebuilds != nil, "POST", "/api/v1/rebuild", light, s.rebuild, (*server).describeRebuild)
	add(s.Rebuilds != nil, "DELETE", "/api/v1/rebuild", light, s.cancelRebuild, (*server).describeCancel)
	add(s.Heads != nil, "GET", "/api/v1/stream", endless, s.stream, (*server).describeStream)
	add(true, "GET", "/openapi.json", light, packed(s.openAPI), (*server).describeItself)
	add(true, "GET", "/metrics", light, promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{}).ServeHTTP, (*server).describeMeters)
	add(true, "GET", "/healthz", light, s.health, (*server).describeHealth)
	add(true, "GET", "/readyz", light, s.ready, (*server).describeReady)
	return append(all, &route{handle: http.HandlerFunc(s.rest), tally: &tally{}})
}

// handler mounts the routes. A pattern without a method takes what no route of its path does.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, rt := range s.routes {
		if rt.path == "" {
			mux.Handle("/", s.served(rt))
			continue
		}
		mux.Handle(rt.name(), s.served(rt))
		if rt.method == http.MethodGet {
			allowed[rt.path] = append(allowed[rt.path], http.MethodHead)
		}
		allowed[rt.path] = append(allowed[rt.path], rt.method)
	}
	other := s.routes[len(s.routes)-1]
	for path, methods := range allowed {
		slices.Sort(methods)
		mux.Handle(path, s.served(&route{handle: s.otherMethod(append(methods, http.MethodOptions)), tally: other.tally}))
	}
	return mux
}

// served runs a route: it sets the headers of every reply, the deadline, and counts.
func (s *server) served(rt *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rep, ok := s.replies.Get().(*reply)
		if !ok {
			rep = &reply{}
		}
		*rep = reply{ResponseWriter: w, server: s}
		span := rt.tally.start()
		defer func() {
			span.end(rep.code())
			rep.end()
			s.replies.Put(rep)
		}()
		setHeaders(w.Header())
		s.run(rt, rep, r)
		rep.done = true
	})
}

func (s *server) run(rt *route, w *reply, r *http.Request) {
	if rt.weight != light && rt.weight != heavy {
		rt.handle.ServeHTTP(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.Deadline)
	defer cancel()
	r = r.WithContext(ctx)
	if rt.weight == heavy {
		if err := w.enter(ctx); err != nil {
			s.busy(w, r)
			return
		}
	}
	rt.handle.ServeHTTP(w, r)
}

// Values of headers that every reply has. They are shared: headers are replaced, never changed in place.
var (
	jsonType   = []string{"application/json"}
	nosniff    = []string{"nosniff"}
	policy     = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer = []string{"no-referrer"}
	noCache    = []string{"no-cache"}
	varied     = []string{"Accept-Encoding"}
)

func setHeaders(h http.Header) {
	h["X-Content-Type-Options"] = nosniff
	h["Content-Security-Policy"] = policy
	h["Referrer-Policy"] = noReferrer
	h["Cache-Control"] = noCache
}

func (s *server) events(w http.ResponseWriter, r *http.Request) { s.Events.ServeHTTP(w, r) }

// rest serves what is no path of the API: the page, or 404.
func (s *server) rest(w http.ResponseWriter, r *http.Request) {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case s.Page == nil || strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/v1/"):
		s.notFound(w, r)
	case read:
		s.Page.ServeHTTP(w, r)
	default:
		s.otherMethod([]string{http.MethodGet, http.MethodHead, http.MethodOptions})(w, r)
	}
}

// otherMethod answers OPTIONS, and refuses the rest.
func (s *server) otherMethod(allowed []string) http.HandlerFunc {
	list := strings.Join(allowed, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", list)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		s.writeProblem(w, r, problem{Type: "about:blank", Status: http.StatusMethodNotAllowed,
			Detail: r.URL.Path + " does not take " + r.Method, Valid: allowed})
	}
}
