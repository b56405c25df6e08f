package httpintegration_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/sockgate/sockgate"
	httpintegration "github.com/sockgate/sockgate/gateway/integrate/http"
)

// echoBackend is fasthttp's server, so that what is compared is the clients.
func echoBackend(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) { ctx.SetBody(ctx.PostBody()) }}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	b.Cleanup(func() {
		_ = s.Shutdown()
		<-done
	})
	return l.Addr().String()
}

// BenchmarkDo measures a call with a 64-byte body and five headers against a backend in the same process.
func BenchmarkDo(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 64)
	header := sockgate.Headers{
		{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "AmazonAPIGateway_abcdefghij"},
		{Name: "x-amzn-apigateway-api-id", Value: "abcdefghij"}, {Name: "X-Amzn-Trace-Id", Value: "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e"},
		{Name: "connectionid", Value: "XDmENcnwIE0CFEQ="},
	}
	clients := []struct {
		name string
		call func(host string) (do func() error, done func())
	}{
		{"sockgate", func(host string) (func() error, func()) {
			c := httpintegration.New(httpintegration.Config{})
			ctx := context.Background()
			return func() error {
				var resp httpintegration.Response
				err := c.Do(ctx, &httpintegration.Request{Method: "POST", Scheme: "http", Host: host, RequestURI: "/a?b=c", Header: header, Body: body}, &resp)
				resp.Release()
				return err
			}, c.Close
		}},
		{"sockgate-cancelable", func(host string) (func() error, func()) {
			c := httpintegration.New(httpintegration.Config{})
			ctx, cancel := context.WithCancel(context.Background())
			return func() error {
				var resp httpintegration.Response
				err := c.Do(ctx, &httpintegration.Request{Method: "POST", Scheme: "http", Host: host, RequestURI: "/a?b=c", Header: header, Body: body}, &resp)
				resp.Release()
				return err
			}, func() { cancel(); c.Close() }
		}},
		{"fasthttp", func(host string) (func() error, func()) {
			c := &fasthttp.HostClient{Addr: host, DisableHeaderNamesNormalizing: true, DisablePathNormalizing: true, MaxIdemponentCallAttempts: 1}
			return func() error {
				req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
				req.Header.DisableNormalizing()
				req.Header.SetMethod("POST")
				req.SetRequestURI("/a?b=c")
				req.Header.SetHost(host)
				for i := range header {
					req.Header.Set(header[i].Name, header[i].Value)
				}
				req.SetBodyRaw(body)
				err := c.DoTimeout(req, resp, httpintegration.MaxTimeout)
				fasthttp.ReleaseRequest(req)
				fasthttp.ReleaseResponse(resp)
				return err
			}, c.CloseIdleConnections
		}},
		{"net-http", func(host string) (func() error, func()) {
			tr := &http.Transport{MaxIdleConnsPerHost: 512}
			return func() error {
				req, err := http.NewRequest("POST", "http://"+host+"/a?b=c", bytes.NewReader(body))
				if err != nil {
					return err
				}
				for i := range header {
					req.Header.Set(header[i].Name, header[i].Value)
				}
				resp, err := tr.RoundTrip(req)
				if err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				return err
			}, tr.CloseIdleConnections
		}},
	}
	for _, parallel := range []int{1, 100} {
		for _, c := range clients {
			b.Run(fmt.Sprintf("%s/parallel=%d", c.name, parallel), func(b *testing.B) {
				do, done := c.call(echoBackend(b))
				defer done()
				b.ReportAllocs()
				b.SetParallelism(parallel)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := do(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}
