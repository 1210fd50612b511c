//go:build unix

package redis

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
)

func TestRoundTrip(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, Config{Addr: s.Addr, Timeout: 10 * time.Second, TTL: 100 * time.Second, Prefix: "other", MaxValueBytes: 4 << 20})
	blobs := sized(keysOf(400), 300)
	blobs["empty"] = []byte{}
	blobs["large"] = sized([]string{"x"}, 4<<20)["x"]
	blobs["\x00 any\r\n{key} ü"] = []byte{0, 13, 10}
	put(t, c, blobs)
	keys := slices.Sorted(maps.Keys(blobs))
	wantBlobs(t, c, append(keys, "none", ""), blobs)
	if got := c.Get(t.Context(), nil); len(got) != 0 {
		t.Errorf("no keys: %v", got)
	}
	wantEnd(t, s, "other:", len(blobs), 100)
	c.Put(map[string][]byte{"larger": make([]byte, 4<<20+1)})
	if s := c.Stats(); s.TooLarge != 1 || s.Hits != int64(len(blobs)) || s.Misses != 2 || s.Breaker != "closed" || s.Pending != 0 || s.PendingBytes != 0 {
		t.Errorf("%+v", s)
	}
}

// wantEnd checks that the server holds count keys, all with the prefix and an end.
func wantEnd(t *testing.T, s *redistest.Server, prefix string, count, ttl int) {
	t.Helper()
	script := `local odd = 0
for _, k in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('TTL', k)
  if string.sub(k, 1, #ARGV[1]) ~= ARGV[1] or left < 1 or left > tonumber(ARGV[2]) then odd = odd + 1 end
end
return odd`
	if odd := s.Do("EVAL", script, "0", prefix, strconv.Itoa(ttl)); odd != "0" {
		t.Errorf("%s keys without prefix %q or an end within %d s", odd, prefix, ttl)
	}
	if n := s.Do("DBSIZE"); n != strconv.Itoa(count) {
		t.Errorf("%s keys at the server, want %d", n, count)
	}
}

func TestBlobsEnd(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, Config{Addr: s.Addr, Timeout: 10 * time.Second, TTL: time.Second})
	put(t, c, map[string][]byte{"a": []byte("1")})
	redistest.Eventually(t, "the blob has ended", func() bool { return c.Get(t.Context(), []string{"a"})[0] == nil })
}

func TestDelete(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, patient(s.Addr))
	keys := keysOf(300)
	blobs := sized(keys, 20)
	put(t, c, blobs)
	c.Delete(keys[:299])
	redistest.Eventually(t, "superseded keys are deleted", func() bool { return s.Do("DBSIZE") == "1" })
	wantBlobs(t, c, keys, map[string][]byte{keys[299]: blobs[keys[299]]})
	redistest.Eventually(t, "deletes are counted", func() bool { return c.Stats().Deletes == 299 })
}

func TestFlushAll(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, patient(s.Addr))
	blobs := sized(keysOf(10), 20)
	put(t, c, blobs)
	s.Do("FLUSHALL")
	wantBlobs(t, c, keysOf(10), nil)
	put(t, c, blobs)
	wantBlobs(t, c, keysOf(10), blobs)
}

func TestDamagedAndForeignValues(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, Config{Addr: s.Addr, Timeout: 10 * time.Second, MaxValueBytes: 1000})
	put(t, c, map[string][]byte{"a": []byte("the blob of a"), "b": []byte("the blob of b")})
	s.Do("COPY", "rollcall:a", "rollcall:elsewhere")
	s.Do("SETRANGE", "rollcall:a", "9", "X")
	s.Do("SET", "rollcall:foreign", "hello, world")
	s.Do("SET", "rollcall:short", "\x01")
	s.Do("SET", "rollcall:none", "")
	s.Do("RPUSH", "rollcall:list", "x")
	s.Do("SET", "rollcall:large", string(appendSealed(nil, "rollcall:large", make([]byte, 1001))))
	wantBlobs(t, c, []string{"a", "elsewhere", "foreign", "short", "none", "list", "large", "b"}, map[string][]byte{"b": []byte("the blob of b")})
	if s := c.Stats(); s.BadValues != 6 || s.Breaker != "closed" { // MGET does not tell a list from nothing
		t.Errorf("%+v", s)
	}
}

// A flipped bit anywhere in a value, or a cut, makes it nothing.
func TestUnsealFindsEveryFlippedBit(t *testing.T) {
	value := appendSealed(nil, "key", []byte("some blob"))
	if blob, ok := unseal("key", value, 9); !ok || string(blob) != "some blob" {
		t.Fatal("a sound value is refused")
	}
	for bit := range 8 * len(value) {
		value[bit/8] ^= 1 << (bit % 8)
		if _, ok := unseal("key", value, 9); ok {
			t.Errorf("bit %d flipped, and taken", bit)
		}
		value[bit/8] ^= 1 << (bit % 8)
	}
	for n := range value {
		if _, ok := unseal("key", value[:n], 9); ok {
			t.Errorf("cut to %d bytes, and taken", n)
		}
	}
	if _, ok := unseal("kez", value, 9); ok {
		t.Error("taken under another key")
	}
	if _, ok := unseal("key", value, 8); ok {
		t.Error("taken though it is too large")
	}
}

func TestConfigRefused(t *testing.T) {
	for _, cfg := range []Config{{TTL: time.Millisecond}, {TTL: -1}, {Timeout: -1}, {MaxPending: -1}, {Prefix: "a{b}"},
		{Prefix: strings.Repeat("x", 65)}, {Addr: "host:99999"}} {
		if c, err := New(cfg, Deps{}); err == nil {
			c.Close()
			t.Errorf("%+v was taken", cfg)
		}
	}
}
