//go:build unix

package redis

import (
	"fmt"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
)

func BenchmarkGet(b *testing.B) {
	s := redistest.Start(b)
	for _, size := range []int{300, 100_000} {
		for _, n := range []int{90, 360} {
			b.Run(fmt.Sprintf("keys=%d/bytes=%d", n, size), func(b *testing.B) {
				c := open(b, patient(s.Addr))
				keys := keysOf(n)
				put(b, c, sized(keys, size))
				benchGet(b, c, keys)
				b.SetBytes(int64(n * size))
			})
		}
	}
}

func BenchmarkGetCluster(b *testing.B) {
	g := redistest.StartCluster(b)
	c := open(b, patient(g.URL))
	keys := keysOf(360)
	put(b, c, sized(keys, 300))
	benchGet(b, c, keys)
}

func benchGet(b *testing.B, c *Cache, keys []string) {
	b.ReportAllocs()
	for b.Loop() {
		if blobs := c.Get(b.Context(), keys); blobs[0] == nil {
			b.Fatal("not found")
		}
	}
}

// BenchmarkGetOpen is what a Get costs while the server is away.
func BenchmarkGetOpen(b *testing.B) {
	s := redistest.Start(b)
	s.Kill()
	c := open(b, Config{Addr: s.Addr})
	keys := keysOf(90)
	b.ReportAllocs()
	for b.Loop() {
		c.Get(b.Context(), keys)
	}
}

// BenchmarkPut is 90 blobs from Put to the server's reply.
func BenchmarkPut(b *testing.B) {
	s := redistest.Start(b)
	c := open(b, patient(s.Addr))
	blobs := sized(keysOf(90), 300)
	b.ReportAllocs()
	for want := c.Stats().Puts; b.Loop(); {
		want += int64(len(blobs))
		for c.Put(blobs); c.Stats().Puts < want; {
			time.Sleep(50 * time.Microsecond)
		}
	}
}
