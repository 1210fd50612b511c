package verify

import (
	"fmt"
	"sync"

	"rollcall"
)

// values gives dimension values the store's numbers. Texts that the store does not know get numbers beyond its own.
type values struct {
	names []string
	mu    sync.RWMutex
	of    []map[string]rollcall.Value // by dimension
	texts [][]string
}

func newValues(names []string, texts [][]string) *values {
	v := &values{names: names}
	for d := range names {
		numbers := make(map[string]rollcall.Value, len(texts[d]))
		for x, text := range texts[d] {
			numbers[text] = rollcall.Value(x)
		}
		v.of, v.texts = append(v.of, numbers), append(v.texts, append([]string(nil), texts[d]...))
	}
	return v
}

func (v *values) number(dim int, text []byte) rollcall.Value {
	if len(text) == 0 {
		return rollcall.NotSetValue
	}
	v.mu.RLock()
	x, ok := v.of[dim][string(text)]
	v.mu.RUnlock()
	if ok {
		return x
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if x, ok = v.of[dim][string(text)]; !ok {
		x = rollcall.Value(len(v.texts[dim]))
		v.of[dim][string(text)] = x
		v.texts[dim] = append(v.texts[dim], string(text))
	}
	return x
}

func (v *values) text(dim int, x rollcall.Value) string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if int(x) < len(v.texts[dim]) {
		return v.texts[dim][x]
	}
	return fmt.Sprintf("(value %d, unknown to the store)", x)
}
