package socket

import (
	"sync"
	"sync/atomic"
)

// Workers are goroutines that run Message calls, one after the other. A new goroutine begins with a small stack, which
// a handler that goes deep grows, by copying, at each message; a worker's has grown already (BenchmarkDispatch).
//
// All connections of a process may share one Workers; handing a call over costs one channel operation. There are as many
// workers as calls run at a time, and at most keep of them wait for more.
type Workers struct {
	keep    int32
	idle    atomic.Int32
	calls   chan call
	running sync.WaitGroup
}

// call is a Message call to be made.
type call struct {
	c       *Conn
	payload []byte
}

// NewWorkers returns workers of which at most keep are idle at a time; each holds a stack, mostly of 8 to 32 KB.
// None is started before it has something to do.
func NewWorkers(keep int) *Workers {
	return &Workers{keep: int32(keep), calls: make(chan call)}
}

// Close ends the workers and waits for them. It is called when Run of every connection that uses them has returned.
func (w *Workers) Close() {
	close(w.calls)
	w.running.Wait()
}

// run makes the call on an idle worker, or on a new one.
func (w *Workers) run(next call) {
	select {
	case w.calls <- next:
	default:
		w.running.Go(func() { w.work(next) })
	}
}

func (w *Workers) work(next call) {
	for open := true; open; {
		next.c.serve(next.payload)
		next = call{} // or an idle worker would keep the connection's memory
		if w.idle.Add(1) > w.keep {
			w.idle.Add(-1)
			return
		}
		next, open = <-w.calls
		w.idle.Add(-1)
	}
}
