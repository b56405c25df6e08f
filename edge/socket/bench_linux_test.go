package socket_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/socket"
)

// echo answers on the connection and remembers nothing.
type echo struct{}

func (echo) Message(c *socket.Conn, payload []byte) { c.Reply(context.Background(), payload) }
func (echo) Closed(_ *socket.Conn, _ int, _ string) {}

// deepEcho answers from as far down the stack as a handler that calls a backend.
type deepEcho struct{ echo }

func (deepEcho) Message(c *socket.Conn, payload []byte) { descend(c, payload, 24, [256]byte{}) }

//go:noinline
func descend(c *socket.Conn, payload []byte, levels int, room [256]byte) byte {
	if levels == 0 {
		c.Reply(context.Background(), payload)
		return room[len(payload)]
	}
	room[levels]++
	return descend(c, payload, levels-1, room) + room[levels]
}

// BenchmarkDispatch compares a goroutine per message with workers, for a handler that goes deep.
func BenchmarkDispatch(b *testing.B) {
	for _, workers := range []bool{false, true} {
		b.Run("workers="+strconv.FormatBool(workers), func(b *testing.B) {
			limits := socket.DefaultLimits()
			if workers {
				limits.Workers = socket.NewWorkers(64)
				defer limits.Workers.Close()
			}
			benchmarkEcho(b, 20, &limits, deepEcho{})
		})
	}
}

// BenchmarkEcho sends 64-byte messages, one at a time on each of some connections, and waits for each answer. Busy connections do not pay
// for parking.
func BenchmarkEcho(b *testing.B) {
	for _, conns := range []int{1, 50} {
		for _, parks := range []bool{false, true} {
			b.Run("conns="+strconv.Itoa(conns)+"/parks="+strconv.FormatBool(parks), func(b *testing.B) {
				limits := socket.DefaultLimits()
				if parks {
					limits.Lot = socket.NewLot(socket.ParkAfter)
					defer limits.Lot.Close()
				}
				benchmarkEcho(b, conns, &limits, echo{})
			})
		}
	}
}

func benchmarkEcho(b *testing.B, conns int, limits *socket.Limits, handler socket.Handler) {
	in := frame(fin|text, strings.Repeat("x", 64))
	var servers, clients sync.WaitGroup
	turns := make(chan struct{}, 64)
	for range conns {
		server, client := tcpPair(b)
		c := socket.New(server, nil, limits, handler, &sockgate.Connection{ConnectedAt: time.Now()})
		servers.Go(func() { c.Run(context.Background()) })
		clients.Go(func() {
			defer client.Close()
			out := make([]byte, 66)
			for range turns {
				client.Write(in)
				if _, err := io.ReadFull(client, out); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		turns <- struct{}{}
	}
	close(turns)
	clients.Wait()
	servers.Wait()
}

// BenchmarkIdle measures what an idle connection costs this process: our structures, the goroutine and its stack unless it parks,
// and the net package's part. The clients' ends are bare descriptors. It needs two descriptors per connection.
func BenchmarkIdle(b *testing.B) {
	for _, parked := range []bool{false, true} {
		b.Run("parked="+strconv.FormatBool(parked), func(b *testing.B) { benchmarkIdle(b, parked) })
	}
}

func benchmarkIdle(b *testing.B, parked bool) {
	const n = 9900 // with both ends, what a limit of 20,000 descriptors allows
	limits := socket.DefaultLimits()
	if parked {
		limits.Lot = socket.NewLot(100 * time.Millisecond)
		defer limits.Lot.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	clients := make([]int, 0, n)
	servers := make([]net.Conn, 0, n)
	for range n {
		clients = append(clients, dialRaw(b, l.Addr().(*net.TCPAddr).Port))
		s, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		servers = append(servers, s)
	}
	conns := make([]*socket.Conn, n)
	var running sync.WaitGroup
	before := memory()
	for i, s := range servers {
		info := &sockgate.Connection{ConnectedAt: time.Now()}
		conns[i] = socket.New(s, nil, &limits, echo{}, info)
		running.Add(1)
		conns[i].Start(running.Done)
	}
	// Each has had a message, as a connection that was never used costs less.
	in, out := frame(fin|text, "hello"), make([]byte, 7)
	for _, fd := range clients {
		writeRaw(b, fd, in)
		readRaw(b, fd, out)
	}
	if parked {
		untilParked(b, limits.Lot, n)
	}
	after := memory()
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "heap-B/conn")
	b.ReportMetric(float64(after.StackInuse-before.StackInuse)/float64(n), "stack-B/conn")
	b.ReportMetric(0, "ns/op")
	for _, fd := range clients {
		closeRaw(fd)
	}
	running.Wait()
}

func memory() (m runtime.MemStats) {
	for range 3 {
		runtime.GC() // stacks shrink by half at each, and pools are emptied
	}
	time.Sleep(100 * time.Millisecond)
	runtime.ReadMemStats(&m)
	return m
}

// dialRaw connects to a loopback port with a descriptor of which the runtime knows nothing.
func dialRaw(t testing.TB, port int) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func writeRaw(t testing.TB, fd int, b []byte) {
	t.Helper()
	if _, err := syscall.Write(fd, b); err != nil {
		t.Fatal(err)
	}
}

func readRaw(t testing.TB, fd int, b []byte) {
	t.Helper()
	if _, err := syscall.Read(fd, b); err != nil {
		t.Fatal(err)
	}
}

func closeRaw(fd int) { syscall.Close(fd) }
