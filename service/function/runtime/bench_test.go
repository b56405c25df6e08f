package runtime_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate/service/function/runtime"
)

const (
	helloNode   = `exports.handler = async (event) => ({statusCode: 200, body: "hello"});`
	helloPython = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'hello'}\n"
)

func benchmarkWarm(b *testing.B, name string, files map[string]string) {
	e := newEnv(b)
	s := e.function(b, name, files)
	inv := newInvocation(s, `{"requestContext":{"connectionId":"L0SM9cOFvHcCIhw=","routeKey":"$default"},"body":"hello"}`)
	inv.Tail = false
	times := make([]time.Duration, 0, b.N)
	for range 200 { // lets the compiler see what is hot
		e.call(b, s, "{}")
	}
	for b.Loop() {
		start := time.Now()
		if _, err := e.Invoke(context.Background(), s, inv); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}

func BenchmarkWarmNode(b *testing.B)   { benchmarkWarm(b, "nodejs20.x", node(helloNode)) }
func BenchmarkWarmPython(b *testing.B) { benchmarkWarm(b, "python3.11", python(helloPython)) }

// BenchmarkWarmNodeTen is the rate of ten callers over ten processes.
func BenchmarkWarmNodeTen(b *testing.B) {
	const callers = 10
	e := newEnv(b)
	s := e.function(b, "nodejs20.x", node(helloNode))
	inv := newInvocation(s, `{"body":"hello"}`)
	inv.Tail = false
	work := make(chan struct{})
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			for range work {
				if _, err := e.Invoke(context.Background(), s, inv); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range 2000 {
		work <- struct{}{}
	}
	for b.Loop() {
		work <- struct{}{}
	}
	close(work)
	running.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func benchmarkCold(b *testing.B, name string, files map[string]string) {
	e := newEnv(b)
	s := e.function(b, name, files)
	e.call(b, s, "{}") // finds the interpreter and starts the supervisor
	inv := newInvocation(s, "{}")
	var r *runtime.Result
	for b.Loop() {
		e.Retire(s.FunctionName)
		var err error
		if r, err = e.Invoke(context.Background(), s, inv); err != nil {
			b.Fatal(err)
		}
		if r.Init == 0 {
			b.Fatal("not a cold start")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/start")
}

func BenchmarkColdNode(b *testing.B)   { benchmarkCold(b, "nodejs20.x", node(helloNode)) }
func BenchmarkColdPython(b *testing.B) { benchmarkCold(b, "python3.11", python(helloPython)) }
