package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"rollcall"
	"rollcall/decode"
	"rollcall/eventlog"
	"rollcall/store"
)

// maxReported is the most rejected events a reply lists; the rest is in the quarantine like them, and counted.
const maxReported = 10_000

// maxRecords is the most records of one body.
const maxRecords = 250_000

// maxKey is the longest Idempotency-Key in bytes, so that key#index still is an event id.
const maxKey = 200

// keptBuffer is the largest body buffer that is kept for the next request.
const keptBuffer = 2 << 20

// Config limits the HTTP edge.
type Config struct {
	Shape
	MaxBody int64    // bytes, packed or not
	Rate    int      // events a second; 0 for no limit
	Keys    []string // API keys; none lets everybody in
}

// Deps is what the HTTP edge works with.
type Deps struct {
	Log        eventlog.Appender
	Quarantine *Quarantine
	Logger     *slog.Logger
	Now        func() time.Time
}

// Handler serves POST /v1/events.
type Handler struct {
	cfg     Config
	deps    Deps
	keys    Keyring
	bucket  *bucket
	workers sync.Pool // of *worker
}

// NewHandler checks cfg by making the first decoder.
func NewHandler(cfg Config, deps Deps) (*Handler, error) {
	cfg.Shards = deps.Log.Shards()
	h := &Handler{cfg: cfg, deps: deps, keys: NewKeyring(cfg.Keys), bucket: newBucket(cfg.Rate, deps.Now)}
	first, err := newWorker(&h.cfg)
	if err != nil {
		return nil, err
	}
	h.workers.Put(first)
	return h, nil
}

// worker holds the memory of one request, and is used again for others.
type worker struct {
	unpacker
	decoder  *decode.Decoder
	batch    *batch
	rejected []rejection
	letters  []store.DeadLetter
	more     int // rejected beyond those listed
	noID     bool
	key, id  []byte
	reply    []byte
	each     decode.Each
}

type rejection struct {
	index  int
	reason string
}

func newWorker(cfg *Config) (*worker, error) {
	d, err := cfg.decoder()
	if err != nil {
		return nil, err
	}
	w := &worker{decoder: d, batch: newBatch(&cfg.Shape)}
	w.each = w.take
	return w, nil
}

func (w *worker) reset(key string) {
	w.batch.reset()
	w.rejected, w.letters, w.more, w.noID = w.rejected[:0], w.letters[:0], 0, false
	w.key = append(w.key[:0], key...)
}

// take is called for every record of a body.
func (w *worker) take(index int, raw []byte, ev *rollcall.Event, rej *decode.Reject) error {
	if index >= maxRecords {
		return errTooMany
	}
	if rej != nil {
		w.reject(index, raw, rej)
		return nil
	}
	if len(ev.ID) == 0 {
		if len(w.key) > 0 {
			w.id = append(append(w.id[:0], w.key...), '#')
			w.id = strconv.AppendInt(w.id, int64(index), 10)
			ev.ID = w.id
		} else {
			w.noID = true
		}
	}
	w.batch.add(ev)
	return nil
}

func (w *worker) reject(index int, raw []byte, rej *decode.Reject) {
	w.letters = append(w.letters, store.DeadLetter{Reason: string(rej.Reason), Detail: rej.Error(), Raw: raw, Number: int64(index)})
	if len(w.rejected) == maxReported {
		w.more++
		return
	}
	w.rejected = append(w.rejected, rejection{index, rej.Error()})
}

// ServeHTTP takes one request in.
func (h *Handler) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if p := h.refuse(r); p != nil {
		p.write(rw)
		return
	}
	w, ok := h.workers.Get().(*worker)
	if !ok {
		var err error
		if w, err = newWorker(&h.cfg); err != nil {
			h.failure(r, err).write(rw)
			return
		}
	}
	defer h.release(w)
	w.reset(r.Header.Get("Idempotency-Key"))
	if p := h.serve(w, r); p != nil {
		p.write(rw)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(http.StatusAccepted)
	// A client that is gone retries; there is nobody to tell.
	_, _ = rw.Write(w.result())
}

func (h *Handler) release(w *worker) {
	clear(w.letters)
	if cap(w.buf) <= keptBuffer {
		h.workers.Put(w)
	}
}

