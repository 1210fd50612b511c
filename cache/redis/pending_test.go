package redis

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is added and taken: what waits is bounded, nothing taken is older than the last call for its key, and nothing
// that was refused or overruled comes out.
func TestPendingIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const maxKeys, maxBytes = 5, 100
		p, model := newPending(maxKeys, maxBytes), map[string]op{}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				key := fmt.Sprint(rapid.IntRange(0, 8).Draw(t, "key"))
				o := op{gone: rapid.Bool().Draw(t, "gone")}
				if !o.gone {
					o.blob = make([]byte, rapid.IntRange(0, 60).Draw(t, "size"))
				}
				delete(model, key)
				room := len(model) < maxKeys && total(model)+len(o.blob) <= maxBytes
				if p.add(key, o) != room {
					t.Fatalf("add of %d bytes: %t with %d keys, %d bytes", len(o.blob), !room, len(model), total(model))
				}
				if room {
					model[key] = o
				}
			},
			"take": func(t *rapid.T) {
				some := p.take(2, 50)
				if len(some) > 2 || len(some) == 0 && len(model) > 0 {
					t.Fatalf("took %d of %d", len(some), len(model))
				}
				for key, o := range some {
					if want, found := model[key]; !found || want.gone != o.gone || len(want.blob) != len(o.blob) {
						t.Fatalf("took %q %+v, want %+v", key, o, want)
					}
					delete(model, key)
				}
			},
			"": func(t *rapid.T) {
				if keys, bytes := p.size(); keys != len(model) || bytes != total(model) {
					t.Fatalf("%d keys, %d bytes; want %d, %d", keys, bytes, len(model), total(model))
				}
			},
		})
	})
}

func total(ops map[string]op) (bytes int) {
	for _, o := range ops {
		bytes += len(o.blob)
	}
	return bytes
}
