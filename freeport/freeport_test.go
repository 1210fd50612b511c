package freeport

import (
	"net"
	"testing"
)

// What is given can be listened at again and again, and no client gets it.
func TestPortsAreNotThoseOfClients(t *testing.T) {
	port, err := Next()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l, err := net.Listen("tcp", Addr(port))
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if of := l.Addr().(*net.TCPAddr).Port; of <= last {
		t.Errorf("the system gives port %d, and this package those up to %d", of, last)
	}
}

// No port is given twice, by whomever it is asked for.
func TestPortsAreGivenOnce(t *testing.T) {
	given := map[int]bool{}
	for range 1000 {
		port, err := Next()
		if err != nil {
			t.Fatal(err)
		}
		if given[port] {
			t.Fatalf("port %d was given twice", port)
		}
		given[port] = true
	}
}
