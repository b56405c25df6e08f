package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sockgate/sockgate/control/dev"
)

// live writes what happens on a gateway for somebody who reads along: a line for each event, aligned, without what is only
// told for completeness.
type live struct {
	w      io.Writer
	color  bool
	number map[string]int // of a connection: "#1" is easier to follow than an id
}

func newLive(w io.Writer, color bool) *live {
	return &live{w: w, color: color, number: map[string]int{}}
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
		l.line(e.Time, l.name(e.ConnectionID), "$disconnect", join(outcome(e), fmt.Sprintf("closed with %d", e.CloseCode), e.CloseReason))
	default:
		route := e.RouteKey
		if route == "" {
			route = "(no route)"
		}
		l.line(e.Time, l.name(e.ConnectionID), route, join(outcome(e), body(e.Body)))
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
	l.line(e.Time, "", name+"()", printed(e.Line))
}

// printed is what a function printed, without what Node.js and the log put before it: a time, a request id, a level.
func printed(line string) string {
	parts := strings.Split(strings.ReplaceAll(line, `\t`, "\t"), "\t")
	if len(parts) >= 4 {
		if at := strings.Fields(parts[0]); len(at) > 0 {
			if _, err := time.Parse(time.RFC3339Nano, at[len(at)-1]); err == nil {
				level := strings.TrimSpace(parts[2])
				text := strings.Join(parts[3:], " ")
				if level == "INFO" {
					return text
				}
				return level + " " + text
			}
		}
	}
	return line
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

func body(text string) string {
	const most = 120
	if len(text) > most {
		return text[:most] + "..."
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

func (l *live) line(at time.Time, who, what, text string) {
	clock := at.Local().Format("15:04:05.000")
	what, text = harmless(what), harmless(text)
	if !l.color {
		fmt.Fprintf(l.w, "%s %-4s %-16s %s\n", clock, who, what, text)
		return
	}
	if strings.HasPrefix(text, "refused") || strings.HasPrefix(text, "4") || strings.HasPrefix(text, "5") || strings.HasPrefix(text, "ERROR") {
		text = red + text + plain
	}
	fmt.Fprintf(l.w, "%s%s%s %-4s %s%-16s%s %s\n", dim, clock, plain, who, bold, what, plain, text)
}
