package registry

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"rollcall/intake"
)

// protobufWriter writes a message as a flat JSON object.
type protobufWriter struct {
	out    []byte
	prefix []byte // path of the message at hand, with its last dot
}

func (w *protobufWriter) message(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.HasPresence() && !m.Has(f) {
			continue
		}
		w.field(f, m.Get(f), depth)
	}
}

// field writes a field, or those of the message that it is.
func (w *protobufWriter) field(f protoreflect.FieldDescriptor, v protoreflect.Value, depth int) {
	switch {
	case f.IsList() || f.IsMap():
		w.name(f)
		w.out = append(w.out, '[', ']')
	case f.Message() == nil:
		w.name(f)
		w.scalar(f, v)
	case w.known(f, v.Message()):
	case depth < maxDepth:
		n := len(w.prefix)
		w.prefix = append(append(w.prefix, f.Name()...), '.')
		w.message(v.Message(), depth+1)
		w.prefix = w.prefix[:n]
	}
}

func (w *protobufWriter) name(f protoreflect.FieldDescriptor) {
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
	w.out = append(append(append(append(w.out, '"'), w.prefix...), f.Name()...), '"', ':')
}

// known writes a message that stands for a scalar; false for any other.
func (w *protobufWriter) known(f protoreflect.FieldDescriptor, m protoreflect.Message) bool {
	fields := m.Descriptor().Fields()
	number := func(n protoreflect.FieldNumber) int64 { return m.Get(fields.ByNumber(n)).Int() }
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp":
		w.name(f)
		w.out = appendTime(w.out, time.Unix(number(1), number(2)))
	case "google.protobuf.Duration":
		w.name(f)
		w.out = appendSeconds(w.out, number(1), number(2))
	case "google.protobuf.StringValue", "google.protobuf.BytesValue", "google.protobuf.BoolValue", "google.protobuf.Int32Value",
		"google.protobuf.Int64Value", "google.protobuf.UInt32Value", "google.protobuf.UInt64Value", "google.protobuf.FloatValue",
		"google.protobuf.DoubleValue":
		w.name(f)
		inner := fields.ByNumber(1)
		w.scalar(inner, m.Get(inner))
	default:
		return false
	}
	return true
}

// appendSeconds writes s seconds and n nanoseconds, both of one sign.
func appendSeconds(b []byte, s, n int64) []byte {
	if s < 0 || n < 0 {
		b, s, n = append(b, '-'), -s, -n
	}
	b = strconv.AppendUint(b, uint64(s), 10)
	if n > 0 {
		digits := strconv.AppendInt(nil, 1_000_000_000+n%1_000_000_000, 10)
		b = append(append(b, '.'), digits[1:]...)
	}
	return b
}

func (w *protobufWriter) scalar(f protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch f.Kind() {
	case protoreflect.BoolKind:
		w.out = strconv.AppendBool(w.out, v.Bool())
	case protoreflect.EnumKind:
		if value := f.Enum().Values().ByNumber(v.Enum()); value != nil {
			w.out = intake.AppendString(w.out, string(value.Name()))
		} else {
			w.out = strconv.AppendInt(w.out, int64(v.Enum()), 10)
		}
	case protoreflect.StringKind:
		w.out = intake.AppendString(w.out, v.String())
	case protoreflect.BytesKind:
		w.out = intake.AppendString(w.out, v.Bytes())
	case protoreflect.FloatKind:
		w.out = appendFloat(w.out, v.Float(), 32)
	case protoreflect.DoubleKind:
		w.out = appendFloat(w.out, v.Float(), 64)
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		w.out = strconv.AppendUint(w.out, v.Uint(), 10)
	default:
		w.out = strconv.AppendInt(w.out, v.Int(), 10)
	}
}
