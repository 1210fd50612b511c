package s3

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/minio/minio-go/v7"
)

// Blocks that are asked for at once, and how many of them an open object keeps: a row group fits.
const (
	blockBytes = 1 << 20
	keptBlocks = 24
)

// object is an open object, read in blocks.
type object struct {
	place *Place
	name  string
	tag   string
	size  int64

	mu     sync.Mutex
	blocks []block // the last used at the end
}

type block struct {
	at   int64
	data []byte
}

// ReadAt reads from the blocks at hand, and fetches those that are not.
func (o *object) ReadAt(b []byte, at int64) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for n < len(b) {
		if at >= o.size {
			return n, io.EOF
		}
		data, err := o.block(at / blockBytes * blockBytes)
		if err != nil {
			return n, err
		}
		k := copy(b[n:], data[at%blockBytes:])
		n, at = n+k, at+int64(k)
	}
	return n, nil
}

func (o *object) block(at int64) ([]byte, error) {
	if i := slices.IndexFunc(o.blocks, func(b block) bool { return b.at == at }); i >= 0 {
		b := o.blocks[i]
		o.blocks = append(slices.Delete(o.blocks, i, i+1), b)
		return b.data, nil
	}
	var data []byte
	var err error
	for range tries { // a body that breaks off is not tried again by the client
		if data, err = o.fetch(at); err == nil || minio.ToErrorResponse(err).Code != "" {
			break
		}
	}
	if err != nil {
		return nil, o.place.explain("read "+o.name, err)
	}
	if len(o.blocks) == keptBlocks {
		o.blocks = slices.Delete(o.blocks, 0, 1)
	}
	o.blocks = append(o.blocks, block{at, data})
	return data, nil
}

func (o *object) fetch(at int64) (_ []byte, err error) {
	ctx, cancel := o.place.limit(1)
	defer cancel()
	end := min(at+blockBytes, o.size)
	var options minio.GetObjectOptions
	if err := options.SetRange(at, end-1); err != nil {
		return nil, err
	}
	if err := options.SetMatchETag(o.tag); err != nil {
		return nil, err
	}
	body, _, _, err := o.place.client.GetObject(ctx, o.place.cfg.Bucket, o.place.key(o.name), options)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data := make([]byte, end-at)
	if n, err := io.ReadFull(body, data); err != nil {
		return nil, fmt.Errorf("%d of %d bytes came: %w", n, len(data), err)
	}
	return data, nil
}

// Close lets go of the blocks.
func (o *object) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.blocks = nil
	return nil
}
