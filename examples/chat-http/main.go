// Command chat-http is the backend of a chat room: plain HTTP handlers, a table of who is connected, and pushes with the AWS SDK. It never
// sees a WebSocket; template.yaml is what puts an API in front of it, and README.md goes through that step by step.
//
//	sockgate dev examples/chat-http -- go run ./examples/chat-http
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"
)

//go:embed page.html
var page []byte

func main() {
	public := flag.String("listen", "127.0.0.1:9300", "address of the backend and its page")
	private := flag.String("private", "127.0.0.1:9301", "address of what only the VPC link leads to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	config := surroundings()
	s := &service{room: newRoom(config), pusher: &pusher{config}}
	ended := make(chan error, 2)
	go func() { ended <- serve(ctx, *public, s.public()) }()
	go func() { ended <- serve(ctx, *private, s.private()) }()
	for range cap(ended) {
		if err := <-ended; err != nil {
			log.Fatal(err)
		}
	}
}

// serve serves until ctx ends.
func serve(ctx context.Context, addr string, handler http.Handler) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	log.Printf("listening on http://%s/", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		_ = server.Shutdown(context.WithoutCancel(ctx))
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}
