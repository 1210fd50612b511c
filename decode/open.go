package decode

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Format is how the records of an input are written.
type Format int

// The formats.
const (
	NDJSON Format = iota // one JSON object a line; Chunks can cut it
	CSV
	Array // one JSON array: for Stream
)

func (f Format) String() string { return [...]string{"ndjson", "csv", "array"}[f] }

const maxWindow = 128 << 20 // bytes of history that a zstd stream may ask for

var errParquet = errors.New("a Parquet file cannot be read as a stream")

// Open looks at the first bytes of r, decompresses gzip and zstd, and tells the format: CSV by the name's suffix, else by
// the first character: '{' is NDJSON, '[' is Array, anything else CSV unless the name ends in .json, .ndjson or .jsonl.
// Close frees the decompressor; it does not close r.
func Open(r io.Reader, name string) (io.ReadCloser, Format, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	content, err := decompress(b)
	if err != nil {
		return nil, 0, err
	}
	b = bufio.NewReaderSize(content, 64<<10)
	format, err := sniff(b, suffix(name))
	if err != nil {
		_ = content.Close()
		return nil, 0, err
	}
	return opened{b, content}, format, nil
}

type opened struct {
	io.Reader
	io.Closer
}

func decompress(b *bufio.Reader) (io.ReadCloser, error) {
	magic, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(b)
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case string(magic) == "PAR1":
		return nil, errParquet
	}
	return io.NopCloser(b), nil
}

func sniff(b *bufio.Reader, suffix string) (Format, error) {
	if suffix == ".csv" {
		return CSV, nil
	}
	c, err := firstByte(b)
	switch {
	case err != nil:
		return 0, err
	case c == '[':
		return Array, nil
	case c == '{', c == 0, suffix == ".json", suffix == ".ndjson", suffix == ".jsonl":
		return NDJSON, nil
	}
	return CSV, nil
}

// firstByte gives the first byte that is neither byte order mark nor white space, as far as the buffer reaches; 0 when
// there is none. It consumes nothing, and reads no more than it needs.
func firstByte(b *bufio.Reader) (byte, error) {
	head, err := b.Peek(len(bom))
	for i := len(head) - len(trimBOM(head)); ; head, err = b.Peek(max(i+1, b.Buffered())) {
		if i = space(head, i); i < len(head) {
			return head[i], nil
		}
		switch {
		case err == io.EOF || len(head) == b.Size():
			return 0, nil
		case err != nil:
			return 0, err
		}
	}
}

// suffix gives the extension of a file name, in lower case and below that of a compression.
func suffix(name string) string {
	name = strings.ToLower(name)
	for _, z := range []string{".gz", ".gzip", ".zst", ".zstd"} {
		name = strings.TrimSuffix(name, z)
	}
	return path.Ext(name)
}
