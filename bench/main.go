// Command bench measures the gateway against the machine's own limits, in one run, so that the ratios mean something on a
// noisy machine. It builds and starts the gateway, a backend and a bare WebSocket echo server as processes of their own, puts
// load on them over loopback, and prints a table.
//
//	go run ./bench [-seconds 5] [-connections 200] [-idle 10000]
//
// What it prints: the rate of a bare epoll echo and of direct HTTP calls, the gateway's proxied rate and its ratio to what the
// two allow together (1/(1/echo + 1/direct)), latency at light load over the direct call, the rate of signed @connections
// pushes, warm and cold function calls, calls of the DynamoDB API, private integrations through a VPC link and through an agent, resident memory for each idle connection, time to ready, and the size of the binary.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	role := flag.String("role", "", "internal: what a child process of the benchmark is (echo, backend)")
	seconds := flag.Int("seconds", 5, "length of each measurement, in seconds")
	connections := flag.Int("connections", 200, "WebSocket connections under load")
	idle := flag.Int("idle", 10000, "idle connections for the memory figure")
	binary := flag.String("sockgate", "", "a sockgate binary to measure; built from this tree when empty")
	rounds := flag.Int("rounds", 3, "rounds of the throughput measurements; the best of each counts")
	only := flag.String("only", "", "measure one part only: proxied, shaped, light, push, functions, tables, deploy, dev, tunnel, link, tls or idle")
	flag.Parse()
	var err error
	switch *role {
	case "echo":
		err = runEcho()
	case "backend":
		err = runBackend()
	default:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		err = run(ctx, time.Duration(*seconds)*time.Second, *binary, *only, *connections, *idle, *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, d time.Duration, binary, only string, connections, idle, rounds int) error {
	dir, err := os.MkdirTemp("", "sockgate-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if binary == "" {
		binary = filepath.Join(dir, "sockgate")
		if err := buildGateway(ctx, binary); err != nil {
			return err
		}
	}
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, %s\n\n", cpuName(), runtime.NumCPU(), runtime.Version())
	report("binary", "%.1f MB", float64(info.Size())/1e6)

	backend, err := startSelf(ctx, "backend")
	if err != nil {
		return err
	}
	defer backend.stop()
	echo, err := startSelf(ctx, "echo")
	if err != nil {
		return err
	}
	defer echo.stop()
	gw, err := startGateway(ctx, binary, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer gw.stop()
	report("ready after start", "%d ms", gw.ready.Milliseconds())
	report("idle resident memory", "%.1f MB", float64(gw.rss())/1e6)
	if err := gw.deploy(ctx, backend.addr); err != nil {
		return err
	}

	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"proxied", func() error { return throughput(ctx, gw, backend, echo, d, connections, rounds) }},
		{"shaped", func() error { return shaped(ctx, gw, connections, d, rounds) }},
		{"light", func() error { return lightLoad(ctx, gw, backend.addr) }},
		{"push", func() error { return pushing(ctx, gw, backend, d) }},
		{"functions", func() error { return functions(ctx, gw, d) }},
		{"tables", func() error { return tables(ctx, gw, d, rounds) }},
		{"tunnel", func() error { return tunneled(ctx, gw, backend, filepath.Join(dir, "data"), connections, d, rounds) }},
		{"link", func() error { return link(ctx, gw, backend, connections, d, rounds) }},
		{"deploy", func() error { return deploying(ctx, gw, binary, dir, rounds) }},
		{"dev", func() error { return developing(ctx, binary, dir, rounds) }},
		{"tls", func() error { return encrypted(ctx, gw, idle, d, rounds) }},
		{"idle", func() error { return idleMemory(ctx, gw, idle) }},
	} {
		if only != "" && only != part.name {
			continue
		}
		if err := part.measure(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// throughput compares the gateway's proxied rate with what the machine allows.
func throughput(ctx context.Context, gw *gateway, backend, echo *child, d time.Duration, connections, rounds int) error {
	var echoRate, directRate, proxied rate
	for range rounds { // interleaved, so that a noisy minute falls on all of them
		r, err := socketRate(ctx, "ws://"+echo.addr+"/", message, connections, d)
		if err != nil {
			return fmt.Errorf("echo: %w", err)
		}
		echoRate = better(echoRate, r)
		if r, err = directHTTPRate(ctx, "http://"+backend.addr+"/message", connections, d); err != nil {
			return fmt.Errorf("direct: %w", err)
		}
		directRate = better(directRate, r)
		if r, err = socketRate(ctx, gw.socketURL(), message, connections, d); err != nil {
			return fmt.Errorf("gateway: %w", err)
		}
		proxied = better(proxied, r)
	}
	limit := 1 / (1/echoRate.perSecond + 1/directRate.perSecond)
	report("bare echo", "%.0f messages/s, %v of processor time each", echoRate.perSecond, echoRate.cpu)
	report("direct HTTP", "%.0f requests/s, %v each", directRate.perSecond, directRate.cpu)
	report("gateway, proxied", "%.0f messages/s, %v each", proxied.perSecond, proxied.cpu)
	report("ratio to 1/(1/echo+1/direct)", "%.2f by rate, %.2f by processor time", proxied.perSecond/limit,
		float64(echoRate.cpu+directRate.cpu)/float64(proxied.cpu))
	return nil
}

// shaped compares 1 KB messages that are proxied as they are, wrapped by a template of the same size, and checked against a
// schema of 20 properties.
func shaped(ctx context.Context, gw *gateway, connections int, d time.Duration, rounds int) error {
	rates := map[string]rate{}
	kinds := []string{"plain", "templated", "validated"}
	for range rounds {
		for _, kind := range kinds {
			r, err := socketRate(ctx, gw.socketURL(), kilobyte(kind), connections, d)
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			rates[kind] = better(rates[kind], r)
		}
	}
	for _, kind := range kinds {
		report("1 KB message, "+kind, "%.0f messages/s, %v each, %v over plain", rates[kind].perSecond, rates[kind].cpu, rates[kind].cpu-rates["plain"].cpu)
	}
	return nil
}

// pushing compares signed @connections calls with calls that do nothing.
func pushing(ctx context.Context, gw *gateway, backend *child, d time.Duration) error {
	empty, err := directHTTPRate(ctx, "http://"+backend.addr+"/empty", 16, d)
	if err != nil {
		return err
	}
	pushes, err := pushRate(ctx, gw, 16, d)
	if err != nil {
		return err
	}
	report("empty fasthttp handler, 16 callers", "%.0f requests/s, %v of processor time each", empty.perSecond, empty.cpu)
	report("@connections POST, 16 callers", "%.0f pushes/s, %v each (%.2f of the empty handler)", pushes.perSecond, pushes.cpu,
		pushes.perSecond/empty.perSecond)
	return nil
}

func report(what, format string, args ...any) {
	fmt.Printf("%-36s %s\n", what, fmt.Sprintf(format, args...))
}
