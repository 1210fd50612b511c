//go:build unix

package freeport

import "syscall"

// reserve takes the UDP port of a number for as long as this process lives: nothing refers to the socket and nothing closes it.
func reserve(port int) bool {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return false
	}
	syscall.CloseOnExec(s)
	if err := syscall.Bind(s, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		_ = syscall.Close(s)
		return false
	}
	return true
}
