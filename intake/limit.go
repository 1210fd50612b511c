package intake

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
	"time"
)

// bucket limits the rate of events. It lets a request in while anything is left, and charges what it held afterwards, so
// that no size of request is refused for ever.
type bucket struct {
	rate float64 // events a second; 0 for no limit
	now  func() time.Time

	mu   sync.Mutex
	left float64
	at   time.Time
}

func newBucket(rate int, now func() time.Time) *bucket {
	return &bucket{rate: float64(rate), left: float64(rate), now: now, at: now()}
}

// wait gives how long to wait before the next request; 0 lets it in.
func (b *bucket) wait() time.Duration {
	if b.rate == 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	if b.left > 0 {
		return 0
	}
	return time.Duration((1 - b.left) / b.rate * float64(time.Second))
}

func (b *bucket) charge(events int) {
	if b.rate == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	b.left -= float64(events)
}

// refill keeps at most one second's worth.
func (b *bucket) refill() {
	now := b.now()
	b.left = min(b.left+now.Sub(b.at).Seconds()*b.rate, b.rate)
	b.at = now
}

// Keyring holds API keys, as hashes of one length so that comparing tells nothing.
type Keyring [][sha256.Size]byte

// NewKeyring makes the keyring of these keys; one of none lets everybody pass.
func NewKeyring(keys []string) Keyring {
	var r Keyring
	for _, k := range keys {
		r = append(r, sha256.Sum256([]byte(k)))
	}
	return r
}

// Status gives 0 for a request that may pass, 401 for one without a key, 403 for one with a wrong key.
func (r Keyring) Status(h http.Header) int {
	if len(r) == 0 {
		return 0
	}
	given := h.Get("X-Api-Key")
	if scheme, token, ok := strings.Cut(h.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		given = strings.TrimSpace(token)
	}
	if given == "" {
		return http.StatusUnauthorized
	}
	sum, ok := sha256.Sum256([]byte(given)), 0
	for i := range r {
		ok |= subtle.ConstantTimeCompare(sum[:], r[i][:])
	}
	if ok == 0 {
		return http.StatusForbidden
	}
	return 0
}
