package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// plain gives the bytes of a GET request.
func (c *client) plain(ctx context.Context, path string, values url.Values) ([]byte, error) {
	req, err := c.request(ctx, http.MethodGet, path, values, nil)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = req.Write(&b)
	return b.Bytes(), err
}

// connection is one that is kept alive, with less in the way than a client of net/http has.
type connection struct {
	net.Conn
	in *bufio.Reader
}

func dial(ctx context.Context, base *url.URL) (*connection, error) {
	host, port := base.Hostname(), base.Port()
	if port == "" {
		port = base.Scheme
	}
	address := net.JoinHostPort(host, port)
	var c net.Conn
	var err error
	if base.Scheme == "https" {
		c, err = (&tls.Dialer{}).DialContext(ctx, "tcp", address)
	} else {
		c, err = (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	return &connection{c, bufio.NewReaderSize(c, 64<<10)}, nil
}

// exchange sends a request and reads the reply, which must be 200.
func (c *connection) exchange(request []byte) error {
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := c.Write(request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return errors.Join(fmt.Errorf("%s: %s", resp.Status, body), err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
