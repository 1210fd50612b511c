package registry

import (
	"context"
	"fmt"
	"sync"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/sr"

	"rollcall/intake"
)

const (
	maxDepth = 32
	maxItems = 1 << 20 // of the arrays and maps of a message
)

// Avro is the format of Avro messages.
type Avro struct {
	registry *Registry
	writers  sync.Pool // of *avroWriter
}

// Avro gives the format of Avro messages.
func (r *Registry) Avro() *Avro { return &Avro{registry: r} }

// AppendJSON appends the record.
func (a *Avro) AppendJSON(ctx context.Context, b, value []byte) ([]byte, error) {
	id, body, err := a.registry.split(value)
	if err != nil {
		return b, err
	}
	s, err := a.registry.schema(ctx, sr.TypeAvro, id, compileAvro)
	if err != nil {
		return b, err
	}
	w, ok := a.writers.Get().(*avroWriter)
	if !ok {
		w = &avroWriter{}
	}
	defer a.writers.Put(w)
	w.avroReader = avroReader{b: body}
	w.out, w.prefix, w.items = append(b, '{'), w.prefix[:0], 0
	w.record(s.(*avro.RecordSchema), 0)
	b, w.out, w.b = append(w.out, '}'), nil, nil
	if w.bad == "" && w.p < len(body) {
		w.bad = "bytes follow the record"
	}
	if w.bad != "" {
		return b, mismatch(fmt.Sprintf("schema %d: byte %d: %s", id, headerSize+w.p, w.bad))
	}
	return b, nil
}

func compileAvro(_ context.Context, s sr.Schema, refs []reference) (any, error) {
	cache := &avro.SchemaCache{}
	for _, ref := range refs {
		if _, err := avro.ParseWithCache(ref.text, "", cache); err != nil {
			return nil, fmt.Errorf("reference %s: %w", ref.name, err)
		}
	}
	parsed, err := avro.ParseWithCache(s.Schema, "", cache)
	if err != nil {
		return nil, err
	}
	if ref, ok := parsed.(*avro.RefSchema); ok {
		parsed = ref.Schema()
	}
	if r, ok := parsed.(*avro.RecordSchema); ok {
		return r, nil
	}
	return nil, fmt.Errorf("it is no record but %s", parsed.Type())
}

// avroWriter writes the JSON of a record as it reads it.
type avroWriter struct {
	avroReader
	out    []byte
	prefix []byte // path of the record at hand, with its last dot
	items  int
}

func (w *avroWriter) record(s *avro.RecordSchema, depth int) {
	if depth > maxDepth {
		w.fail("more than 32 levels")
		return
	}
	for _, f := range s.Fields() {
		if w.bad != "" {
			return
		}
		w.field(f.Name(), f.Type(), depth)
	}
}

// field writes a field, or those of the record that it is.
func (w *avroWriter) field(name string, s avro.Schema, depth int) {
	s = w.resolve(s)
	if r, ok := s.(*avro.RecordSchema); ok {
		n := len(w.prefix)
		w.prefix = append(append(w.prefix, name...), '.')
		w.record(r, depth+1)
		w.prefix = w.prefix[:n]
		return
	}
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
	w.out = append(append(append(append(w.out, '"'), w.prefix...), name...), '"', ':')
	w.scalar(s, depth)
}

// resolve follows a name, and reads which branch of a union there is.
func (w *avroWriter) resolve(s avro.Schema) avro.Schema {
	for {
		switch t := s.(type) {
		case *avro.RefSchema:
			s = t.Schema()
		case *avro.UnionSchema:
			n := w.long()
			if n < 0 || n >= int64(len(t.Types())) {
				w.fail("no such branch of a union")
				return &avro.NullSchema{}
			}
			s = t.Types()[n]
		default:
			return s
		}
	}
}

// scalar writes a value that is no record.
func (w *avroWriter) scalar(s avro.Schema, depth int) {
	switch t := s.(type) {
	case *avro.NullSchema:
		w.out = append(w.out, "null"...)
	case *avro.PrimitiveSchema:
		w.primitive(t)
	case *avro.EnumSchema:
		symbol, ok := t.Symbol(int(w.long()))
		if !ok {
			w.fail("no such symbol")
		}
		w.out = intake.AppendString(w.out, symbol)
	case *avro.FixedSchema:
		w.fixed(t)
	default:
		w.out = append(w.out, '[', ']')
		w.skip(s, depth)
	}
}

// skip reads over a value.
func (w *avroWriter) skip(s avro.Schema, depth int) {
	switch t := w.resolve(s).(type) {
	case *avro.RecordSchema:
		for _, f := range t.Fields() {
			if depth >= maxDepth {
				w.fail("more than 32 levels")
			}
			if w.bad != "" {
				return
			}
			w.skip(f.Type(), depth+1)
		}
	case *avro.ArraySchema:
		w.blocks(func() { w.skip(t.Items(), depth+1) }, depth)
	case *avro.MapSchema:
		w.blocks(func() { w.bytes(); w.skip(t.Values(), depth+1) }, depth)
	default:
		n := len(w.out)
		w.scalar(t, depth)
		w.out = w.out[:n]
	}
}

// blocks reads the blocks of an array or a map.
func (w *avroWriter) blocks(item func(), depth int) {
	if depth > maxDepth {
		w.fail("more than 32 levels")
	}
	for w.bad == "" {
		n := w.long()
		if n == 0 {
			return
		}
		if n < 0 {
			n = -n
			w.long() // bytes of the block
		}
		for ; n != 0 && w.bad == ""; n-- {
			if w.items++; w.items > maxItems {
				w.fail("too many items")
			}
			item()
		}
	}
}
