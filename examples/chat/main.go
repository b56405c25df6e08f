// Command chat shows the gateway at work: it starts one on a temporary data directory, deploys a chat API through the public
// API as any AWS client would, runs the chat's HTTP backend, and serves a page to try it with.
//
//	go run ./examples/chat [-listen 127.0.0.1:4566] [-page 127.0.0.1:8080]
//
// Ctrl-C ends all of it and removes the data.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	gatewayAddr := flag.String("listen", "127.0.0.1:4566", "address of the gateway; port 0 takes a free one")
	pageAddr := flag.String("page", "127.0.0.1:8080", "address of the chat page; port 0 takes a free one")
	binary := flag.String("sockgate", "", "a sockgate binary to run; built from this tree when empty")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *gatewayAddr, *pageAddr, *binary); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// run starts the parts front to back and takes them down in the opposite order.
func run(ctx context.Context, out io.Writer, gatewayAddr, pageAddr, binary string) error {
	gw, err := startGateway(ctx, out, gatewayAddr, binary)
	if err != nil {
		return err
	}
	defer gw.stop()

	rooms := newChat(gw)
	backend, err := serve("127.0.0.1:0", rooms.handler())
	if err != nil {
		return fmt.Errorf("start the backend: %w", err)
	}
	defer backend.stop()

	apiID, err := deploy(ctx, gw, backend.addr)
	if err != nil {
		return fmt.Errorf("deploy the chat API: %w", err)
	}
	rooms.api.Store(&apiID)

	socketURL := fmt.Sprintf("ws://%s/_aws/execute-api/%s/%s", gw.addr, apiID, stageName)
	page, err := serve(pageAddr, pageHandler(socketURL))
	if err != nil {
		return fmt.Errorf("serve the page: %w (choose another address with -page)", err)
	}
	defer page.stop()

	fmt.Fprintf(out, `
The chat is running.

  page      http://%s/   (open it twice)
  socket    npx wscat -c %s
            then type: {"action":"sendmessage","text":"hello"}
  control   AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_DEFAULT_REGION=us-east-1 \
              aws apigatewayv2 get-routes --api-id %s --endpoint-url http://%s

Ctrl-C ends it and removes its data.
`, page.addr, socketURL, gw.key.id, gw.key.secret, apiID, gw.addr)

	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "\nStopping.")
		return nil
	case err := <-gw.ended:
		return fmt.Errorf("the gateway ended by itself: %w", err)
	}
}

// server is an HTTP server with its own goroutine.
type server struct {
	addr string
	http *http.Server
	done chan struct{}
}

func serve(addr string, h http.Handler) (*server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &server{addr: l.Addr().String(), http: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}, done: make(chan struct{})}
	go func() { // ends with stop, which waits for it
		defer close(s.done)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "chat:", err)
		}
	}()
	return s, nil
}

func (s *server) stop() {
	_ = s.http.Close()
	<-s.done
}
