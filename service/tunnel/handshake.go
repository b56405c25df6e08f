package tunnel

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// refusal is an answer other than 101.
type refusal struct {
	status  int
	message string
	reason  string // for the log; "" is the message
}

func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, no *refusal) {
	if no.status == http.StatusUnauthorized || no.status == http.StatusForbidden {
		if !g.refused.Allow() {
			no = &refusal{status: http.StatusTooManyRequests, message: "Too many refused agents. Try again later.", reason: "-"}
		}
	}
	if no.reason != "-" {
		reason := no.reason
		if reason == "" {
			reason = no.message
		}
		g.cfg.Log.Warn("agent refused", "remote", r.RemoteAddr, "loadBalancer", name(r, BalancerHeader), "agent", name(r, AgentHeader),
			"status", no.status, "reason", reason)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set(refusalHeader, Protocol)
	switch no.status {
	case http.StatusUpgradeRequired:
		h.Set("Upgrade", Protocol)
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	body, _ := json.Marshal(map[string]string{"message": no.message}) // strings always encode
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(no.status)
	_, _ = w.Write(body) // the agent may have gone
}

// maxName bounds the names that an agent gives, in bytes.
const maxName = 128

// name is a header's value if it can be a name, else "".
func name(r *http.Request, header string) string {
	v := r.Header.Get(header)
	if len(v) > maxName {
		return ""
	}
	for i := range len(v) {
		if v[i] <= ' ' || v[i] >= 0x7f {
			return ""
		}
	}
	return v
}

// admit grants or refuses a connection.
func (g *Gateway) admit(w http.ResponseWriter, r *http.Request) *refusal {
	if r.Method != http.MethodGet || !strings.EqualFold(r.Header.Get("Upgrade"), Protocol) || !hasToken(r.Header.Values("Connection"), "upgrade") {
		return &refusal{status: http.StatusUpgradeRequired, message: "This is where agents connect: sockgate link", reason: "-"}
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return &refusal{status: http.StatusUnauthorized, message: "The agent shows no token."}
	}
	token, why := g.cfg.Tokens.check(strings.TrimSpace(bearer), g.cfg.Clock())
	if token == nil {
		return &refusal{status: http.StatusUnauthorized, message: "The token is unknown, revoked or expired.", reason: why}
	}
	s := &session{
		gateway: g, token: token, balancer: name(r, BalancerHeader), agent: name(r, AgentHeader), remote: r.RemoteAddr,
		ready: make(chan struct{}), ended: make(chan struct{}), left: make(chan struct{}),
	}
	if s.balancer == "" || s.agent == "" {
		return &refusal{status: http.StatusBadRequest, message: "The agent names no load balancer, or not itself."}
	}
	if s.balancer != token.LoadBalancer {
		return &refusal{status: http.StatusForbidden, message: "The token is for another load balancer.", reason: "token " + token.ID + " is for load balancer " + token.LoadBalancer}
	}
	return g.start(w, s)
}

var errEarly = errors.New("the agent speaks before it was answered")

// accept writes the 101.
func (s *session) accept(conn net.Conn, in interface{ Buffered() int }) (*wire, error) {
	if in.Buffered() > 0 {
		_ = hangUp(conn)
		return nil, errEarly
	}
	_ = conn.SetWriteDeadline(time.Now().Add(stuck))
	_, err := conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + Protocol + "\r\n\r\n"))
	if err != nil {
		_ = hangUp(conn)
		return nil, err
	}
	_ = conn.SetWriteDeadline(time.Time{})
	return newWire(conn, nil, newGuard(s.leave)), nil
}

// hasToken reports whether token is in a comma-separated list, in any case.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}
