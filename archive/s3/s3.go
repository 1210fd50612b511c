package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"rollcall/archive"
)

const (
	partBytes      = 16 << 20 // of an object of many parts; smaller objects are put at once
	dialTimeout    = 5 * time.Second
	defaultTimeout = 30 * time.Second
	tries          = 5
)

// Config names a bucket and how to get to it.
type Config struct {
	Bucket, Prefix string
	Endpoint       string // URL of the server; "" for that of AWS in the region
	Region         string // "" for us-east-1, or what the server says
	AccessKey      string // with SecretKey; "" for AWS_ACCESS_KEY_ID and so on, the shared credentials file, or the machine's role
	SecretKey      string
	Timeout        time.Duration // of an answer, and of a part; 0 for 30 s
}

// ParseURL takes s3://bucket/prefix apart; ok is false for what does not begin so.
func ParseURL(text string) (bucket, prefix string, ok bool) {
	rest, ok := strings.CutPrefix(text, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	return bucket, strings.Trim(prefix, "/"), ok
}

// Place is a prefix in a bucket.
type Place struct {
	cfg    Config
	client minio.Core
	where  string // for messages
}

// New makes a place, and asks the server for nothing yet.
func New(cfg Config) (*Place, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	endpoint, secure, err := address(cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, TLSHandshakeTimeout: dialTimeout,
		ResponseHeaderTimeout: cfg.Timeout, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 8, DisableCompression: true,
	}
	core, err := minio.NewCore(endpoint, &minio.Options{Creds: provider(&cfg), Secure: secure, Region: cfg.Region, Transport: transport, MaxRetries: tries})
	if err != nil {
		return nil, fmt.Errorf("archive.endpoint: %w", err)
	}
	return &Place{cfg: cfg, client: *core, where: endpoint}, nil
}

func address(endpoint string) (host string, secure bool, err error) {
	if endpoint == "" {
		return "s3.amazonaws.com", true, nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" {
		return "", false, errors.New("archive.endpoint: give the URL of the server, such as https://s3.example.com:9000, without a path, user or password")
	}
	return u.Host, u.Scheme == "https", nil
}

func provider(cfg *Config) *credentials.Credentials {
	if cfg.AccessKey != "" {
		return credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, "")
	}
	return credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{}})
}

func (p *Place) key(name string) string { return path.Join(p.cfg.Prefix, name) }

// Put sends what write writes, at once when it is small, else in parts.
func (p *Place) Put(name string, write func(io.Writer) error) error {
	out, in := io.Pipe()
	wrote := make(chan error, 1)
	go func() {
		err := write(in)
		wrote <- err
		_ = in.CloseWithError(err)
	}()
	err := p.send(name, out)
	_ = out.CloseWithError(err) // ends write, when sending has failed
	if failed := <-wrote; failed != nil && err != nil {
		return fmt.Errorf("put %s: %w", name, failed)
	}
	return p.explain("put "+name, err)
}

func (p *Place) send(name string, body io.Reader) error {
	first := make([]byte, partBytes)
	n, err := io.ReadFull(body, first)
	options := minio.PutObjectOptions{PartSize: partBytes, NumThreads: 1, ContentType: "application/octet-stream"}
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		ctx, cancel := p.limit(1)
		defer cancel()
		_, err = p.client.Client.PutObject(ctx, p.cfg.Bucket, p.key(name), bytes.NewReader(first[:n]), int64(n), options)
		return err
	case err != nil:
		return err
	}
	_, err = p.client.Client.PutObject(context.Background(), p.cfg.Bucket, p.key(name), io.MultiReader(bytes.NewReader(first), body), -1, options)
	return err
}

// limit bounds a call that may be tried again, with as many timeouts.
func (p *Place) limit(calls int) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Duration(calls*tries)*p.cfg.Timeout)
}

// Open asks for the size of an object. Its bytes come in blocks, as they are read.
func (p *Place) Open(name string) (archive.Object, int64, error) {
	ctx, cancel := p.limit(1)
	defer cancel()
	info, err := p.client.Client.StatObject(ctx, p.cfg.Bucket, p.key(name), minio.StatObjectOptions{})
	if err != nil {
		return nil, 0, p.explain("open "+name, err)
	}
	return &object{place: p, name: name, tag: info.ETag, size: info.Size}, info.Size, nil
}

// Move copies and deletes. One that was cut off after the copy is done by the next.
func (p *Place) Move(from, to string) error {
	ctx, cancel := p.limit(4)
	defer cancel()
	_, err := p.client.Client.ComposeObject(ctx, minio.CopyDestOptions{Bucket: p.cfg.Bucket, Object: p.key(to)},
		minio.CopySrcOptions{Bucket: p.cfg.Bucket, Object: p.key(from)})
	if absent(err) {
		if _, there := p.client.Client.StatObject(ctx, p.cfg.Bucket, p.key(to), minio.StatObjectOptions{}); there == nil {
			return nil
		}
	}
	if err != nil {
		return p.explain("move to "+to, err)
	}
	return p.Remove(from)
}

// Remove deletes an object, if there is one.
func (p *Place) Remove(name string) error {
	ctx, cancel := p.limit(1)
	defer cancel()
	err := p.client.Client.RemoveObject(ctx, p.cfg.Bucket, p.key(name), minio.RemoveObjectOptions{})
	if absent(err) {
		return nil
	}
	return p.explain("remove "+name, err)
}

func absent(err error) bool {
	if err == nil {
		return false
	}
	code := minio.ToErrorResponse(err).Code
	return code == minio.NoSuchKey || code == "NotFound"
}

// explain tells where, and what to do. fs.ErrNotExist when there is no such object.
func (p *Place) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	reply, todo := minio.ToErrorResponse(err), "look at archive.dir, archive.endpoint and archive.region"
	switch {
	case absent(err):
		return fmt.Errorf("%s in s3://%s at %s: %w", what, p.cfg.Bucket, p.where, fs.ErrNotExist)
	case reply.Code == minio.PreconditionFailed:
		return fmt.Errorf("%s in s3://%s at %s: it was replaced meanwhile: %w", what, p.cfg.Bucket, p.where, fs.ErrNotExist)
	case reply.Code == minio.NoSuchBucket:
		todo = "create the bucket, or name another in archive.dir"
	case reply.StatusCode == http.StatusForbidden, reply.StatusCode == http.StatusUnauthorized, reply.Code == "InvalidAccessKeyId", reply.Code == "XAdminUserNotFound": // the last is versitygw's
		todo = "it refuses the credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or archive.access_key and archive.secret_key, to those of a user who may read, write and delete there"
	case reply.StatusCode == 0 && reply.Code == "", reply.StatusCode >= http.StatusInternalServerError:
		todo = "it is away or busy; what is not archived stays in the log. Look at the server, and at archive.endpoint"
	}
	return fmt.Errorf("%s in s3://%s at %s: %w (%s)", what, p.cfg.Bucket, p.where, err, todo)
}
