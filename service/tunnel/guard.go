package tunnel

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/time/rate"
)

// The frames of yamux, version 0: version, type, flags (2 bytes), stream id (4), length (4); a data frame's body follows.
// Source: hashicorp/yamux, spec.md.
const (
	frameHead     = 12
	frameData     = 0
	frameWindow   = 1
	framePing     = 2
	frameGoAway   = 3
	flagSYN       = 1
	flagRST       = 8
	goAwayNormal  = 0
	streamWindow  = 256 << 10 // bytes that a stream may hold unread, the least that yamux permits
	pingsPerSec   = 20
	pingsAtOnce   = 100
	maxWindowStep = 64 << 20 // bytes of one window update; agents of this package grant streamWindow
)

var (
	errForeignStream = errors.New("the agent opened a stream by itself, which is the gateway's part")
	errPingFlood     = errors.New("the agent floods the gateway with pings")
)

// guard follows the frames that an agent sends before yamux sees them, because yamux would serve some that an agent has no
// reason for: streams of its own, and pings without number, each of which costs a goroutine.
type guard struct {
	head  [frameHead]byte
	n     int    // bytes of head that are there
	body  uint32 // bytes of a data frame that are still to come
	pings *rate.Limiter
	going func() // called when the agent says that it takes no more streams
}

func newGuard(going func()) *guard {
	return &guard{pings: rate.NewLimiter(pingsPerSec, pingsAtOnce), going: going}
}

// check follows p, the next bytes of the stream. After an error nothing that came is to be used.
func (g *guard) check(p []byte) error {
	for len(p) > 0 {
		if g.body > 0 {
			n := min(uint64(g.body), uint64(len(p)))
			g.body -= uint32(n)
			p = p[n:]
			continue
		}
		n := copy(g.head[g.n:], p)
		g.n += n
		p = p[n:]
		if g.n < frameHead {
			return nil
		}
		g.n = 0
		if err := g.frame(); err != nil {
			return err
		}
	}
	return nil
}

// frame judges the head that is complete.
func (g *guard) frame() error {
	version, kind := g.head[0], g.head[1]
	flags, length := binary.BigEndian.Uint16(g.head[2:]), binary.BigEndian.Uint32(g.head[8:])
	if version != 0 {
		return fmt.Errorf("bytes that are no frame: version %d", version)
	}
	switch kind {
	case frameData, frameWindow:
		if flags&flagSYN != 0 {
			return errForeignStream
		}
		if kind == frameData {
			if length > streamWindow {
				return fmt.Errorf("a frame of %d bytes", length)
			}
			g.body = length
		} else if length > maxWindowStep {
			return fmt.Errorf("a window of %d bytes", length)
		}
	case framePing:
		if flags&flagSYN != 0 && !g.pings.Allow() {
			return errPingFlood
		}
	case frameGoAway:
		if length == goAwayNormal {
			g.going()
		}
	default:
		return fmt.Errorf("bytes that are no frame: type %d", kind)
	}
	return nil
}
