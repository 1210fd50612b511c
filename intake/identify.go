package intake

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zeebo/xxh3"
)

const (
	samples    = 64
	sampleSize = 64 << 10
)

// Identify names the content of a file: its size, and a hash of it, of all its bytes up to 4 MiB and of 64 parts spread
// over it beyond. The name of the file does not count. A file that has grown is another one: it is read from its
// beginning, and event ids tell what is new. What is no regular file has no identity: "". It reads with ReadAt and leaves the file's position alone.
func Identify(f *os.File) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", nil
	}
	size := info.Size()
	h, buf := xxh3.New(), make([]byte, sampleSize)
	step := max(sampleSize, (size-sampleSize)/(samples-1))
	for at := int64(0); at < size; at += step {
		n, err := f.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		// Writing to a hash can't fail.
		_, _ = h.Write(buf[:n])
	}
	sum := h.Sum128().Bytes()
	return fmt.Sprintf("file-%d-%s", size, hex.EncodeToString(sum[:])), nil
}
