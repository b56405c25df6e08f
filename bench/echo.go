package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// runEcho is the machine's own limit for WebSocket messages: one epoll loop that answers each small text frame with itself and
// does nothing else. It knows just enough of the protocol for this load generator, and serves until it is killed.
func runEcho() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	loops := make([]int, 2)
	for i := range loops {
		if loops[i], err = unix.EpollCreate1(0); err != nil {
			return err
		}
		go echoLoop(loops[i]) // lives as long as the process
	}
	for n := 0; ; n++ {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		fd, err := acceptEcho(c.(*net.TCPConn))
		if err != nil {
			return err
		}
		ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		if err := unix.EpollCtl(loops[n%len(loops)], unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			return err
		}
	}
}

// acceptEcho answers the handshake and returns a descriptor of its own for the connection.
func acceptEcho(c *net.TCPConn) (int, error) {
	defer c.Close()
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return 0, err
	}
	var b strings.Builder
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")
	b.WriteString(acceptKey(req.Header.Get("Sec-WebSocket-Key")))
	b.WriteString("\r\n\r\n")
	if _, err := c.Write([]byte(b.String())); err != nil {
		return 0, err
	}
	file, err := c.File()
	if err != nil {
		return 0, err
	}
	defer file.Close()
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		return 0, err
	}
	return fd, unix.SetNonblock(fd, true)
}

func echoLoop(ep int) {
	events := make([]unix.EpollEvent, 256)
	in, out := make([]byte, 64<<10), make([]byte, 0, 64<<10)
	for {
		n, err := unix.EpollWait(ep, events, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench echo:", err)
			os.Exit(1)
		}
		for _, ev := range events[:n] {
			fd := int(ev.Fd)
			k, err := unix.Read(fd, in)
			if err == unix.EAGAIN {
				continue
			}
			if k <= 0 || err != nil {
				unix.Close(fd)
				continue
			}
			out = appendEchoes(out[:0], in[:k])
			if len(out) > 0 {
				_, _ = unix.Write(fd, out)
			}
		}
	}
}

// appendEchoes answers every whole text frame of under 64 KiB in b. The load generator never splits one over two reads:
// it has one message under way on each connection.
func appendEchoes(out, b []byte) []byte {
	for len(b) >= 6 {
		size, head := int(b[1]&0x7f), 2
		if size == 126 {
			size, head = int(binary.BigEndian.Uint16(b[2:])), 4
		}
		if b[0] != 0x81 || len(b) < head+4+size {
			return out
		}
		payload := b[head+4 : head+4+size]
		ws.Cipher(payload, [4]byte(b[head:head+4]), 0)
		out = appendTextHeader(out, size)
		out = append(out, payload...)
		b = b[head+4+size:]
	}
	return out
}

func appendTextHeader(out []byte, size int) []byte {
	if size < 126 {
		return append(out, 0x81, byte(size))
	}
	return append(out, 0x81, 126, byte(size>>8), byte(size))
}
