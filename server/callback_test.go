package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
)

func TestPushThroughSDK(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	for form, base := range map[string]string{
		"host":  "http://" + d.Host(d.api) + "/dev",
		"path":  "http://" + d.Addr() + "/_aws/execute-api/" + d.api + "/dev",
		"plain": "http://" + d.Addr() + "/dev",
	} {
		t.Run(form, func(t *testing.T) {
			c, id := d.connect(t)
			push := d.PushAt(base)
			must(push.PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("pushed")}))(t)
			if text, err := c.Read(); text != "pushed" {
				t.Errorf("the client read %q, %v", text, err)
			}
			info := must(push.GetConnection(t.Context(), &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &id}))(t)
			if *info.Identity.SourceIp != "127.0.0.1" || info.ConnectedAt == nil || info.LastActiveAt.Before(*info.ConnectedAt) {
				t.Errorf("GetConnection: source %s, connected %v, active %v", *info.Identity.SourceIp, info.ConnectedAt, info.LastActiveAt)
			}
			must(push.DeleteConnection(t.Context(), &apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: &id}))(t)
			if _, err := c.Read(); closeCode(err) != 1000 {
				t.Errorf("after DeleteConnection the client read %v", err)
			}
			_, err := push.PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("late")})
			if _, gone := errors.AsType[*types.GoneException](err); !gone {
				t.Errorf("a push to a closed connection: %v, not GoneException", err)
			}
		})
	}
	big := make([]byte, 128<<10+1)
	_, id := d.connect(t)
	_, err := d.Push(d.api, "dev").PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: big})
	if _, tooLarge := errors.AsType[*types.PayloadTooLargeException](err); !tooLarge {
		t.Errorf("a push of %d bytes: %v, not PayloadTooLargeException", len(big), err)
	}
}

func closeCode(err error) int {
	if closed, ok := errors.AsType[*gatewaytest.CloseError](err); ok {
		return closed.Code
	}
	return 0
}

// TestPushRefused is reference section 16's table of errors, on the wire.
func TestPushRefused(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	c, id := d.connect(t)
	const missing = "MissingAuthenticationTokenException"
	tests := []struct {
		name    string
		id      string // "" is the connection's
		change  func(*http.Request)
		at      time.Duration // the signature's time, from now
		service string
		status  int
		typ     string
		body    string // "" is none; "..." is anything
	}{
		{name: "unsigned", change: func(r *http.Request) { r.Header.Del("Authorization") }, status: 403, typ: missing,
			body: `{"message":"Missing Authentication Token"}`},
		{name: "bad signature", change: func(r *http.Request) {
			auth := r.Header.Get("Authorization")
			r.Header.Set("Authorization", auth[:len(auth)-4]+"0000")
		}, status: 403, typ: "InvalidSignatureException", body: `{"message":"The request signature we calculated does not match`},
		{name: "unknown key", change: func(r *http.Request) {
			key, _ := d.Key()
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), key, "AKIAUNKNOWNUNKNOWN00", 1))
		}, status: 403, typ: "UnrecognizedClientException", body: `{"message":"The security token included in the request is invalid."}`},
		{name: "stale", at: -6 * time.Minute, status: 403, typ: "InvalidSignatureException", body: `{"message":"Signature expired`},
		{name: "future", at: 6 * time.Minute, status: 403, typ: "InvalidSignatureException", body: `{"message":"Signature not yet current`},
		{name: "changed body", change: func(r *http.Request) { setBody(r, "other") }, status: 403, typ: "InvalidSignatureException", body: "..."},
		{name: "changed path", change: func(r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, "/dev/", "/prod/", 1)
			r.URL.RawPath = ""
		},
			status: 403, typ: "InvalidSignatureException", body: "..."},
		{name: "signed for another service", service: "apigateway", status: 403, typ: "InvalidSignatureException", body: "..."},
		{name: "other method", change: func(*http.Request) {}, status: 403, typ: missing, body: "..."},
		{name: "malformed id", id: "abc", status: 400, typ: "BadRequestException", body: `{"message":"Invalid connectionId: abc"}`},
		{name: "unknown id", id: "H111mc0HywMCEEf=", status: 410, typ: "GoneException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			to, method := id, "POST"
			if test.id != "" {
				to = test.id
			}
			if test.name == "other method" {
				method = "PATCH"
			}
			req := must(http.NewRequest(method, "http://"+d.Host(d.api)+"/dev/@connections/"+url.QueryEscape(to), strings.NewReader("pushed")))(t)
			service := test.service
			if service == "" {
				service = "execute-api"
			}
			if err := d.Sign(req, service, []byte("pushed"), time.Now().Add(test.at)); err != nil {
				t.Fatal(err)
			}
			if test.change != nil {
				test.change(req)
			}
			resp := must(d.HTTP().Do(req))(t)
			body := must(io.ReadAll(resp.Body))(t)
			resp.Body.Close()
			if resp.StatusCode != test.status || resp.Header.Get("x-amzn-ErrorType") != test.typ {
				t.Errorf("answered %d %s, not %d %s", resp.StatusCode, resp.Header.Get("x-amzn-ErrorType"), test.status, test.typ)
			}
			if test.body != "..." && (!strings.HasPrefix(string(body), test.body) || test.body == "" && len(body) > 0) {
				t.Errorf("body %q, not %q", body, test.body)
			}
			if resp.Header.Get("x-amzn-RequestId") == "" {
				t.Error("no x-amzn-RequestId")
			}
		})
	}
	// None of it reached the client.
	must(d.Push(d.api, "dev").PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("good")}))(t)
	if text, err := c.Read(); text != "good" {
		t.Errorf("the client read %q, %v", text, err)
	}
}

