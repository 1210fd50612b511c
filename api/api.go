package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rollcall"
	"rollcall/query"
)

// Config is what the handler works with. Parts that are nil are left out.
type Config struct {
	Engine    *query.Engine
	Calendar  rollcall.Calendar                      // the report time zone; default UTC
	Status    func(ctx context.Context) (any, error) // the reply of /api/v1/status, written as JSON
	StatusOf  any                                    // a value of the type that Status gives, to describe it
	Ready     func(ctx context.Context) error        // why the node can't serve; nil when it can
	Freshness func() time.Time                       // every event acknowledged up to then is committed
	Heads     Heads                                  // for the stream
	Letters   Letters                                // the quarantine
	Builds    Builds                                 // builds of the figures
	Rebuilds  Rebuilds                               // makes them anew; nil where nobody does
	Allowed   func(h http.Header) (status int)       // whether a request may see users' data: 0, or 401 or 403; default all may
	Verify    *Verify                                // POST /api/v1/verify
	Events    http.Handler                           // POST /v1/events
	Page      http.Handler                           // GET of everything that is not the API's
	Registry  *prometheus.Registry                   // served at /metrics, with the handler's own; default a new one
	Logger    *slog.Logger                           // default slog.Default()
	Base      context.Context                        // streams end with it; default never

	Deadline     time.Duration // of one request but a stream; default 30 s
	Pace         time.Duration // for the client to take 64 KiB of a reply, or an event of the stream; default 30 s
	MaxHeavy     int           // replies under construction; default 4 a core, at least 8
	MaxSending   int           // replies beyond 64 KiB that are being written; default 16 for each of MaxHeavy
	MaxListeners int           // of the stream; default 1,000
}

const maxBody = 64 << 10

type server struct {
	Config
	routes    []*route
	gate      *gate
	listeners listeners
	changes   changes
	freshness freshness
	replies   sync.Pool // of *reply
	bodies    sync.Pool // of *bytes.Buffer
	document  func() []byte
	verifying atomic.Bool
}

// New makes the handler of every path. It registers its metrics in the registry.
func New(cfg Config) http.Handler { return newServer(cfg).handler() }

func newServer(cfg Config) *server {
	cfg = cfg.defaults()
	s := &server{Config: cfg, gate: newGate(cfg.MaxHeavy, cfg.MaxSending)}
	s.listeners.most = int64(cfg.MaxListeners)
	s.changes.server, s.freshness.server = s, s
	s.replies.New = func() any { return &reply{} }
	s.routes = s.table()
	s.document = sync.OnceValue(s.describe)
	cfg.Registry.MustRegister(newMeters(s))
	return s
}

func (c Config) defaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Registry == nil {
		c.Registry = prometheus.NewRegistry()
	}
	if c.Base == nil {
		c.Base = context.Background()
	}
	if c.Calendar == (rollcall.Calendar{}) {
		c.Calendar = rollcall.NewCalendar(time.UTC)
	}
	c.Deadline = cmp.Or(c.Deadline, 30*time.Second)
	c.Pace = cmp.Or(c.Pace, 30*time.Second)
	c.MaxHeavy = cmp.Or(c.MaxHeavy, max(4*runtime.GOMAXPROCS(0), 8))
	c.MaxSending = cmp.Or(c.MaxSending, 16*c.MaxHeavy)
	c.MaxListeners = cmp.Or(c.MaxListeners, 1000)
	return c
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
	state, err := s.Status(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, state)
}
