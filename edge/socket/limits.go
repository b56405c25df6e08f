package socket

import "time"

// Limits bound what one connection may cost. All connections may share one value; nothing may change it once in use.
// Source: reference section 14 for the sizes, Idle and Duration; the others are ours.
type Limits struct {
	FrameSize   int           // largest payload of one incoming data frame, in bytes; over it: close 1009
	MessageSize int           // largest incoming message, in bytes; over it: close 1009
	Idle        time.Duration // time without a data message in either direction; then close 1001; 0 is no limit
	Duration    time.Duration // time since Connection.ConnectedAt; then close 1001; 0 is no limit
	InFlight    int           // Message calls of one connection at a time; 1 gives strict order; less than 1 is 1
	SendQueue   int           // bytes that may wait for a slow peer; a Send that finds no room for a second closes with 1008
	SendStall   time.Duration // how long a peer may take nothing while bytes wait; then close 1008
	CloseWait   time.Duration // from our close frame to the end: what is queued, the peer's reply, its end of the stream

	// Backlog, if set, bounds the messages that wait for room in the queue. A peer whose message finds no room there either
	// is closed with 1008.
	Backlog *Backlog

	// SlowPeer, if set, is called once for each connection that SendQueue or SendStall closes. It must not block.
	SlowPeer func()

	// Workers, if set, run the Message calls; else each call has a goroutine of its own.
	Workers *Workers

	// Lot, if set, keeps connections on which nothing happens; else each holds its goroutine all the time.
	Lot *Lot
}

// DefaultLimits returns API Gateway's limits, and ours where API Gateway publishes none.
func DefaultLimits() Limits {
	return Limits{
		FrameSize:   32 << 10,
		MessageSize: 128 << 10,
		Idle:        10 * time.Minute,
		Duration:    2 * time.Hour,
		InFlight:    16,
		SendQueue:   256 << 10,
		SendStall:   10 * time.Second,
		CloseWait:   2 * time.Second,
	}
}
