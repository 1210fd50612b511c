// Barehttp serves one reply of another server again and again, the same bytes and headers from memory: what net/http
// alone can do on this machine, for scripts/bench-http to compare with.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	from := flag.String("from", "", "URL of the reply to serve")
	listen := flag.String("listen", "127.0.0.1:0", "address to serve it on")
	flag.Parse()
	if err := run(*from, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "barehttp:", err)
		os.Exit(1)
	}
}

func run(from, listen string) error {
	body, header, err := fetch(from)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", from, err)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: same(body, header), ReadHeaderTimeout: 10 * time.Second}
	fmt.Printf("listening on http://%s with %d bytes\n", l.Addr(), len(body))
	return server.Serve(l)
}

func fetch(url string) (body []byte, header http.Header, err error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s", resp.Status)
	}
	body, err = io.ReadAll(resp.Body)
	header = resp.Header.Clone()
	header.Del("Date") // net/http sets it
	return body, header, err
}

// same answers everything with one body.
func same(body []byte, header http.Header) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		_, _ = w.Write(body) // a client that went away needs no answer
	}
}
