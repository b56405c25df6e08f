package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sockgate/sockgate/control/dev"
)

// live writes what happens on a gateway for somebody who reads along: a line for each event, aligned, without what is only
// told for completeness.
type live struct {
	w      io.Writer
	color  bool
	number map[string]int // of a connection: "#1" is easier to follow than an id

	mu    sync.Mutex
	names map[string]string // of functions: as the template has them, by the names that they were given
	width func() int        // of the terminal, in columns; 0 is none
}

func newLive(w io.Writer, color bool) *live {
	return &live{w: w, color: color, number: map[string]int{}, width: func() int { return 0 }}
}

// call makes the log call functions as the template does.
func (l *live) call(physical map[string]string) {
	names := make(map[string]string, len(physical))
	for logical, name := range physical {
		names[name] = logical
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = names
}

func (l *live) function(name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if logical, ok := l.names[name]; ok {
		return logical
	}
	return name
}

const functionLogs = "/aws/lambda/"

// follow writes the recorder's events until ctx ends.
func (l *live) follow(ctx context.Context, r *dev.Recorder) {
	all := func(*dev.Event) bool { return true }
	for next := uint64(0); ctx.Err() == nil; {
		var events []dev.Event
		if events, next = r.Since(next, 1000, all); len(events) == 0 {
			r.Wait(ctx, next)
		}
		for i := range events {
			l.show(&events[i])
		}
	}
}

func (l *live) show(e *dev.Event) {
	switch e.Type {
	case dev.Log:
		l.showLine(e)
	case dev.Reset:
		clear(l.number)
		l.line(e.Time, "", "reset", "every resource was removed")
	case dev.Call:
		l.line(e.Time, "", e.Service, join("refused", e.Operation, fmt.Sprint(e.Status), e.Error))
	case dev.Push:
		what := map[string]string{"POST": "push", "GET": "look up", "DELETE": "disconnect"}[e.Method]
		l.line(e.Time, l.name(e.ConnectionID), "@connections", join(what, outcome(e)))
	case "CONNECT":
		if e.Error != "" {
			l.line(e.Time, "", "$connect", join("refused", outcome(e), "from "+e.SourceIP))
			return
		}
		l.number[e.ConnectionID] = len(l.number) + 1
		l.line(e.Time, l.name(e.ConnectionID), "$connect", join(outcome(e), "stage "+e.Stage, "from "+e.SourceIP, e.ConnectionID))
	case "DISCONNECT":
		l.line(e.Time, l.name(e.ConnectionID), "$disconnect", join(outcome(e), fmt.Sprintf("closed with %d", e.CloseCode), harmless(e.CloseReason)))
	default:
		route := e.RouteKey
		if route == "" {
			route = "(no route)"
		}
		how := outcome(e)
		l.line(e.Time, l.name(e.ConnectionID), route, join(how, body(e.Body, l.room(how, route))))
	}
}

// showLine shows what a function printed, and failures. Execution logs repeat what the other events say.
func (l *live) showLine(e *dev.Event) {
	name, ok := strings.CutPrefix(e.LogGroup, functionLogs)
	if !ok {
		return
	}
	for _, kind := range []string{"START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START "} {
		if strings.Contains(e.Line, kind) {
			return
		}
	}
	if text := printed(e.Line); text != "" {
		l.line(e.Time, "", l.function(name)+"()", text)
	}
}

func (l *live) name(connection string) string {
	if n, ok := l.number[connection]; ok {
		return fmt.Sprintf("#%d", n)
	}
	return ""
}

// outcome says how it went, and why not.
func outcome(e *dev.Event) string {
	took := ""
	if e.Milliseconds >= 1 {
		took = fmt.Sprintf("%.0f ms", e.Milliseconds)
	}
	status := ""
	if e.Status != 0 {
		status = fmt.Sprint(e.Status)
	}
	return join(status, took, e.Error)
}

// head is how many columns of a line are before its text.
const head = len("15:04:05.000 #123 ") + whatWidth + 1

const whatWidth = 16

// room is how many bytes of a message are shown behind what is told of it.
func (l *live) room(told, what string) int {
	const most, least = 120, 24
	if width := l.width(); width > 0 {
		return max(least, width-head-len(told)-len("  ...")-max(0, len(what)-whatWidth))
	}
	return most
}

func body(text string, most int) string {
	text = harmless(text)
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// harmless is text without what a terminal would obey: much of it comes from strangers.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

func join(parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, "  ")
}

// The colours of terminals.
const (
	dim   = "\x1b[2m"
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	plain = "\x1b[0m"
)

// line writes one thing that happened; text may have several lines.
func (l *live) line(at time.Time, who, what, text string) {
	var out strings.Builder
	clock := at.Local().Format("15:04:05.000")
	what = harmless(what)
	bad := failed(text)
	for i, part := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		part = harmless(part)
		if i > 0 {
			clock, who, what = strings.Repeat(" ", len(clock)), "", ""
			part = "  " + part
		}
		if !l.color {
			fmt.Fprintf(&out, "%s %-4s %-*s %s\n", clock, who, whatWidth, what, part)
			continue
		}
		switch {
		case bad && i == 0:
			part = red + part + plain
		case i > 0:
			part = dim + part + plain
		}
		fmt.Fprintf(&out, "%s%s%s %s%-4s%s %s%-*s%s %s\n", dim, clock, plain, paint(who), who, plain, bold, whatWidth, what, plain, part)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.w, out.String()) // a terminal that is gone ends dev by a signal
}

// failed reports whether a text tells of something that should not be overlooked.
func failed(text string) bool {
	for _, word := range []string{"refused", "4", "5", "ERROR", "[ERROR]", "FATAL", "Traceback"} {
		if strings.HasPrefix(text, word) {
			return true
		}
	}
	return false
}

// paint gives the lines of one connection one colour.
func paint(who string) string {
	colours := []string{"\x1b[36m", "\x1b[33m", "\x1b[35m", "\x1b[32m", "\x1b[34m"}
	if n, err := strconv.Atoi(strings.TrimPrefix(who, "#")); err == nil {
		return colours[(n-1)%len(colours)]
	}
	return ""
}
