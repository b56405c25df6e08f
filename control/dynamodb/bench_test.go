package dynamodb_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/dynamodb"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/service/table"
)

// BenchmarkSigned measures signed calls over HTTP by 64 callers, each write on disk before it is answered.
//
//	go test ./control/dynamodb -run - -bench Signed -benchtime 3s
func BenchmarkSigned(b *testing.B) {
	engine, err := table.Open(table.Options{Dir: b.TempDir(), Settle: time.Millisecond})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- engine.Run(ctx) }()
	h := &harness{engine: engine}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	aws := front(h, engine)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != items+"Nothing" {
			aws.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // what HTTP alone takes, for comparison
		_, _ = io.WriteString(w, "{}")
	})}
	go server.Serve(listener)
	b.Cleanup(func() {
		server.Close()
		cancel()
		<-done
		engine.Close()
	})
	h.Client = client("http://"+listener.Addr().String(), rootKey)
	h.create(b, hashTable("bench"))
	pad := strings.Repeat("x", 100)
	for _, op := range []struct {
		name, target string
		body         func(i int64) string
	}{
		{"bare", "Nothing", func(int64) string { return `{"TableName":"bench"}` }},
		{"put", "PutItem", func(i int64) string {
			return fmt.Sprintf(`{"TableName":"bench","Item":{"id":{"S":"key-%d"},"room":{"S":"%s"},"count":{"N":"%d"}}}`, i%100000, pad, i)
		}},
		{"get", "GetItem", func(i int64) string {
			return fmt.Sprintf(`{"TableName":"bench","Key":{"id":{"S":"key-%d"}},"ConsistentRead":true}`, i%100000)
		}},
		{"update", "UpdateItem", func(i int64) string {
			return fmt.Sprintf(`{"TableName":"bench","Key":{"id":{"S":"key-%d"}},"UpdateExpression":"SET #c = if_not_exists(#c, :z) + :one","ConditionExpression":"attribute_not_exists(gone)",`+
				`"ExpressionAttributeNames":{"#c":"count"},"ExpressionAttributeValues":{":one":{"N":"1"},":z":{"N":"0"}}}`, i%100000)
		}},
	} {
		for _, callers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/%d", op.name, callers), func(b *testing.B) {
				hc := &fasthttp.HostClient{Addr: listener.Addr().String(), MaxConns: callers}
				calls := make([]fasthttp.Request, min(b.N, 20000)) // signed beforehand: a client derives its key once a day
				for i := range calls {
					prepare(&calls[i], hc.Addr, op.target, op.body(int64(i)))
				}
				b.ResetTimer()
				var next atomic.Int64
				failed := make(chan string, callers)
				for range callers {
					go func() {
						var resp fasthttp.Response
						var req fasthttp.Request
						for {
							i := next.Add(1)
							if i > int64(b.N) {
								failed <- ""
								return
							}
							calls[i%int64(len(calls))].CopyTo(&req)
							if err := hc.Do(&req, &resp); err != nil || resp.StatusCode() != 200 {
								failed <- fmt.Sprintf("%v %s", err, resp.Body())
								return
							}
						}
					}()
				}
				for range callers {
					if f := <-failed; f != "" {
						b.Error(f)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		}
	}
}

// prepare makes a signed request.
func prepare(req *fasthttp.Request, addr, target, body string) {
	signed := sigv4.Request{Method: "POST", Path: "/", Host: addr, Headers: sockgate.Headers{
		{Name: "Content-Type", Value: "application/x-amz-json-1.0"}, {Name: "X-Amz-Target", Value: items + target}}}
	req.SetRequestURI("http://" + addr + "/")
	req.Header.SetMethod("POST")
	for _, h := range signed.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	for _, h := range sigv4.Sign(&signed, sha256.Sum256([]byte(body)), sigv4.Credentials{AccessKeyID: rootKey, Secret: secret}, sigv4.Scope{Region: region, Service: "dynamodb"}, time.Now()) {
		req.Header.Set(h.Name, h.Value)
	}
	req.SetBodyString(body)
}

// BenchmarkServe measures what the service and the engine take of a call, without HTTP, signatures and the disk.
func BenchmarkServe(b *testing.B) {
	engine, err := table.Open(table.Options{Dir: b.TempDir(), Settle: time.Millisecond, Relaxed: true})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- engine.Run(ctx) }()
	defer func() { cancel(); <-done }()
	service := dynamodb.New(dynamodb.Config{Tables: engine, Account: account, Region: region})
	call := func(target, body string) error {
		_, err := service.Serve(ctx, &awswire.Request{Method: "POST", Body: []byte(body), Principal: &sockgate.Principal{Root: true},
			Header: http.Header{"X-Amz-Target": {items + target}, "Content-Type": {"application/x-amz-json-1.0"}}})
		return err
	}
	if err := call("CreateTable", `{"TableName":"bench","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}`); err != nil {
		b.Fatal(err)
	}
	if err := call("CreateTable", `{"TableName":"rooms","AttributeDefinitions":[{"AttributeName":"room","AttributeType":"S"},{"AttributeName":"n","AttributeType":"N"}],`+
		`"KeySchema":[{"AttributeName":"room","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"}],"BillingMode":"PAY_PER_REQUEST"}`); err != nil {
		b.Fatal(err)
	}
	if err := call("DescribeTable", `{"TableName":"rooms"}`); err != nil {
		b.Fatal(err)
	}
	if err := call("DescribeTable", `{"TableName":"bench"}`); err != nil {
		b.Fatal(err)
	}
	pad := strings.Repeat("x", 100)
	for i := range 10000 {
		if err := call("PutItem", fmt.Sprintf(`{"TableName":"rooms","Item":{"room":{"S":"r%d"},"n":{"N":"%d"},"text":{"S":%q},"at":{"N":"1700000000"}}}`, i/100, i%100, pad)); err != nil {
			b.Fatal(err)
		}
	}
	for _, op := range []struct{ name, target, body string }{
		{"query 100", "Query", `{"TableName":"rooms","KeyConditionExpression":"room = :r","ExpressionAttributeValues":{":r":{"S":"r%[1]d"}}}`},
		{"put", "PutItem", `{"TableName":"bench","Item":{"id":{"S":"key-%d"},"room":{"S":"` + pad + `"},"count":{"N":"12"}}}`},
		{"get", "GetItem", `{"TableName":"bench","Key":{"id":{"S":"key-%d"}},"ConsistentRead":true}`},
		{"update", "UpdateItem", `{"TableName":"bench","Key":{"id":{"S":"key-%d"}},"UpdateExpression":"SET #c = if_not_exists(#c, :z) + :one","ConditionExpression":"attribute_not_exists(gone)",` +
			`"ExpressionAttributeNames":{"#c":"count"},"ExpressionAttributeValues":{":one":{"N":"1"},":z":{"N":"0"}}}`},
	} {
		bodies := make([]string, 10000)
		for i := range bodies {
			key := i
			if op.target == "Query" {
				key %= 100
			}
			bodies[i] = fmt.Sprintf(op.body, key)
		}
		b.Run(op.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				if err := call(op.target, bodies[i%len(bodies)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
