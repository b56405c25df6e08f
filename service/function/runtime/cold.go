package runtime

import (
	"errors"
	"time"

	"github.com/sockgate/sockgate"
)

// failure is why a process did not come to ask for a call.
type failure struct {
	status    string // as INIT_REPORT has it: "error" or "timeout"
	errorType string
	document  []byte // what the process said; nil when it did not
	reason    string // otherwise, in Lambda's words
}

// cold runs the call in a new process. When that fails to initialize, another one gets the call's own time to do it in.
//
// Source: AWS Lambda Developer Guide, "Failures during the Init phase".
func (x *execution) cold() (*Result, error) {
	proc, took, failed, err := x.boot(x.pools.initLimit, nil)
	if err != nil {
		return x.notStarted(err)
	}
	if failed == nil {
		x.took = took
		proc.out.begin(x.call.Tail, startLine(x.call.RequestID, x.spec.Version))
		return x.first(proc, x.spec.timeout()), nil
	}
	proc.out.line(initReportLine(took, "init", failed.status, failed.errorType))
	proc.free()

	proc, took, failed, err = x.boot(x.spec.timeout(), x.call)
	if err != nil {
		return x.notStarted(err)
	}
	if failed == nil {
		return x.first(proc, x.spec.timeout()-took), nil
	}
	return x.failed(proc, took, failed), nil
}

// notStarted gives up when there is no process. That a custom runtime has no bootstrap is the function's fault, all else ours.
func (x *execution) notStarted(err error) (*Result, error) {
	x.pools.drop(x.held)
	if errors.Is(err, errNoBootstrap) {
		return &Result{FunctionError: unhandled, Payload: errorDocument("errorType", "Runtime.InvalidEntrypoint",
			"errorMessage", "RequestId: "+x.call.RequestID+" Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")}, nil
	}
	if _, ours := errors.AsType[*sockgate.Error](err); !ours {
		err = sockgate.Internalf("start function %s: %w", x.spec.FunctionName, err)
	}
	return nil, err
}

// boot starts a process and waits until it asks for a call, for limit at most. A failed one has ended, and is to be freed.
// What it prints belongs to the call c, if there is one.
func (x *execution) boot(limit time.Duration, c *call) (proc *process, took time.Duration, failed *failure, err error) {
	started := time.Now()
	if proc, err = x.pools.start(x.spec, c); err != nil {
		return nil, 0, nil, err
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-proc.api.ready:
		return proc, time.Since(started), nil, nil
	case <-proc.api.failed:
		failed = proc.said()
	case <-proc.child.Done():
		proc.api.drain(drainWait)
		if failed = proc.said(); failed == nil {
			errorType, reason := proc.exit()
			failed = &failure{status: "error", errorType: errorType, reason: reason}
		}
	case <-timer.C:
		failed = &failure{status: "timeout"}
	}
	took = time.Since(started)
	proc.child.Kill()
	<-proc.child.Done()
	proc.out.drain()
	return proc, took, failed, nil
}

// said is what the process reported of its initialization; nil when it did not.
func (proc *process) said() *failure {
	proc.api.mu.Lock()
	defer proc.api.mu.Unlock()
	e := proc.api.initError
	if e == nil {
		return nil
	}
	if e.errorType == "" {
		e.errorType = "Runtime.Unknown"
	}
	return &failure{status: "error", errorType: e.errorType, document: e.document}
}

// first runs the call in a process that has just initialized.
func (x *execution) first(proc *process, limit time.Duration) *Result {
	proc.sampled.Store(0) // its memory was last looked at before it was complete
	timer, ok := x.deliver(proc, limit)
	if !ok { // it asked and went away
		x.call.started = time.Now()
		select {
		case <-proc.child.Done(): // so that it is known how
		case <-time.After(drainWait):
			proc.child.Kill()
			<-proc.child.Done()
		}
		return x.exited(proc)
	}
	return x.wait(proc, timer)
}

// failed ends a call for which no process could be initialized.
func (x *execution) failed(proc *process, took time.Duration, f *failure) *Result {
	c := x.call
	result := &Result{Payload: f.document, FunctionError: unhandled, Duration: took}
	proc.out.line(initReportLine(took, "invoke", f.status, f.errorType))
	c.errorType = f.errorType
	switch {
	case f.status == "timeout":
		document, line := timedOut(c.RequestID, time.Now(), x.spec.timeout())
		result.Payload, result.Duration = document, x.spec.timeout()
		x.finish(proc, result, f.status, line)
	case len(f.document) > 0:
		x.finish(proc, result, f.status)
	default:
		document, line := exited(c.RequestID, f.errorType, f.reason)
		result.Payload = document
		x.finish(proc, result, f.status, line, f.errorType)
	}
	proc.free()
	x.pools.drop(x.held)
	return result
}
