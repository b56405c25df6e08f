package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/control/dev"
)

func TestLive(t *testing.T) {
	var out strings.Builder
	l := newLive(&out, false)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	for _, e := range []dev.Event{
		{Type: "CONNECT", ConnectionID: "L0SM9cOFvHcCIhw=", Stage: "dev", SourceIP: "127.0.0.1", Status: 200, Milliseconds: 12.4},
		{Type: "CONNECT", ConnectionID: "L0SM9cOFvHcCIhx=", Stage: "dev", SourceIP: "127.0.0.1", Status: 401, Error: "no identity source"},
		{Type: "MESSAGE", ConnectionID: "L0SM9cOFvHcCIhw=", RouteKey: "say", Status: 200, Body: "{\n\x1b[31m}", Milliseconds: 0.4},
		{Type: "MESSAGE", ConnectionID: "L0SM9cOFvHcCIhw=", Status: 403, Error: "no route takes it", Body: strings.Repeat("x", 200)},
		{Type: dev.Push, ConnectionID: "L0SM9cOFvHcCIhw=", Method: "POST", Status: 200},
		{Type: dev.Log, LogGroup: "/aws/lambda/hello", Line: "START RequestId: 1 Version: $LATEST"},
		{Type: dev.Log, LogGroup: "/aws/lambda/hello", Line: "2026-01-02T03:04:05.000Z\t8f1d\tINFO\thello world"},
		{Type: dev.Log, LogGroup: "/aws/lambda/hello", Line: "2026-01-02T03:04:05.000Z\t8f1d\tERROR\tboom"},
		{Type: dev.Log, LogGroup: "/aws/lambda/snake", Line: "printed"},
		{Type: dev.Log, LogGroup: "/aws/apigateway/a/dev", Line: "not shown"},
		{Type: "DISCONNECT", ConnectionID: "L0SM9cOFvHcCIhw=", Status: 200, CloseCode: 1001, CloseReason: "Going away"},
		{Type: dev.Reset},
	} {
		e.Time = at
		l.show(&e)
	}
	want := `03:04:05.000 #1   $connect         200  12 ms  stage dev  from 127.0.0.1  L0SM9cOFvHcCIhw=
03:04:05.000      $connect         refused  401  no identity source  from 127.0.0.1
03:04:05.000 #1   say              200  {  [31m}
03:04:05.000 #1   (no route)       403  no route takes it  ` + strings.Repeat("x", 120) + `...
03:04:05.000 #1   @connections     push  200
03:04:05.000      hello()          hello world
03:04:05.000      hello()          ERROR boom
03:04:05.000      snake()          printed
03:04:05.000 #1   $disconnect      200  closed with 1001  Going away
03:04:05.000      reset            every resource was removed
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
