package block

import (
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A blob is a format byte, the body and the CRC32C of key, format byte and body. The key is part of the checksum, so
// that a blob filed under another key is found out.
const (
	formatCells = 1
	formatSets  = 2 // users and masks together, as they were once kept
	formatUsers = 3
	formatMasks = 4
	sealBytes   = 5 // format byte and checksum
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(key [14]byte, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(key[:], castagnoli), castagnoli, body)
}

func (k CellKey) bytes() (b [14]byte) {
	b[0], b[1] = 'C', byte(k.Grain)
	binary.LittleEndian.PutUint64(b[2:], uint64(k.Period))
	binary.LittleEndian.PutUint32(b[10:], uint32(k.Cuboid))
	return b
}

func (k SetKey) bytes() (b [14]byte) {
	b[0], b[1] = 'S', byte(k.Grain)
	binary.LittleEndian.PutUint64(b[2:], uint64(k.Period))
	binary.LittleEndian.PutUint32(b[10:], uint32(k.Shard))
	return b
}

// seal appends the checksum of everything after dst[:start].
func seal(dst []byte, start int, key [14]byte) []byte {
	return binary.LittleEndian.AppendUint32(dst, checksum(key, dst[start:]))
}

// unseal checks a blob and gives its body, or the reason why it is none.
func unseal(data []byte, format byte, key [14]byte) (body []byte, reason string) {
	if len(data) < sealBytes {
		return nil, "too short"
	}
	body = data[:len(data)-4]
	if binary.LittleEndian.Uint32(data[len(body):]) != checksum(key, body) {
		return nil, "checksum differs"
	}
	if body[0] != format {
		return nil, "unknown format"
	}
	return body[1:], ""
}

// A section is a uvarint of twice its length, plus one when it is compressed; then the uvarint of its plain length when it is
// compressed; then its bytes. Sections shorter than minCompress stay plain, and so does what compression does not
// make an eighth smaller, or makes more than maxRatio times smaller: so no blob can stand for unbounded memory.
const (
	minCompress = 512
	maxRatio    = 64
)

var (
	zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	})
	zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	})
)

func appendSection(dst, plain []byte) []byte {
	if len(plain) >= minCompress {
		packed := zstdEncoder().EncodeAll(plain, make([]byte, 0, len(plain)))
		if len(packed) <= len(plain)*7/8 && len(plain) <= len(packed)*maxRatio {
			dst = binary.AppendUvarint(dst, uint64(len(packed))<<1|1)
			dst = binary.AppendUvarint(dst, uint64(len(plain)))
			return append(dst, packed...)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(plain))<<1)
	return append(dst, plain...)
}

// rawSection cuts the next section off body without unpacking it.
func rawSection(body []byte) (section, rest []byte, plainLen int, ok bool) {
	head, n := binary.Uvarint(body)
	if n <= 0 {
		return nil, nil, 0, false
	}
	body, plainLen = body[n:], -1
	if head&1 == 1 {
		size, n := binary.Uvarint(body)
		if n <= 0 || size > uint64(len(body))*maxRatio {
			return nil, nil, 0, false
		}
		body, plainLen = body[n:], int(size)
	}
	if head>>1 > uint64(len(body)) {
		return nil, nil, 0, false
	}
	return body[:head>>1], body[head>>1:], plainLen, true
}

// readSection gives the plain bytes of the next section; they may point into body.
func readSection(body []byte) (plain, rest []byte, ok bool) {
	section, rest, plainLen, ok := rawSection(body)
	if !ok || plainLen < 0 {
		return section, rest, ok
	}
	if plainLen > len(section)*maxRatio {
		return nil, nil, false
	}
	plain, err := zstdDecoder().DecodeAll(section, make([]byte, 0, plainLen))
	return plain, rest, err == nil && len(plain) == plainLen
}
