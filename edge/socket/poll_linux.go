package socket

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const parks = true

// poll is an epoll instance. The runtime's own poller watches it, as it watches sockets, so that waiting takes no thread.
type poll struct {
	file   *os.File
	raw    syscall.RawConn
	try    func(fd uintptr) bool
	events [256]syscall.EpollEvent
	n      int
	err    error
	news   []uint64
}

func newPoll() (*poll, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll instance: %w", err)
	}
	_ = syscall.SetNonblock(fd, true) // tells os that the descriptor can be polled
	p := &poll{file: os.NewFile(uintptr(fd), "parked connections")}
	if p.raw, err = p.file.SyscallConn(); err == nil {
		err = p.file.SetReadDeadline(time.Time{}) // fails if the runtime would not poll it
	}
	if err != nil {
		return nil, errors.Join(err, p.file.Close())
	}
	p.try = p.attempt
	return p, nil
}

// watch tells wait of ticket, once, when there is something to read from c, which may be its end. The ticket of an earlier
// watch of c is forgotten. c's mu is held.
//
// Nothing ends a watch but its news and the end of the descriptor: the kernel forgets that one with it. News of a connection that was
// woken otherwise comes with a ticket that is no longer good.
func (p *poll) watch(c *Conn, ticket uint64) error {
	tcp := transport(c.nc)
	if tcp == nil {
		return errors.ErrUnsupported
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	op := syscall.EPOLL_CTL_ADD
	if c.watched {
		op = syscall.EPOLL_CTL_MOD
	}
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: int32(ticket), Pad: int32(ticket >> 32)}
	// The connection's descriptor cannot be closed, or be another's, while Control runs. The lot's may be closed: Close wakes c then.
	ctl := func(fd uintptr) {
		if e := p.raw.Control(func(epfd uintptr) { err = syscall.EpollCtl(int(epfd), op, int(fd), &ev) }); e != nil {
			err = e
		}
	}
	if e := raw.Control(ctl); e != nil {
		return e
	}
	c.watched = c.watched || err == nil
	return err
}

// wait returns the tickets of which there is news; none when the time of until has come. They are valid until the next call.
// Its error is the end of the poll.
func (p *poll) wait() ([]uint64, error) {
	p.news, p.n, p.err = p.news[:0], 0, nil
	err := p.raw.Read(p.try)
	if err == nil {
		err = p.err
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, ev := range p.events[:p.n] {
		p.news = append(p.news, uint64(uint32(ev.Pad))<<32|uint64(uint32(ev.Fd)))
	}
	return p.news, nil
}

// attempt reports false when there is no news yet. The poller tells of changes only, and what is here now may have come before.
func (p *poll) attempt(fd uintptr) bool {
	for {
		p.n, p.err = syscall.EpollWait(int(fd), p.events[:], 0)
		if p.err != syscall.EINTR {
			return p.err != nil || p.n > 0
		}
	}
}

// until lets wait return at a time, also one that has begun.
func (p *poll) until(at time.Time) { _ = p.file.SetReadDeadline(at) } // fails when closed

func (p *poll) close() { _ = p.file.Close() }
