package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"rollcall/query"
)

// Config is what the handler works with.
type Config struct {
	Engine    *query.Engine
	Status    func(ctx context.Context) (any, error) // the reply of /api/v1/status, written as JSON
	Ready     func(ctx context.Context) error        // why the node can't serve; nil when it can
	Freshness func() time.Time                       // every event acknowledged up to then is committed; may be nil
	Logger    *slog.Logger                           // default slog.Default()
	Deadline  time.Duration                          // of one request; default 30 s
}

const maxBody = 64 << 10

type server struct {
	Config
	bodies sync.Pool // *[]byte
}

// New makes the handler of every path below /api/v1 but the intake's, and of /healthz and /readyz.
func New(cfg Config) http.Handler {
	if cfg.Deadline == 0 {
		cfg.Deadline = 30 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &server{Config: cfg, bodies: sync.Pool{New: func() any { return new([]byte) }}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/metrics", s.metrics)
	mux.HandleFunc("GET /api/v1/query", s.queryGet)
	mux.HandleFunc("POST /api/v1/query", s.queryPost)
	mux.HandleFunc("GET /api/v1/retention", s.retention)
	mux.HandleFunc("GET /api/v1/dimensions", s.dimensions)
	mux.HandleFunc("GET /api/v1/dimensions/{name}", s.values)
	mux.HandleFunc("GET /api/v1/status", s.status)
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("/api/", s.notFound)
	return s.guard(mux)
}

// guard sets the headers of every reply and the deadline of every request.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		ctx, cancel := context.WithTimeout(r.Context(), s.Deadline)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") }

func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	if s.Ready != nil {
		if err := s.Ready(r.Context()); err != nil {
			writeText(w, http.StatusServiceUnavailable, err.Error())
			return
		}
	}
	writeText(w, http.StatusOK, "ready")
}

func (s *server) status(w http.ResponseWriter, r *http.Request) {
	if s.Status == nil {
		s.notFound(w, r)
		return
	}
	state, err := s.Status(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, state)
}
