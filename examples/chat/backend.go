package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
)

// chat is the application: plain HTTP handlers that never see a WebSocket. It keeps who is connected, and pushes each
// message to all of them.
type chat struct {
	gateway *gateway
	api     atomic.Pointer[string] // set once the API is deployed

	mu      sync.Mutex
	present map[string]bool // by connection id
}

func newChat(g *gateway) *chat { return &chat{gateway: g, present: map[string]bool{}} }

func (c *chat) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /connect", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.present[r.Header.Get("connectionId")] = true
		c.mu.Unlock()
	})
	mux.HandleFunc("POST /disconnect", func(w http.ResponseWriter, r *http.Request) {
		c.leave(r.Header.Get("connectionId"))
	})
	mux.HandleFunc("POST /message", c.message)
	mux.HandleFunc("POST /default", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"error":"send {\"action\":\"sendmessage\",\"text\":\"...\"}"}`)
	})
	return mux
}

// message pushes what one client said to everyone.
func (c *chat) message(w http.ResponseWriter, r *http.Request) {
	var said struct {
		Text string `json:"text"`
		Name string `json:"name"`
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 128<<10))
	if err == nil {
		err = json.Unmarshal(body, &said)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, err := json.Marshal(map[string]string{"from": r.Header.Get("connectionId"), "name": said.Name, "text": said.Text})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	c.broadcast(r.Context(), out)
}

func (c *chat) broadcast(ctx context.Context, message []byte) {
	c.mu.Lock()
	ids := make([]string, 0, len(c.present))
	for id := range c.present {
		ids = append(ids, id)
	}
	c.mu.Unlock()
	client := apigatewaymanagementapi.NewFromConfig(c.gateway.awsConfig(), func(o *apigatewaymanagementapi.Options) {
		o.BaseEndpoint = aws.String(fmt.Sprintf("http://%s/_aws/execute-api/%s/%s", c.gateway.addr, *c.api.Load(), stageName))
	})
	for _, id := range ids {
		_, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: message})
		var gone *types.GoneException
		switch {
		case errors.As(err, &gone):
			c.leave(id)
		case err != nil:
			log.Printf("push to %s: %v", id, err)
		}
	}
}

func (c *chat) leave(id string) {
	c.mu.Lock()
	delete(c.present, id)
	c.mu.Unlock()
}
