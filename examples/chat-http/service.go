package main

import (
	"encoding/json"
	"log"
	"net/http"
)

// service is what the API's routes lead to.
type service struct {
	room   *room
	pusher *pusher
}

// maxBody is more than a message can have: 128 KiB.
const maxBody = 256 << 10

// public serves the routes that have a public integration, and the page.
func (s *service) public() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /connections", s.connected)
	mux.HandleFunc("DELETE /connections/{id}", s.disconnected)
	mux.HandleFunc("POST /messages", s.say)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	return mux
}

// private serves the route that has a private integration, and the load balancer's health checks.
func (s *service) private() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /online", s.online)
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	return mux
}

// connected is $connect. Everything that it needs is in headers; the status that it answers is the handshake's.
func (s *service) connected(w http.ResponseWriter, r *http.Request) {
	h := r.Header
	if err := s.room.enter(r.Context(), h.Get("Table"), h.Get("Connection-Id"), h.Get("Name")); err != nil {
		fail(w, err)
	}
}

// disconnected is $disconnect. The connection id is in the path.
func (s *service) disconnected(w http.ResponseWriter, r *http.Request) {
	if err := s.room.leave(r.Context(), r.Header.Get("Table"), r.PathValue("id")); err != nil {
		fail(w, err)
	}
}

// message is the body of sendmessage, as the integration's request template writes it.
type message struct {
	From  string `json:"from"`
	Text  string `json:"text"`
	API   string `json:"api"`
	Stage string `json:"stage"`
	Table string `json:"table"`
}

// say is sendmessage: everyone who is connected to the stage gets what one of them said.
func (s *service) say(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, err := json.Marshal(map[string]string{"from": m.From, "text": m.Text})
	if err != nil {
		fail(w, err)
		return
	}
	people, err := s.room.people(r.Context(), m.Table)
	if err != nil {
		fail(w, err)
		return
	}
	for _, p := range people {
		gone, err := s.pusher.push(r.Context(), m.API, m.Stage, p.ConnectionID, text)
		if gone { // its $disconnect was never heard
			err = s.room.leave(r.Context(), m.Table, p.ConnectionID)
		}
		if err != nil {
			log.Printf("push to %s: %v", p.ConnectionID, err)
		}
	}
}

// online answers who is there.
func (s *service) online(w http.ResponseWriter, r *http.Request) {
	people, err := s.room.people(r.Context(), r.URL.Query().Get("table"))
	if err != nil {
		fail(w, err)
		return
	}
	names := []string{}
	for _, p := range people {
		names = append(names, p.Name)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string][]string{"online": names}) // the caller may be gone
}

func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	http.Error(w, "the backend failed", http.StatusInternalServerError)
}
