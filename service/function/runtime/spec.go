package runtime

import (
	"errors"
	"time"
)

// Spec says how to run one version of a function. It is not changed once it was passed to Invoke.
type Spec struct {
	ID           string // unique per code and configuration: processes of one ID are interchangeable
	FunctionName string
	Version      string // "$LATEST" or a number
	ARN          string // of the version
	Runtime      string // "nodejs20.x", "python3.12", "provided.al2023", …
	Handler      string

	CodeDir   string   // unpacked, read only
	LayerDirs []string // likewise; together they are /opt, later ones first

	Timeout     time.Duration
	MemoryMB    int // of a process and what it starts; 0: 128
	TmpMB       int // 0: 512
	Env         map[string]string
	RoleARN     string // whose credentials it gets; "" for none
	LogGroup    string // "" for /aws/lambda/{name}
	Concurrency int    // reserved for the function, all versions together: calls beyond it are refused. 0: Config.MaxConcurrency, and they wait
}

// Invocation is one call.
type Invocation struct {
	RequestID     string // UUID
	TraceID       string // "Root=1-…"; may be empty
	InvokedARN    string // as the caller named the function
	Payload       []byte // JSON, 6 MB at most; empty means {}. It is read until Invoke returns, and may be read on if ctx ended it
	ClientContext string // JSON, or empty
	Tail          bool   // wants Result.LogTail
}

// Result is what became of a call that reached its function.
type Result struct {
	Payload       []byte // what the function answered, or the error document; owned by the caller
	FunctionError string // "", "Handled" or "Unhandled"; runtimes of today know only the last
	LogTail       []byte // the call's last 4 KB of log

	Duration time.Duration // of the handler
	Billed   time.Duration // Init and Duration, in whole milliseconds
	Init     time.Duration // of a cold start; else 0
}

// Limits of Lambda. Source: Developer Guide, "Lambda quotas".
const (
	MaxPayload  = 6291456 // bytes of a synchronous call's payload
	maxResponse = 6291556 // bytes of an answer
	maxTail     = 4 << 10 // bytes of LogTail
	initTimeout = 10 * time.Second
	maxFiles    = 1024 // open in one process

	defaultTimeout  = 3 * time.Second
	defaultMemoryMB = 128
	defaultTmpMB    = 512
)

// Why a call was throttled: the cause of a Throttled error, in the words of TooManyRequestsException's Reason.
var (
	ErrReservedConcurrency = errors.New("ReservedFunctionConcurrentInvocationLimitExceeded")
	ErrConcurrency         = errors.New("ConcurrentInvocationLimitExceeded")
)

func (s *Spec) logGroup() string {
	if s.LogGroup != "" {
		return s.LogGroup
	}
	return "/aws/lambda/" + s.FunctionName
}

func (s *Spec) memoryMB() int {
	if s.MemoryMB > 0 {
		return s.MemoryMB
	}
	return defaultMemoryMB
}

func (s *Spec) tmpMB() int {
	if s.TmpMB > 0 {
		return s.TmpMB
	}
	return defaultTmpMB
}

func (s *Spec) timeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return defaultTimeout
}
