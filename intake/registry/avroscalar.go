package registry

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/hamba/avro/v2"

	"rollcall/intake"
)

// avroReader takes values off b from p on; after the first bad one it gives zeros.
type avroReader struct {
	b   []byte
	p   int
	bad string
}

func (r *avroReader) fail(why string) {
	if r.bad == "" {
		r.bad = why
	}
}

func (r *avroReader) long() int64 {
	v, n := binary.Varint(r.b[r.p:])
	if n <= 0 || r.bad != "" {
		r.fail("no number")
		return 0
	}
	r.p += n
	return v
}

func (r *avroReader) take(n int64) []byte {
	if n < 0 || n > int64(len(r.b)-r.p) {
		r.fail("it ends too early")
	}
	if r.bad != "" {
		return nil
	}
	r.p += int(n)
	return r.b[r.p-int(n) : r.p]
}

func (r *avroReader) bytes() []byte { return r.take(r.long()) }

func logicalOf(s interface{ Logical() avro.LogicalSchema }) avro.LogicalType {
	if l := s.Logical(); l != nil {
		return l.Type()
	}
	return ""
}

func (w *avroWriter) primitive(s *avro.PrimitiveSchema) {
	switch s.Type() {
	case avro.Boolean:
		b := w.take(1)
		if len(b) == 1 && b[0] > 1 {
			w.fail("no boolean")
		}
		w.out = strconv.AppendBool(w.out, len(b) == 1 && b[0] == 1)
	case avro.Int, avro.Long:
		n := w.long()
		if s.Type() == avro.Int && n != int64(int32(n)) {
			w.fail("an int is out of range")
		}
		w.out = appendInteger(w.out, n, logicalOf(s))
	case avro.Float:
		if b := w.take(4); b != nil {
			w.out = appendFloat(w.out, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32)
		}
	case avro.Double:
		if b := w.take(8); b != nil {
			w.out = appendFloat(w.out, math.Float64frombits(binary.LittleEndian.Uint64(b)), 64)
		}
	default:
		b := w.bytes()
		if d, ok := s.Logical().(*avro.DecimalLogicalSchema); ok {
			w.decimal(b, d.Scale())
			return
		}
		w.out = intake.AppendString(w.out, b)
	}
}

func appendInteger(b []byte, n int64, logical avro.LogicalType) []byte {
	switch logical {
	case avro.Date:
		return append(time.Unix(n*86400, 0).UTC().AppendFormat(append(b, '"'), time.DateOnly), '"')
	case avro.TimestampMillis:
		return appendTime(b, time.UnixMilli(n))
	case avro.TimestampMicros:
		return appendTime(b, time.UnixMicro(n))
	case avro.LocalTimestampMillis:
		return append(time.UnixMilli(n).UTC().AppendFormat(append(b, '"'), "2006-01-02 15:04:05.999"), '"')
	case avro.LocalTimestampMicros:
		return append(time.UnixMicro(n).UTC().AppendFormat(append(b, '"'), "2006-01-02 15:04:05.999999"), '"')
	}
	return strconv.AppendInt(b, n, 10)
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

func appendFloat(b []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(strconv.AppendFloat(append(b, '"'), f, 'g', -1, bits), '"')
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, bits)
}

func (w *avroWriter) fixed(s *avro.FixedSchema) {
	b := w.take(int64(s.Size()))
	if d, ok := s.Logical().(*avro.DecimalLogicalSchema); ok {
		w.decimal(b, d.Scale())
		return
	}
	w.out = append(w.out, '"')
	at := len(w.out)
	w.out = hex.AppendEncode(w.out, b)
	if logicalOf(s) == avro.UUID && len(b) == 16 {
		var text [32]byte
		copy(text[:], w.out[at:])
		w.out = w.out[:at]
		for _, part := range [][]byte{text[:8], text[8:12], text[12:16], text[16:20], text[20:]} {
			if len(w.out) > at {
				w.out = append(w.out, '-')
			}
			w.out = append(w.out, part...)
		}
	}
	w.out = append(w.out, '"')
}

const maxDecimal = 64 // bytes

// decimal writes the big-endian two's complement number b / 10^scale.
func (w *avroWriter) decimal(b []byte, scale int) {
	if len(b) > maxDecimal || scale > 2*maxDecimal {
		w.fail("a decimal is too long")
		return
	}
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if n.Sign() < 0 {
		w.out = append(w.out, '-')
		n.Neg(n)
	}
	digits := n.Append(nil, 10)
	for len(digits) <= scale {
		digits = append([]byte{'0'}, digits...)
	}
	w.out = append(w.out, digits[:len(digits)-scale]...)
	if scale > 0 {
		w.out = append(append(w.out, '.'), digits[len(digits)-scale:]...)
	}
}
