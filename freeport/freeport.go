// Package freeport gives tests a port for a server that they stop and start again. It lies below those that the system
// gives to clients and to whoever asks for port 0, so that nobody takes it while the server is down. A port is given once
// while the process that got it lives, to it or to any other: the process holds the UDP port of the same number.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports that are given. Linux has clients begin at 32768, others at 49152.
const (
	first = 12_000
	last  = 32_000
	tries = 200
)

// Next gives a port of the loopback that nobody listens at and that nobody else was given.
func Next() (int, error) {
	for range tries {
		port := first + rand.IntN(last-first)
		if !reserve(port) {
			continue
		}
		l, err := net.Listen("tcp", Addr(port))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("no free port of the loopback")
}

// Addr is the host:port of a port of the loopback.
func Addr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
