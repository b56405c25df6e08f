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
	l.call(map[string]string{"Send": "chat-Send-1"})
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
		{Type: dev.Log, LogGroup: "/aws/lambda/chat-Send-1", Line: "2026-01-02T03:04:05.000Z\t8f1d\tERROR\tInvoke Error \t" + `{"errorType":"TypeError","errorMessage":"no x\nat all","stack":["TypeError: no x","at all","    at exports.handler (/d/functions/code/tree/` + strings.Repeat("a", 64) + `/lib/send.js:4:56)","    at invoke (/d/functions/runtime/index.js:235:20)","    at Socket.emit (node:events:524:28)"]}`},
		{Type: dev.Log, LogGroup: "/aws/lambda/chat-Send-1", Line: "2026-01-02T03:04:05.000Z\t8f1d\tERROR\tUnhandled Promise Rejection \t" + `{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: nobody","reason":{"errorType":"Error","errorMessage":"nobody","stack":["Error: nobody","    at f (/d/functions/code/tree/` + strings.Repeat("a", 64) + `/a.js:1:2)"]},"stack":["x"]}`},
		{Type: dev.Log, LogGroup: "/aws/lambda/chat-Send-1", Line: "    at invoke (/d/functions/runtime/index.js:235:20)"},
		{Type: dev.Log, LogGroup: "/aws/lambda/chat-Send-1", Line: "2026-01-02T03:04:05.652Z 8a24f23e-4cfd-41f3-9d48-b8bf11d4ae9b Task timed out after 3.00 seconds"},
		{Type: dev.Log, LogGroup: "/aws/lambda/chat-Send-1", Line: "RequestId: 8a24f23e-4cfd-41f3-9d48-b8bf11d4ae9b Error: Runtime exited with error: exit status 3"},
		{Type: dev.Call, Service: "dynamodb", Operation: "PutItem", Status: 400, Error: "AccessDeniedException: User: x is not authorized to perform: dynamodb:PutItem"},
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
03:04:05.000      Send()           ERROR TypeError: no x
                                     at all
                                         at exports.handler (lib/send.js:4:56)
03:04:05.000      Send()           ERROR Error: nobody
                                         at f (a.js:1:2)
03:04:05.000      Send()           ERROR Task timed out after 3.00 seconds
03:04:05.000      Send()           ERROR Runtime exited with error: exit status 3
03:04:05.000      dynamodb         refused  PutItem  400  AccessDeniedException: User: x is not authorized to perform: dynamodb:PutItem
03:04:05.000 #1   $disconnect      200  closed with 1001  Going away
03:04:05.000      reset            every resource was removed
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLiveOnATerminal(t *testing.T) {
	var out strings.Builder
	l := newLive(&out, true)
	l.width = func() int { return 80 }
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	for _, e := range []dev.Event{
		{Type: "CONNECT", ConnectionID: "a", Stage: "dev", SourceIP: "127.0.0.1", Status: 200},
		{Type: "MESSAGE", ConnectionID: "a", RouteKey: "say", Status: 200, Body: strings.Repeat("x", 200)},
		{Type: "CONNECT", Stage: "dev", SourceIP: "127.0.0.1", Status: 403, Error: "no"},
	} {
		e.Time = at
		l.show(&e)
	}
	l.line(at, "", "deploy", "ERROR one\ntwo")
	shown := strings.NewReplacer(dim, "<dim>", bold, "<bold>", red, "<red>", plain, "<>", "\x1b[36m", "<1>").Replace(out.String())
	want := `<dim>03:04:05.000<> <1>#1  <> <bold>$connect        <> 200  stage dev  from 127.0.0.1  a
<dim>03:04:05.000<> <1>#1  <> <bold>say             <> 200  ` + strings.Repeat("x", 37) + `...
<dim>03:04:05.000<>     <> <bold>$connect        <> <red>refused  403  no  from 127.0.0.1<>
<dim>03:04:05.000<>     <> <bold>deploy          <> <red>ERROR one<>
<dim>            <>     <> <bold>                <>   <dim>two<>
`
	want = strings.ReplaceAll(want, "  <dim>two<>", "<dim>  two<>")
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for line := range strings.Lines(shown) {
		if strings.Contains(line, "x...") && len(strings.NewReplacer("<dim>", "", "<>", "", "<1>", "", "<bold>", "").Replace(line)) > 81 {
			t.Errorf("wider than the terminal: %s", line)
		}
	}
}