func setBody(r *http.Request, text string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
}

// TestPushTooLarge: a payload over 128 KiB is refused as soon as that is known, not when it has come.
func TestPushTooLarge(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	_, id := d.connect(t)
	send := map[string]func(w io.Writer, head string){
		"announced": func(w io.Writer, head string) { fmt.Fprintf(w, "%sContent-Length: %d\r\n\r\nx", head, 128<<10+1) },
		"chunked": func(w io.Writer, head string) {
			fmt.Fprintf(w, "%sTransfer-Encoding: chunked\r\n\r\n", head)
			for range 5 {
				fmt.Fprintf(w, "8000\r\n%s\r\n", strings.Repeat("x", 0x8000))
			} // and no last chunk
		},
	}
	for name, write := range send {
		t.Run(name, func(t *testing.T) {
			conn := must(net.Dial("tcp", d.Addr()))(t)
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(gatewaytest.Patience))
			write(conn, "POST /dev/@connections/"+url.QueryEscape(id)+" HTTP/1.1\r\nHost: "+d.Host(d.api)+
				"\r\nAuthorization: AWS4-HMAC-SHA256 Credential=x\r\n")
			resp := must(http.ReadResponse(bufio.NewReader(conn), nil))(t)
			if resp.StatusCode != 413 || resp.Header.Get("x-amzn-ErrorType") != "PayloadTooLargeException" {
				t.Errorf("answered %s %s", resp.Status, resp.Header.Get("x-amzn-ErrorType"))
			}
		})
	}
}

// TestPushDuringConnect: until the 101 is out the connection is not there, and right after it is.
func TestPushDuringConnect(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	pushed := make(chan error, 1)
	d.backend.Handle("/connect", func(r *gatewaytest.Request) gatewaytest.Reply {
		id := r.Header.Get("connectionId")
		_, err := d.Push(d.api, "dev").PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("early")})
		pushed <- err
		return gatewaytest.Reply{}
	})
	c, id := d.connect(t)
	var api smithy.APIError
	if err := <-pushed; !errors.As(err, &api) || api.ErrorCode() != "GoneException" {
		t.Errorf("a push during $connect: %v, not GoneException", err)
	}
	must(d.Push(d.api, "dev").PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("now")}))(t)
	if text, err := c.Read(); text != "now" {
		t.Errorf("the client read %q, %v", text, err)
	}
}

// TestSlowClient: a client that takes nothing is closed with 1008, by its queue or by the time it stalls; others are not held up.
func TestSlowClient(t *testing.T) {
	kinds := map[string]func(*config.Config){
		"full queue": func(c *config.Config) { c.Limits.SendQueue = 128 << 10 },
		"stalled": func(c *config.Config) {
			c.Limits.SendQueue, c.Limits.SendStall = 256<<20, 200*time.Millisecond
		},
	}
	for name, edit := range kinds {
		t.Run(name, func(t *testing.T) {
			d := deploy(t, gatewaytest.Start(t, edit))
			_, id := d.connect(t)
			push := d.Push(d.api, "dev")
			// Several push at once, as one alone waits for the client rather than fill its queue.
			refused := make(chan error, 4)
			for range cap(refused) {
				go func() {
					var err error
					for i := 0; i < 1000 && err == nil; i++ { // 125 MB each; the kernel takes a few
						_, err = push.PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: make([]byte, 128<<10)})
					}
					refused <- err
				}()
			}
			for range cap(refused) {
				if err := <-refused; err == nil {
					t.Fatal("the gateway took 125 MB for a client that reads nothing")
				}
			}
			r := d.disconnects(t, 1)[0]
			if code, reason := r.Header.Get("code"), r.Header.Get("reason"); code != "1008" || reason != "Client reads too slowly" {
				t.Errorf("$disconnect has code %s and reason %q", code, reason)
			}
			other, otherID := d.connect(t)
			must(push.PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &otherID, Data: []byte("hello")}))(t)
			if text, err := other.Read(); text != "hello" {
				t.Errorf("another client read %q, %v", text, err)
			}
		})
	}
}
