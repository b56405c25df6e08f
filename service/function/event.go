package function

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/internal/requestid"
)

// Asynchronous invocations. Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation".
const (
	// DefaultMaxEvents bounds those that are accepted and not finished.
	DefaultMaxEvents = 1000
	// maxEventBytes bounds the memory of their payloads together.
	maxEventBytes = 64 << 20
	// maxEventAge is how long one is kept that finds no process to run on.
	maxEventAge = 6 * time.Hour
	// The waits before the two further tries of a function that failed.
	firstRetry, secondRetry = time.Minute, 2 * time.Minute
	// The waits for a process of a function that is throttled double from the first to the second.
	firstBackoff, lastBackoff = time.Second, 5 * time.Minute
)

// events are the asynchronous invocations that were accepted. They live in memory only: they are lost when the gateway ends before
// they have run, and those that wait for another try are given up at shutdown. Each has a goroutine, of which most wait.
// A destination for failures is not built; a failure that is final is a line in the log.
type events struct {
	service *Service
	limit   int

	mu     sync.Mutex
	closed bool
	count  int
	bytes  int

	gates map[string]*gate // by function

	all      sync.WaitGroup
	draining chan struct{} // closed: nobody waits for another try
	abandon  context.CancelFunc
	running  context.Context // cancelled when draining takes too long
}

// gate lets as many events of one function run as it may have processes, so that the others wait their turn instead of being throttled
// and backing off. Other calls of the function may still take the processes.
type gate struct {
	slots chan struct{}
	users int // events that know the gate
}

func newEvents(s *Service, limit int) *events {
	e := &events{service: s, limit: limit, gates: make(map[string]*gate), draining: make(chan struct{})}
	e.running, e.abandon = context.WithCancel(context.Background())
	return e
}

// InvokeLater accepts an invocation, whose result nobody will see, and returns its request id. A function that fails is tried twice
// more, after one and two minutes; one that is throttled for up to six hours.
// Errors: NotFound; Throttled when too many are waiting; Unavailable at shutdown.
func (s *Service) InvokeLater(in *Invocation) (requestID string, err error) {
	f, t, err := s.find(in.Name, in.Qualifier)
	if err != nil {
		return "", err
	}
	s.leave(t)
	event := *in
	if event.RequestID == "" {
		event.RequestID = requestid.New()
	}
	return event.RequestID, s.later(f, &event)
}

// MaxEventPayload is the most bytes that an asynchronous invocation may carry. Source: Lambda Developer Guide, "Lambda quotas".
const MaxEventPayload = 1 << 20

// later accepts an invocation of f, which it keeps.
func (s *Service) later(f *function, event *Invocation) error {
	if len(event.Payload) > MaxEventPayload {
		return sockgate.TooLargef("Request must be smaller than %d bytes for the InvokeFunction operation", MaxEventPayload)
	}
	e := s.events
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return sockgate.Unavailablef("The gateway is shutting down")
	case e.count >= e.limit || e.bytes+len(event.Payload) > maxEventBytes:
		return &sockgate.Error{Kind: sockgate.Throttled, Message: "Rate Exceeded."}
	}
	e.count++
	e.bytes += len(event.Payload)
	g := e.gates[event.Name]
	if g == nil {
		width := s.MaxConcurrency
		if r := f.record.Reserved; r != nil {
			width = max(*r, 1)
		}
		g = &gate{slots: make(chan struct{}, width)}
		e.gates[event.Name] = g
	}
	g.users++
	e.all.Go(func() {
		e.serve(event, g)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.count--
		e.bytes -= len(event.Payload)
		if g.users--; g.users == 0 {
			delete(e.gates, event.Name)
		}
	})
	return nil
}

// serve tries an invocation until it has succeeded or is given up.
func (e *events) serve(in *Invocation, g *gate) {
	accepted := time.Now()
	retries := []time.Duration{firstRetry, secondRetry}
	backoff := firstBackoff
	for {
		select {
		case g.slots <- struct{}{}:
		case <-e.running.Done():
			e.giveUp(in, "the gateway ends", e.running.Err())
			return
		}
		out, err := e.service.Invoke(e.running, in)
		<-g.slots
		if err == nil && out.FunctionError == "" {
			return
		}
		var wait time.Duration
		switch kind := sockgate.KindOf(err); {
		case err == nil:
			if len(retries) == 0 {
				e.giveUp(in, "the function failed three times", nil)
				return
			}
			wait, retries = retries[0], retries[1:]
		case kind == sockgate.Throttled || kind == sockgate.Unavailable || kind == sockgate.Internal:
			if time.Since(accepted) > maxEventAge {
				e.giveUp(in, "it could not be run for six hours", err)
				return
			}
			wait, backoff = backoff, min(2*backoff, lastBackoff)
		default:
			e.giveUp(in, "it cannot be run", err)
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-e.draining:
			timer.Stop()
			e.giveUp(in, "the gateway ends", err)
			return
		}
	}
}

func (e *events) giveUp(in *Invocation, reason string, err error) {
	e.service.Log.Warn("asynchronous invocation given up", slog.String("function", in.Name), slog.String("requestId", in.RequestID),
		slog.String("reason", reason), slog.Any("cause", err))
}

func (e *events) drain(ctx context.Context) {
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		close(e.draining)
	}
	e.mu.Unlock()
	finished := make(chan struct{})
	go func() { // ends with the last event, which abandon brings about
		e.all.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
	}
	e.abandon()
	<-finished
}
