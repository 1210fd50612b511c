package s3

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"

	"github.com/minio/minio-go/v7"

	"rollcall/archive"
)

// Read gives a small object, and its ETag.
func (p *Place) Read(name string) (body []byte, version string, err error) {
	in, size, err := p.Open(name)
	if err != nil {
		return nil, "", err
	}
	body, err = io.ReadAll(io.NewSectionReader(in, 0, size))
	return body, in.(*object).tag, errors.Join(err, in.Close())
}

// Swap is a conditional put: If-Match, or If-None-Match where nothing is to be there. An answer that was lost is asked for again,
// and what this call itself has put is no other's.
func (p *Place) Swap(name string, body []byte, version string) (string, error) {
	ctx, cancel := p.limit(1)
	defer cancel()
	options := minio.PutObjectOptions{ContentType: "application/json"}
	if version == "" {
		options.SetMatchETagExcept("*")
	} else {
		options.SetMatchETag(version)
	}
	info, err := p.client.Client.PutObject(ctx, p.cfg.Bucket, p.key(name), bytes.NewReader(body), int64(len(body)), options)
	if err == nil {
		return info.ETag, nil
	}
	if reply := minio.ToErrorResponse(err); reply.StatusCode != http.StatusPreconditionFailed && reply.StatusCode != http.StatusConflict && !absent(err) {
		return "", p.explain("put "+name, err)
	}
	there, tag, err := p.Read(name)
	if err == nil && bytes.Equal(there, body) {
		return tag, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return "", archive.ErrSwapped
}
