package dev

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// The paths of the API.
const (
	ConnectionsPath = "/_sockgate/connections"
	EventsPath      = "/_sockgate/events"
	ResetPath       = "/_sockgate/reset"
)

const (
	defaultEvents = 1000
	maxWait       = time.Minute
	resetTimeout  = 20 * time.Second
	deployTimeout = 5 * time.Minute
)

// Handler serves the API.
type Handler struct {
	Recorder *Recorder
	// Connections calls fn for each open connection, with when a message last went either way.
	Connections func(fn func(c *sockgate.Connection, lastActive time.Time))
	// Reset closes every connection and removes every resource. When it returns, nothing of them is served any more.
	Reset func(context.Context) error
	// Deploy makes the template's resources again after a reset that asks for it; nil when there is no template.
	Deploy func(context.Context) error
}

// Connection is one that is open.
type Connection struct {
	ConnectionID string            `json:"connectionId"`
	APIID        string            `json:"apiId"`
	Stage        string            `json:"stage"`
	DomainName   string            `json:"domainName"`
	SourceIP     string            `json:"sourceIp"`
	UserAgent    string            `json:"userAgent,omitempty"`
	ConnectedAt  time.Time         `json:"connectedAt"`
	LastActiveAt time.Time         `json:"lastActiveAt"`
	PrincipalID  string            `json:"principalId,omitempty"`
	Authorizer   map[string]string `json:"authorizer,omitempty"`
	APIKeyID     string            `json:"apiKeyId,omitempty"`
}

// Serves reports whether a path is this API's.
func Serves(path string) bool {
	return path == ConnectionsPath || path == EventsPath || path == ResetPath
}

// ServeHTTP answers one call.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := http.MethodGet
	if r.URL.Path == ResetPath {
		method = http.MethodPost
	}
	switch {
	case !local(r):
		refuse(w, http.StatusForbidden, "Only programs and pages of this machine may call this; name the gateway as localhost or 127.0.0.1")
	case r.Method != method:
		w.Header().Set("Allow", method)
		refuse(w, http.StatusMethodNotAllowed, r.URL.Path+" takes "+method)
	case r.URL.Path == ConnectionsPath:
		h.connections(w, r)
	case r.URL.Path == EventsPath:
		h.events(w, r)
	default:
		h.reset(w, r)
	}
}

// local keeps out web pages of other sites: a browser says where a page comes from, and a name that was made to point here is
// still that name.
func local(r *http.Request) bool {
	if !loopback(r.Host) {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && loopback(u.Host)
}

func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (h *Handler) connections(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	list := []Connection{}
	h.Connections(func(c *sockgate.Connection, lastActive time.Time) {
		if !is(q, "apiId", c.APIID) || !is(q, "stage", c.Stage) {
			return
		}
		one := Connection{ConnectionID: c.ID, APIID: c.APIID, Stage: c.Stage, DomainName: c.DomainName, SourceIP: c.SourceIP.String(),
			UserAgent: c.UserAgent, ConnectedAt: c.ConnectedAt, LastActiveAt: lastActive}
		if a := c.Authorizer; a != nil {
			one.PrincipalID, one.Authorizer = a.PrincipalID, a.Context
		}
		if c.APIKey != nil {
			one.APIKeyID = c.APIKey.ID
		}
		list = append(list, one)
	})
	sort.Slice(list, func(i, j int) bool {
		if !list[i].ConnectedAt.Equal(list[j].ConnectedAt) {
			return list[i].ConnectedAt.Before(list[j].ConnectedAt)
		}
		return list[i].ConnectionID < list[j].ConnectionID
	})
	answer(w, http.StatusOK, map[string]any{"connections": list})
}

// is reports whether the query asks for v, or for any.
func is(q url.Values, name, v string) bool { return !q.Has(name) || q.Get(name) == v }

// events answers {"events": [...], "next": N}. since=N leaves out the events up to that one; wait=5s waits that long for the first;
// limit, type, apiId, stage, routeKey, connectionId and logGroup choose.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	since, err := number(q, "since", 0)
	if err != nil {
		refuse(w, http.StatusBadRequest, "since must be the number of an event")
		return
	}
	limit, err := number(q, "limit", defaultEvents)
	if err != nil || limit < 1 || limit > keep {
		refuse(w, http.StatusBadRequest, "limit must be a number from 1 to "+strconv.Itoa(keep))
		return
	}
	var wait time.Duration
	if v := q.Get("wait"); v != "" {
		if wait, err = time.ParseDuration(v); err != nil || wait < 0 || wait > maxWait {
			refuse(w, http.StatusBadRequest, "wait must be a duration up to 1m, as in 5s")
			return
		}
	}
	want := func(e *Event) bool {
		return is(q, "type", e.Type) && is(q, "apiId", e.APIID) && is(q, "stage", e.Stage) && is(q, "routeKey", e.RouteKey) &&
			is(q, "connectionId", e.ConnectionID) && is(q, "logGroup", e.LogGroup)
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	events, next := h.Recorder.Since(since, int(limit), want)
	for len(events) == 0 && ctx.Err() == nil {
		h.Recorder.Wait(ctx, next)
		events, next = h.Recorder.Since(next, int(limit), want)
	}
	if events == nil {
		events = []Event{}
	}
	answer(w, http.StatusOK, map[string]any{"events": events, "next": next})
}

func number(q url.Values, name string, otherwise uint64) (uint64, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	return strconv.ParseUint(q.Get(name), 10, 63)
}

func (h *Handler) reset(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	deploy := r.URL.Query().Get("deploy")
	switch {
	case deploy != "" && deploy != "true" && deploy != "false":
		refuse(w, http.StatusBadRequest, "deploy must be true or false")
		return
	case deploy == "true" && h.Deploy == nil:
		refuse(w, http.StatusBadRequest, "There is no template to deploy")
		return
	}
	// A caller who gives up must not leave half of it behind.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), resetTimeout)
	defer cancel()
	if err := h.Reset(ctx); err != nil {
		refuse(w, http.StatusInternalServerError, "Not everything was removed: "+err.Error())
		return
	}
	h.Recorder.Record(Event{Type: Reset})
	if deploy == "true" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), deployTimeout)
		defer cancel()
		if err := h.Deploy(ctx); err != nil {
			refuse(w, http.StatusInternalServerError, "Everything was removed, but the template cannot be deployed: "+err.Error())
			return
		}
	}
	answer(w, http.StatusOK, map[string]any{"status": "reset", "milliseconds": time.Since(began).Milliseconds()})
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"message": message})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body) // the caller is gone if this fails
}
