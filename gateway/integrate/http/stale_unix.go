//go:build unix

package httpintegration

import "syscall"

// ended looks at an idle connection without waiting and without taking anything from it: the end of the stream, an error,
// or bytes that nobody asked for all mean that it must not be used again.
func ended(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return err != syscall.EAGAIN
		}
	}
}
