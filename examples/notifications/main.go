// Command notifications is a service that pushes to people who are connected to a WebSocket API, and never sees a WebSocket itself:
//
//	sockgate dev examples/notifications -- go run ./examples/notifications
//
// The gateway tells it by HTTP who came and went; it pushes with the AWS SDK, which finds the gateway where it would find AWS.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
)

//go:embed page.html
var page []byte

func main() {
	addr := flag.String("listen", "127.0.0.1:9100", "address of the service and its page")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s := &service{people: map[string]map[string]string{}}
	server := &http.Server{Addr: *addr, Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("the page is at http://%s/", listener.Addr())
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// service knows who is connected.
type service struct {
	mu     sync.Mutex
	people map[string]map[string]string // user → connection id → where to push
}

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /connected", s.connected)
	mux.HandleFunc("POST /disconnected", func(_ http.ResponseWriter, r *http.Request) { s.forget(r.Header.Get("Connection-Id")) })
	mux.HandleFunc("POST /notify", s.notify)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	return mux
}

// connected is $connect. Whatever status it answers is the handshake's.
func (s *service) connected(_ http.ResponseWriter, r *http.Request) {
	user, id := r.Header.Get("User"), r.Header.Get("Connection-Id")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.people[user] == nil {
		s.people[user] = map[string]string{}
	}
	s.people[user][id] = "https://" + r.Header.Get("Callback") + "/" + r.Header.Get("Stage")
}

func (s *service) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for user, connections := range s.people {
		if delete(connections, id); len(connections) == 0 {
			delete(s.people, user)
		}
	}
}

// notify pushes the body to everything that ?user= has open, and answers on how many it arrived.
func (s *service) notify(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 128<<10))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	s.mu.Lock()
	to := map[string]string{}
	for id, address := range s.people[r.URL.Query().Get("user")] {
		to[id] = address
	}
	s.mu.Unlock()
	arrived := 0
	for id, address := range to {
		err := push(r.Context(), address, id, text)
		var gone *types.GoneException
		switch {
		case err == nil:
			arrived++
		case errors.As(err, &gone):
			s.forget(id)
		default:
			log.Printf("push to %s: %v", id, err)
		}
	}
	_, _ = io.WriteString(w, strconv.Itoa(arrived)+"\n")
}

func push(ctx context.Context, address, id string, text []byte) error {
	client := apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		BaseEndpoint: &address, Region: os.Getenv("AWS_REGION"), HTTPClient: http.DefaultClient,
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	})
	_, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: aws.String(id), Data: text})
	return err
}