// refuse looks at all that can be judged without the body.
func (h *Handler) refuse(r *http.Request) *problem {
	if r.Method != http.MethodPost {
		return &problem{Status: http.StatusMethodNotAllowed, Detail: "send events with POST"}
	}
	if status := h.keys.Status(r.Header); status != 0 {
		return &problem{Status: status, Detail: "send a valid key as Authorization: Bearer KEY, or as X-Api-Key"}
	}
	if n := len(r.Header.Get("Idempotency-Key")); n > maxKey {
		return &problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf("Idempotency-Key has %d bytes; send at most %d", n, maxKey)}
	}
	if wait := h.bucket.wait(); wait > 0 {
		return &problem{Status: http.StatusTooManyRequests, Detail: fmt.Sprintf("over %d events a second", h.cfg.Rate), retry: wait}
	}
	return nil
}

// serve reads, decodes and appends.
func (h *Handler) serve(w *worker, r *http.Request) *problem {
	body, err := w.read(r, h.cfg.MaxBody)
	switch {
	case errors.Is(err, errTooLarge):
		return &problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body is larger than %d bytes, packed or unpacked; send it in parts", h.cfg.MaxBody)}
	case errors.Is(err, errEncoding):
		return &problem{Status: http.StatusUnsupportedMediaType, Detail: err.Error() + "; send gzip, zstd or neither"}
	case err != nil:
		return &problem{Status: http.StatusBadRequest, Detail: err.Error()}
	case len(bytes.TrimSpace(body)) == 0:
		return &problem{Status: http.StatusBadRequest, Detail: "the body is empty; send a JSON object, an array of them, or one a line"}
	}
	switch err := w.decoder.Body(body, w.each); {
	case errors.Is(err, errTooMany):
		return &problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body holds more than %d records; send it in parts", maxRecords)}
	case err != nil:
		return &problem{Status: http.StatusBadRequest, Detail: err.Error()}
	}
	h.bucket.charge(w.batch.count + len(w.letters))
	if w.batch.count > 0 {
		if err := h.deps.Log.Append(r.Context(), w.batch.seal(), nil); err != nil {
			return h.failure(r, err)
		}
	}
	h.bury(r.Context(), w, r.RemoteAddr)
	return nil
}

// bury sends the rejected events to the quarantine.
func (h *Handler) bury(ctx context.Context, w *worker, from string) {
	at := h.deps.Now().UnixMilli()
	for _, l := range w.letters {
		l.Source = from + "#" + strconv.FormatInt(l.Number, 10)
		l.At, l.Number = at, 0
		h.deps.Quarantine.Add(ctx, l)
	}
}

func (h *Handler) failure(r *http.Request, err error) *problem {
	if errors.Is(err, eventlog.ErrFull) {
		return &problem{Status: http.StatusTooManyRequests, Detail: "the log is full; try again later", retry: 5 * time.Second}
	}
	h.deps.Logger.Error("append events", "remote", r.RemoteAddr, "error", err)
	return &problem{Status: http.StatusServiceUnavailable, Detail: "the log is not available; try again, with event_id or Idempotency-Key so that nothing counts twice", retry: 2 * time.Second}
}

// result writes the reply of an accepted request.
func (w *worker) result() []byte {
	b := append(w.reply[:0], `{"accepted":`...)
	b = strconv.AppendInt(b, int64(w.batch.count), 10)
	b = append(b, `,"duplicates_possible":`...)
	b = strconv.AppendBool(b, w.noID)
	b = append(b, `,"rejected":[`...)
	for i, r := range w.rejected {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"index":`...)
		b = strconv.AppendInt(b, int64(r.index), 10)
		b = append(b, `,"reason":`...)
		b = appendJSON(b, r.reason)
		b = append(b, '}')
	}
	b = append(b, ']')
	if w.more > 0 {
		b = append(b, `,"rejected_total":`...)
		b = strconv.AppendInt(b, int64(w.more+len(w.rejected)), 10)
	}
	w.reply = append(b, '}', '\n')
	return w.reply
}

func appendJSON(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...)
	}
	return append(b, quoted...)
}

// problem is a refusal as RFC 9457 tells it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	retry  time.Duration
}

func (p *problem) write(rw http.ResponseWriter) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	header := rw.Header()
	header.Set("Content-Type", "application/problem+json")
	if p.retry > 0 {
		header.Set("Retry-After", strconv.Itoa(int((p.retry+time.Second-1)/time.Second)))
	}
	switch p.Status {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	}
	rw.WriteHeader(p.Status)
	// A client that is gone needs no answer.
	_ = json.NewEncoder(rw).Encode(p)
}
