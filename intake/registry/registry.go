package registry

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"rollcall/intake"
)

const (
	magic      = 0
	headerSize = 5 // magic and the id of the schema
	maxReply   = 8 << 20
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
	maxRefs    = 200 // schemas that a schema refers to
)

// Config says where the registry is. Zero means the default.
type Config struct {
	URL                string // http(s)://host:port/path, without user and password
	Username, Password string
	TLS                *tls.Config
	Timeout            time.Duration // of a request; default 5 s
	Schemas            int           // held at once; default 1000
	Refuse             []int         // schema ids whose messages are refused
}

// Registry asks a schema registry and keeps what it said. It is safe for concurrent use.
type Registry struct {
	cfg    Config
	client *sr.Client
	idle   func()
	logger *slog.Logger

	mu      sync.RWMutex
	schemas map[key]any // of a kind's own type, or an error
}

type key struct {
	kind sr.SchemaType
	id   int
}

// New checks cfg. It asks nothing.
func New(cfg Config, logger *slog.Logger) (*Registry, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, errors.New("the schema registry's address is not http(s)://host:port, with user and password apart")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Schemas == 0 {
		cfg.Schemas = 1000
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: cfg.TLS, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}
	opts := []sr.ClientOpt{sr.URLs(cfg.URL), sr.UserAgent("rollcall"), sr.HTTPClient(&http.Client{Timeout: cfg.Timeout, Transport: limited{transport}})}
	if cfg.Username != "" {
		opts = append(opts, sr.BasicAuth(cfg.Username, cfg.Password))
	}
	client, err := sr.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	return &Registry{cfg: cfg, client: client, idle: transport.CloseIdleConnections, logger: logger, schemas: map[key]any{}}, nil
}

// Close ends idle connections.
func (r *Registry) Close() { r.idle() }

// limited cuts replies off at a size.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(q *http.Request) (*http.Response, error) {
	reply, err := l.RoundTripper.RoundTrip(q)
	if err == nil {
		reply.Body = http.MaxBytesReader(nil, reply.Body, maxReply)
	}
	return reply, err
}

// split gives the id of a message's schema and what is behind it.
func (r *Registry) split(value []byte) (id int, body []byte, err error) {
	if len(value) < headerSize || value[0] != magic {
		return 0, nil, mismatch("it does not begin with the byte 0 and the id of a schema")
	}
	id = int(binary.BigEndian.Uint32(value[1:]))
	if slices.Contains(r.cfg.Refuse, id) {
		return 0, nil, mismatch(fmt.Sprintf("messages of schema %d are refused by configuration", id))
	}
	return id, value[headerSize:], nil
}

func mismatch(why string) error { return fmt.Errorf("%w: %s", intake.ErrMismatch, why) }

// compiler makes of a schema, and those it refers to by name, what decodes its messages.
type compiler func(ctx context.Context, s sr.Schema, refs []reference) (any, error)

type reference struct{ name, text string }

// schema gives what compile made of a schema, and waits until the registry has it. The error is a mismatch, or ctx's.
func (r *Registry) schema(ctx context.Context, kind sr.SchemaType, id int, compile compiler) (any, error) {
	k := key{kind, id}
	r.mu.RLock()
	s, known := r.schemas[k]
	r.mu.RUnlock()
	if !known {
		var err error
		if s, err = r.patiently(ctx, k, compile); err != nil {
			return nil, err
		}
		r.keep(k, s)
	}
	if err, faulty := s.(error); faulty {
		return nil, err
	}
	return s, nil
}

// keep makes room by letting any other schema go: they are asked for again.
func (r *Registry) keep(k key, s any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other := range r.schemas {
		if len(r.schemas) < r.cfg.Schemas {
			break
		}
		delete(r.schemas, other)
	}
	r.schemas[k] = s
}

func (r *Registry) patiently(ctx context.Context, k key, compile compiler) (any, error) {
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		s, err := r.load(ctx, k, compile)
		if err == nil {
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.logger.Warn("schema registry: asking again; messages wait for it", "schema", k.id, "wait", wait, "error", err)
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
	}
}

// load asks the registry. A schema of no use becomes an error that is kept.
func (r *Registry) load(ctx context.Context, k key, compile compiler) (any, error) {
	s, err := r.client.SchemaByID(ctx, k.id)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", k.id, err)
	}
	if s.Type != k.kind {
		return mismatch(fmt.Sprintf("schema %d is of type %s, not %s", k.id, s.Type, k.kind)), nil
	}
	var refs []reference
	if refs, err = r.references(ctx, s, map[string]bool{}, nil); err != nil {
		return nil, fmt.Errorf("schema %d: %w", k.id, err)
	}
	compiled, err := compile(ctx, s, refs)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return mismatch(fmt.Sprintf("schema %d is of no use: %v", k.id, err)), nil
	}
	return compiled, nil
}

// references gives the schemas that s refers to, each behind those it refers to itself.
func (r *Registry) references(ctx context.Context, s sr.Schema, seen map[string]bool, all []reference) ([]reference, error) {
	for _, ref := range s.References {
		if seen[ref.Name] {
			continue
		}
		if seen[ref.Name] = true; len(seen) > maxRefs {
			return nil, fmt.Errorf("it refers to more than %d others", maxRefs)
		}
		found, err := r.client.SchemaByVersion(ctx, ref.Subject, ref.Version)
		if err != nil {
			return nil, fmt.Errorf("reference %s: %w", ref.Name, err)
		}
		if all, err = r.references(ctx, found.Schema, seen, all); err != nil {
			return nil, err
		}
		all = append(all, reference{ref.Name, found.Schema.Schema})
	}
	return all, nil
}
