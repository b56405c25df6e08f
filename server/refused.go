package server

import (
	"net/http"
	"strings"

	"github.com/sockgate/sockgate/control/dev"
	"github.com/sockgate/sockgate/template/resource/wire"
)

// refusedCalls records what the AWS APIs refuse, but to the deploys, which look for much that is not there and tell their own errors; nil
// outside of development.
func (s *Server) refusedCalls() func(r *http.Request, service string, status int, typ, message string) {
	if s.recorder == nil {
		return nil
	}
	return func(r *http.Request, service string, status int, typ, message string) {
		if r.UserAgent() == wire.UserAgent {
			return
		}
		operation := r.Method + " " + r.URL.Path
		if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
			operation = name
		}
		s.recorder.Record(dev.Event{Type: dev.Call, Service: service, Operation: operation, Status: status, Error: typ + ": " + message})
	}
}
