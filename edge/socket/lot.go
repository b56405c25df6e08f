package socket

import (
	"container/heap"
	"sync"
	"time"
)

// ParkAfter is the silence, from one to two times as long, after which a connection gives its goroutine back. It is long against
// the pause between a request and an answer, so that a conversation is not paid for with an epoll call for each message; and it
// is short against the ten minutes that most connections of a chat or a dashboard stay silent.
const ParkAfter = time.Second

// Lot keeps connections on which nothing happens. A parked connection has no goroutine, no stack and no read buffer; the kernel
// and one goroutine watch all of them. It is woken when its peer sends or ends something, when a time limit has passed, and when
// it begins to close for another reason; it goes on then with a goroutine of its own. Writing needs no reader, so pushes do not
// wake it.
//
// All connections of a process may share one Lot. Its lock is taken when a connection parks or wakes, never for a message
// on one that does neither. Where there is no epoll, nothing ever parks.
type Lot struct {
	after   time.Duration
	epoch   time.Time // what due times count from
	running sync.WaitGroup

	mu      sync.Mutex // taken after a Conn's, never before
	poll    *poll      // nil until something parks
	closed  bool
	last    uint64           // the latest ticket
	parked  map[uint64]*Conn // by ticket
	due     queueOfDue
	waiting time.Duration // when the watcher looks at the time limits next; 0 for never
}

// place is where a connection is in the lot. Lot.mu guards it.
type place struct {
	ticket uint64        // never used twice, so that news of an earlier stay is known as such; 0 while not parked
	due    time.Duration // of the next time limit
	since  time.Duration // of parking
	at     int32         // the index in Lot.due; -1 while it has no time limit
	stay   stay          // the last one
}

// stay is what a reader knows of its connection's last stay in the lot.
type stay uint8

const (
	none  stay = iota
	short      // shorter than the silence after which a connection parks: it is not one of those that are mostly silent
	long
)

// tick is how exact the time limits of parked connections are: the watcher does not wake more often for them.
const tick = 50 * time.Millisecond

// NewLot returns an empty lot. Connections park after a silence of one to two times after, which is ParkAfter but in tests, and
// not 0: there must be time to read.
// Its goroutine is started when the first one parks.
func NewLot(after time.Duration) *Lot {
	return &Lot{after: after, epoch: time.Now(), parked: make(map[uint64]*Conn)}
}

// Close ends the lot's goroutine and waits for it. Connections that are still parked go on without the lot.
func (l *Lot) Close() {
	l.mu.Lock()
	l.closed = true
	left := make([]*Conn, 0, len(l.parked))
	for _, c := range l.parked {
		left = append(left, l.remove(c))
	}
	if l.poll != nil {
		l.poll.close()
	}
	l.mu.Unlock()
	resume(left)
	l.running.Wait()
}

// Parked returns the number of parked connections.
func (l *Lot) Parked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.parked)
}

// park takes c in and reports true, or false if it cannot. c's mu is held, and whoever wakes c takes it first, so that the
// caller has let go of c by then.
func (l *Lot) park(c *Conn) bool {
	ticket, ok := l.enter(c)
	if !ok {
		return false
	}
	// From the next line on c may be woken.
	if err := l.poll.watch(c, ticket); err != nil {
		return !l.leave(c) // but for one whose time limit was faster
	}
	return true
}

func (l *Lot) enter(c *Conn) (ticket uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !l.start() {
		return 0, false
	}
	l.last++
	l.parked[l.last] = c
	c.place = place{ticket: l.last, since: time.Since(l.epoch), at: -1}
	if at, limited := c.expiry(); limited {
		c.place.due = at.Sub(l.epoch)
		heap.Push(&l.due, c)
		l.alarm()
	}
	return l.last, true
}

// start makes the poll and its watcher, if there are none yet. mu is held.
func (l *Lot) start() bool {
	if l.poll != nil {
		return true
	}
	p, err := newPoll()
	if err != nil {
		return false
	}
	l.poll = p
	l.running.Go(l.watch)
	return true
}

// leave takes c out, and reports false if it is not, or no longer, there. It goes to who takes it out to go on with it.
func (l *Lot) leave(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.place.ticket == 0 {
		return false
	}
	l.remove(c)
	return true
}

// wake takes c out and lets it go on, unless somebody else does already.
func (l *Lot) wake(c *Conn) {
	if l.leave(c) {
		go c.resume()
	}
}

// remove takes out one that is there. mu is held.
func (l *Lot) remove(c *Conn) *Conn {
	delete(l.parked, c.place.ticket)
	if c.place.at >= 0 {
		heap.Remove(&l.due, int(c.place.at))
	}
	c.place.ticket, c.place.stay = 0, short
	if time.Since(l.epoch)-c.place.since >= l.after {
		c.place.stay = long
	}
	return c
}

// watch waits for news of parked connections until the lot is closed.
func (l *Lot) watch() {
	var woken []*Conn
	for {
		tickets, err := l.poll.wait()
		if err != nil {
			return
		}
		woken = l.claim(woken[:0], tickets)
		resume(woken)
		clear(woken)
	}
}

// claim takes out those of which there is news, and those whose time limit has passed.
func (l *Lot) claim(woken []*Conn, tickets []uint64) []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range tickets {
		if c := l.parked[t]; c != nil {
			woken = append(woken, l.remove(c))
		}
	}
	now := time.Since(l.epoch)
	for len(l.due) > 0 && l.due[0].place.due <= now {
		c := l.due[0]
		// What was pushed meanwhile has moved the limit.
		at, _ := c.expiry()
		if c.place.due = at.Sub(l.epoch); c.place.due > now {
			heap.Fix(&l.due, 0)
			continue
		}
		woken = append(woken, l.remove(c))
	}
	if l.waiting != 0 && l.waiting <= now { // it rang
		l.waiting = 0
		l.poll.until(time.Time{})
	}
	l.alarm()
	return woken
}

// alarm has the watcher woken for the next time limit, if it would not be early enough. mu is held.
func (l *Lot) alarm() {
	if len(l.due) == 0 {
		return
	}
	if next := l.due[0].place.due + tick; l.waiting == 0 || next < l.waiting {
		l.waiting = next
		l.poll.until(l.epoch.Add(next))
	}
}

func resume(woken []*Conn) {
	for _, c := range woken {
		go c.resume() // who started the connection waits for it
	}
}

// queueOfDue is a heap of parked connections, the one whose time limit is next at its top.
type queueOfDue []*Conn

func (q queueOfDue) Len() int           { return len(q) }
func (q queueOfDue) Less(i, j int) bool { return q[i].place.due < q[j].place.due }

func (q queueOfDue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place.at, q[j].place.at = int32(i), int32(j)
}

func (q *queueOfDue) Push(c any) {
	c.(*Conn).place.at = int32(len(*q))
	*q = append(*q, c.(*Conn))
}

func (q *queueOfDue) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	c.place.at = -1
	return c
}
