// Package dev is what "sockgate dev" adds to a gateway for people and their test suites: a record of what happened, who is
// connected, and a way to empty everything. A gateway that serves the public has none of it.
//
//	GET  /_sockgate/connections   who is connected
//	GET  /_sockgate/events        what happened, in order; ?since= and ?wait= follow it
//	POST /_sockgate/reset         closes every connection and removes every resource; ?deploy=true deploys the template again
//
// It asks for no signature, so it answers only those who reach it by a loopback name, and no other site's web pages.
package dev

import (
	"context"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// Types of events besides those of connections (CONNECT, MESSAGE, DISCONNECT).
const (
	Push  = "PUSH"  // a call of @connections
	Call  = "CALL"  // a call of an AWS API that was refused or failed
	Log   = "LOG"   // a line of a log group: execution logs, access logs, functions
	Reset = "RESET" // everything was removed
)

// Event is one thing that happened.
type Event struct {
	Seq  uint64    `json:"seq"` // from 1, without gaps
	Time time.Time `json:"time"`
	Type string    `json:"type"`

	APIID        string `json:"apiId,omitempty"`
	Stage        string `json:"stage,omitempty"`
	RouteKey     string `json:"routeKey,omitempty"`
	ConnectionID string `json:"connectionId,omitempty"`
	RequestID    string `json:"requestId,omitempty"`
	SourceIP     string `json:"sourceIp,omitempty"`

	Method string `json:"method,omitempty"` // PUSH: POST, GET or DELETE
	// CALL: which API, and what of it: its name where the protocol has names, else method and path
	Service   string `json:"service,omitempty"`
	Operation string `json:"operation,omitempty"`
	Body      string `json:"body,omitempty"`   // MESSAGE: its text, cut after maxBody bytes
	Status    int    `json:"status,omitempty"` // what the peer was told, in HTTP terms
	Error     string `json:"error,omitempty"`  // why it was refused or failed, as the operator would read it

	IntegrationStatus int     `json:"integrationStatus,omitempty"`
	Milliseconds      float64 `json:"milliseconds,omitempty"` // from its arrival to its end

	CloseCode   int    `json:"closeCode,omitempty"` // DISCONNECT
	CloseReason string `json:"closeReason,omitempty"`

	LogGroup string `json:"logGroup,omitempty"` // LOG
	Line     string `json:"line,omitempty"`
}

const (
	keep    = 10_000 // events; older ones are forgotten
	maxBody = 1 << 10
	maxLine = 8 << 10
)

// Recorder remembers the last events. The zero value is ready. Its methods may be called by many goroutines.
type Recorder struct {
	mu      sync.Mutex
	ring    []Event
	seq     uint64 // of the last event
	arrived chan struct{}
}

// Record adds an event; it sets Seq, and Time where that is zero.
func (r *Recorder) Record(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	e.Seq = r.seq
	if len(r.ring) < keep {
		r.ring = append(r.ring, e)
	} else {
		r.ring[(r.seq-1)%keep] = e
	}
	if r.arrived != nil {
		close(r.arrived)
		r.arrived = nil
	}
}

// Observe records what happened on a connection. why is empty when it went well.
func (r *Recorder) Observe(ev *sockgate.Event, why string) {
	c := ev.Connection
	e := Event{
		Type: string(ev.Type), APIID: c.APIID, Stage: c.Stage, RouteKey: ev.RouteKey, ConnectionID: c.ID, RequestID: ev.RequestID,
		SourceIP: c.SourceIP.String(), Body: cut(ev.Body, maxBody), Status: ev.Status, Error: why, IntegrationStatus: ev.IntegrationStatus,
		CloseCode: ev.DisconnectCode, CloseReason: ev.DisconnectReason,
		Milliseconds: float64(time.Since(ev.Time).Microseconds()) / 1000,
	}
	r.Record(e)
}

// Pushed records a call of @connections.
func (r *Recorder) Pushed(apiID, stage, connectionID, method string, status int) {
	r.Record(Event{Type: Push, APIID: apiID, Stage: stage, ConnectionID: connectionID, Method: method, Status: status})
}

// Line records a line of a log group. line is not kept.
func (r *Recorder) Line(group string, line []byte) {
	r.Record(Event{Type: Log, LogGroup: group, Line: cut(line, maxLine)})
}

func cut(b []byte, n int) string {
	if len(b) <= n {
		return string(b)
	}
	return string(b[:n]) + "..."
}

// Since returns the events behind the one numbered seq that are still known, at most limit of them, and the number of the last
// one looked at: what to ask for next.
func (r *Recorder) Since(seq uint64, limit int, want func(*Event) bool) (events []Event, next uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.seq - uint64(len(r.ring)) // the number before the oldest
	next = min(max(seq, first), r.seq)
	for next < r.seq && len(events) < limit {
		if e := &r.ring[next%keep]; want(e) {
			events = append(events, *e)
		}
		next++
	}
	return events, next
}

// Wait returns when there is an event behind the one numbered seq, or ctx has ended.
func (r *Recorder) Wait(ctx context.Context, seq uint64) {
	r.mu.Lock()
	if r.seq > seq {
		r.mu.Unlock()
		return
	}
	if r.arrived == nil {
		r.arrived = make(chan struct{})
	}
	arrived := r.arrived
	r.mu.Unlock()
	select {
	case <-arrived:
	case <-ctx.Done():
	}
}
