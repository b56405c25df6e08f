// Package execution writes execution logs: for one request of a client, a few lines that say what the gateway did with it and why.
// The lines are Amazon API Gateway's where its wording is known (reference section 15), and our own where AWS is silent: which
// route was chosen and by what value, what the backend answered, and the reason of each refusal.
//
// A line is "{ISO time} ({requestId}) text". Each method of Logger writes the lines of one moment; a nil Logger, which is what
// level OFF yields, writes nothing and costs a comparison.
//
//	ERROR  failures and refusals
//	INFO   every moment
//	       and, with data tracing, headers and bodies; secrets among the headers are redacted, bodies are cut
//
// UNCONFIRMED, decided here: data tracing shows at INFO only; refusals before the integration (authorization, throttling,
// validation) are ERROR lines in the form "Execution failed due to ..."; the line of a message follows wording that is known
// second-hand, and that of a disconnection is ours.
package execution

import (
	"strconv"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// Level is a stage's or route's logging level.
type Level uint8

// The levels, each including those before it.
const (
	Off Level = iota
	Error
	Info
)

// ParseLevel reads a RouteSettings' logging level: "ERROR" or "INFO", and everything else is Off.
func ParseLevel(s string) Level {
	switch s {
	case "ERROR":
		return Error
	case "INFO":
		return Info
	}
	return Off
}

// GroupName is the log group of a stage's execution log (reference section 15).
func GroupName(apiID, stage string) string { return "/aws/apigateway/" + apiID + "/" + stage }

// Sink takes whole lines, without their breaks. It must not wait, nor keep the slice. *logs.Group is one.
type Sink interface {
	Write(line []byte)
}

// Logger writes the execution log of one route of a stage. It is made when the stage is compiled, and used by many goroutines.
type Logger struct {
	sink      Sink
	apiID     string
	stage     string
	info      bool
	dataTrace bool
}

// New returns a logger, or nil for level Off.
func New(sink Sink, apiID, stage string, level Level, dataTrace bool) *Logger {
	if level == Off || sink == nil {
		return nil
	}
	return &Logger{sink: sink, apiID: apiID, stage: stage, info: level >= Info, dataTrace: dataTrace && level >= Info}
}

// Info reports whether INFO lines are written. Ask before composing a text for Note.
func (l *Logger) Info() bool { return l != nil && l.info }

// Trace reports whether headers and bodies are written.
func (l *Logger) Trace() bool { return l != nil && l.dataTrace }

// lines holds the memory in which lines are put together.
var lines = sync.Pool{New: func() any { return &line{b: make([]byte, 0, 1024)} }}

// line is one line in the making. Its methods append and return it, so that a line reads as one expression.
type line struct {
	b   []byte
	key string // the client's API key, which no line shows in full
}

func (l *Logger) line(e *sockgate.Event) *line {
	n := lines.Get().(*line)
	n.b = time.Now().UTC().AppendFormat(n.b[:0], "2006-01-02T15:04:05.000Z")
	n.key = ""
	if c := e.Connection; c != nil && c.APIKey != nil {
		n.key = c.APIKey.Value
	}
	return n.s(" (").s(e.RequestID).s(") ")
}

func (n *line) s(text string) *line {
	n.b = append(n.b, text...)
	return n
}

func (n *line) i(v int) *line {
	n.b = strconv.AppendInt(n.b, int64(v), 10)
	return n
}

// to writes the line and gives its memory back.
func (n *line) to(sink Sink) {
	if n.key != "" {
		n.b = hide(n.b, n.key)
	}
	sink.Write(n.b)
	if cap(n.b) <= 8<<10 {
		lines.Put(n)
	}
}
