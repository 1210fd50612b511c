package intake

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

var (
	errTooLarge = errors.New("body too large")
	errTooMany  = errors.New("too many records")
	errEncoding = errors.New("unknown content encoding")
)

// unpacker reads request bodies into a buffer it keeps.
type unpacker struct {
	buf  []byte
	gzip gzip.Reader
	zstd *zstd.Decoder // made with the first zstd body
}

// read gives the whole body, unpacked. Packed or not, it holds at most limit bytes.
func (u *unpacker) read(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	packed := io.LimitReader(r.Body, limit+1)
	plain := packed
	switch enc := r.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip", "x-gzip":
		if err := u.gzip.Reset(packed); err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		plain = &u.gzip
	case "zstd":
		if err := u.openZstd(packed); err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		plain = u.zstd
	default:
		return nil, fmt.Errorf("%w %q", errEncoding, enc)
	}
	if err := u.fill(plain, limit); err != nil {
		return nil, err
	}
	return u.buf, nil
}

func (u *unpacker) openZstd(r io.Reader) (err error) {
	if u.zstd != nil {
		return u.zstd.Reset(r)
	}
	u.zstd, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
	return err
}

// fill reads r to its end into buf.
func (u *unpacker) fill(r io.Reader, limit int64) error {
	u.buf = u.buf[:0]
	for {
		if len(u.buf) == cap(u.buf) {
			u.buf = append(u.buf, make([]byte, max(4096, len(u.buf)))...)[:len(u.buf)]
		}
		n, err := r.Read(u.buf[len(u.buf):cap(u.buf)])
		u.buf = u.buf[:len(u.buf)+n]
		if int64(len(u.buf)) > limit {
			return errTooLarge
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
	}
}
