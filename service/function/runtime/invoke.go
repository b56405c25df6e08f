package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/sockgate/sockgate"
)

var errNoBootstrap = errors.New("there is no executable \"bootstrap\"")

// Invoke runs one call in a process of the function, a waiting one or else a new one. It returns when the process has answered
// and is ready for another call, or shortly after its answer.
//
// When ctx ends first, the call goes on without its caller, as in Lambda.
//
// Errors: Throttled, with ErrReservedConcurrency or ErrConcurrency as the cause, when all of the function's processes are busy and
// none was free in time (calls of functions with reserved concurrency do not wait);
// TooLarge for a payload over 6 MB; Timeout when ctx ended first; Invalid when the runtime's interpreter is missing; Unavailable
// and Internal for our own faults. A function that fails is a Result.
func (p *Pools) Invoke(ctx context.Context, s *Spec, inv *Invocation) (*Result, error) {
	if n := len(inv.Payload); n > MaxPayload {
		return nil, sockgate.TooLargef("%d byte payload is too large for the RequestResponse invocation type (limit %d bytes)", n, MaxPayload)
	}
	if err := ctx.Err(); err != nil {
		return nil, leftEarly(err)
	}
	held, proc, err := p.acquire(ctx, s, len(inv.Payload))
	if err != nil {
		return nil, err
	}
	x := &execution{pools: p, spec: s, held: held, call: &call{Invocation: inv, wake: make(chan struct{}, 1)}}
	if proc != nil {
		proc.busy.Store(true)
		if done, result, err := x.warm(ctx, proc); done {
			return result, err
		}
	}
	return x.detached(ctx, x.cold)
}

func leftEarly(cause error) error {
	return sockgate.Timeoutf("The caller left before the function had answered.").Because(cause)
}

// execution is the way of one call. Its methods end with giving the seat back.
type execution struct {
	pools *Pools
	spec  *Spec
	held  seat
	call  *call

	took time.Duration // of the initialization; 0 for a warm process
}

// detached runs f to its end, but waits for it only until ctx ends. The seat that f holds makes Close wait for it.
func (x *execution) detached(ctx context.Context, f func() (*Result, error)) (*Result, error) {
	type outcome struct {
		result *Result
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		result, err := f()
		ended <- outcome{result, err}
	}()
	select {
	case o := <-ended:
		return o.result, o.err
	case <-ctx.Done():
		return nil, leftEarly(ctx.Err())
	}
}

// warm runs the call in a waiting process. done is false when that turned out to be gone: the call was not made.
func (x *execution) warm(ctx context.Context, proc *process) (done bool, result *Result, err error) {
	if !proc.api.waiting() {
		proc.end()
		return false, nil, nil
	}
	proc.out.begin(x.call.Tail, startLine(x.call.RequestID, x.spec.Version))
	timer, ok := x.deliver(proc, x.spec.timeout())
	if !ok {
		proc.end()
		return false, nil, nil
	}
	defer timer.Stop()
	select {
	case <-x.call.wake:
		return true, x.answered(proc), nil
	case <-proc.child.Done():
		return true, x.exited(proc), nil
	case <-timer.C:
		return true, x.timedOut(proc), nil
	case <-ctx.Done():
		go x.wait(proc, time.NewTimer(time.Until(x.call.deadline)))
		return true, nil, leftEarly(ctx.Err())
	}
}

// deliver starts the call's time and hands it to the process.
func (x *execution) deliver(proc *process, limit time.Duration) (*time.Timer, bool) {
	c := x.call
	c.started = time.Now()
	c.deadline = c.started.Add(limit)
	if !proc.api.deliver(c) {
		return nil, false
	}
	return time.NewTimer(time.Until(c.deadline)), true
}

// wait sees a delivered call through.
func (x *execution) wait(proc *process, timer *time.Timer) *Result {
	defer timer.Stop()
	select {
	case <-x.call.wake:
		return x.answered(proc)
	case <-proc.child.Done():
		return x.exited(proc)
	case <-timer.C:
		return x.timedOut(proc)
	}
}

// answered ends a call that has its answer.
func (x *execution) answered(proc *process) *Result {
	result := x.taken()
	x.finish(proc, result, "")
	if proc.api.waiting() {
		x.pools.release(x.held, proc)
	} else {
		go x.linger(proc)
	}
	return result
}

// taken is the result that the process gave.
func (x *execution) taken() *Result {
	c := x.call
	result := &Result{Payload: c.answer, Duration: c.answeredAt.Sub(c.started)}
	if c.failed {
		result.FunctionError = unhandled
		if len(result.Payload) == 0 {
			result.Payload = errorDocument("errorType", c.errorType, "errorMessage", "")
		}
	}
	return result
}

const unhandled = "Unhandled"

// linger waits, until the call's deadline, for a process that has answered and not yet asked for another call.
func (x *execution) linger(proc *process) {
	timer := time.NewTimer(time.Until(x.call.deadline))
	defer timer.Stop()
	select {
	case <-x.call.wake:
	case <-proc.child.Done():
	case <-timer.C:
	}
	if proc.api.waiting() {
		x.pools.release(x.held, proc)
		return
	}
	proc.end()
	x.pools.drop(x.held)
}

// timedOut ends a call whose time is over, and its process.
func (x *execution) timedOut(proc *process) *Result {
	if proc.api.withdraw(x.call) {
		return x.answered(proc)
	}
	proc.child.Kill()
	<-proc.child.Done()
	document, line := timedOut(x.call.RequestID, time.Now(), x.spec.timeout())
	result := &Result{Payload: document, FunctionError: unhandled, Duration: x.spec.timeout()}
	x.finish(proc, result, "timeout", line)
	proc.free()
	x.pools.drop(x.held)
	return result
}

// exited ends a call whose process has ended: with the answer, if there is one, else with why.
func (x *execution) exited(proc *process) *Result {
	proc.api.drain(drainWait)
	var result *Result
	if proc.api.withdraw(x.call) {
		result = x.taken()
		x.finish(proc, result, "")
	} else {
		errorType, reason := proc.exit()
		document, line := exited(x.call.RequestID, errorType, reason)
		result = &Result{Payload: document, FunctionError: unhandled, Duration: time.Since(x.call.started)}
		x.call.errorType = errorType
		x.finish(proc, result, "error", line, errorType)
	}
	proc.free()
	x.pools.drop(x.held)
	return result
}

// exit says how an ended process ended, in Lambda's words.
func (proc *process) exit() (errorType, reason string) {
	status := proc.child.Status()
	switch {
	case proc.outOfMemory.Load():
		return "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"
	case status.Signal == 0 && status.Code == 0:
		return "Runtime.ExitError", "Runtime exited without providing a reason"
	}
	return "Runtime.ExitError", "Runtime exited with error: " + status.String()
}

// finish completes the result and the call's log.
func (x *execution) finish(proc *process, r *Result, status string, lines ...string) {
	c := x.call
	r.Init = x.took
	r.Billed = billed(r.Init + r.Duration)
	errorType := ""
	if status == "error" {
		errorType = c.errorType
	}
	var all [][]byte
	for _, line := range lines {
		all = append(all, []byte(line))
	}
	all = append(all, endLine(c.RequestID), reportLine(c.RequestID, r, x.spec.memoryMB(), proc.usedMB(), status, errorType))
	r.LogTail = proc.out.finish(all...)
}
