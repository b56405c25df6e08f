// Package stacks is where `sockgate deploy` remembers what it made: a small API of the gateway's own that keeps one document for each
// stack, with compare-and-set, and a lock so that two deploys of one stack do not run at once. What a document says is the
// deploying program's business (package template/stack); this one knows of it only its exports and imports, so that no two
// stacks export one name and no export goes while another stack needs it.
//
// Calls are signed for the service "sockgate" and need sockgate:ListStacks, GetStack, PutStack or DeleteStack on
// arn:aws:sockgate:{region}:{account}:stack/{name}.
//
//	GET    /_sockgate/stacks               every stack: name, status, exports, imports
//	GET    /_sockgate/stacks/{name}        one stack with its document
//	PUT    /_sockgate/stacks/{name}        write it: revision must be what was read, 0 for a new one
//	DELETE /_sockgate/stacks/{name}        forget it (?revision=N)
//	POST   /_sockgate/stacks/{name}/lock   take, renew or give up the lock
//
// In the store a stack is one document under "stack.{name}".
package stacks

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/state/store"
)

const (
	// Path is where the API is.
	Path = "/_sockgate/stacks"
	// MaxDocument bounds a stack's document, in bytes.
	MaxDocument = 4 << 20
	// MaxLease is the longest time for which a lock is given.
	MaxLease = time.Minute

	prefix      = "stack."
	maxExports  = 200 // of one stack. Source: CloudFormation User Guide, "Quotas": outputs of a template
	maxStatus   = 64
	maxOwner    = 256
	maxToken    = 64
	casAttempts = 16
)

// nameForm is CloudFormation's. Source: CloudFormation API Reference, CreateStack, StackName.
var nameForm = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

// Config is what the service needs.
type Config struct {
	Store   store.Store
	Account string // 12 digits
	Region  string
	Clock   func() time.Time
}

// Service serves the API. Its methods may be called by many goroutines.
type Service struct {
	Config
	writing sync.Mutex // held while exports are compared with the other stacks' and written
}

var (
	_ awswire.Service = (*Service)(nil)
	_ awswire.Guarded = (*Service)(nil)
)

// New returns the service.
func New(cfg Config) *Service { return &Service{Config: cfg} }

// Name returns the name that signatures are for.
func (s *Service) Name() string { return "sockgate" }

// MaxBody leaves room for the document's surroundings.
func (s *Service) MaxBody() int64 { return MaxDocument + 1<<20 }

// Summary is what the list shows of a stack.
type Summary struct {
	Name     string            `json:"name"`
	Revision uint64            `json:"revision"` // grows with each write of the document
	Status   string            `json:"status"`   // the deploying program's word, e.g. "CREATE_COMPLETE"
	Exports  map[string]string `json:"exports,omitempty"`
	Imports  []string          `json:"imports,omitempty"`
	Updated  time.Time         `json:"updated"`
}

// Stack is one stack. In the store, revision 0 is a lock on a name that no stack has yet.
type Stack struct {
	Summary
	Document json.RawMessage `json:"document,omitempty"`
	Lock     *Holder         `json:"lock,omitempty"` // of who deploys now
}

// Holder says who holds a lock, and until when unless it is renewed.
type Holder struct {
	Owner   string    `json:"owner"`
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// operation finds what a request asks for.
func operation(r *awswire.Request) (op, name string) {
	rest := strings.TrimPrefix(r.Path, Path)
	if rest == "" || rest == "/" {
		if r.Method == http.MethodGet {
			return "ListStacks", ""
		}
		return "", ""
	}
	name, lock, locked := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	name, err := url.PathUnescape(name)
	if err != nil || !strings.HasPrefix(rest, "/") {
		return "", ""
	}
	switch {
	case locked && lock == "lock" && r.Method == http.MethodPost:
		return "LockStack", name
	case locked:
	case r.Method == http.MethodGet:
		return "GetStack", name
	case r.Method == http.MethodPut:
		return "PutStack", name
	case r.Method == http.MethodDelete:
		return "DeleteStack", name
	}
	return "", ""
}

// Permission names the action; taking the lock is part of writing.
func (s *Service) Permission(r *awswire.Request) (string, []string) {
	op, name := operation(r)
	switch op {
	case "":
		return "", nil // refused by Serve
	case "ListStacks":
		return "sockgate:ListStacks", []string{"*"}
	case "LockStack":
		op = "PutStack"
	}
	return "sockgate:" + op, []string{"arn:aws:sockgate:" + s.Region + ":" + s.Account + ":stack/" + name}
}

// Serve carries out one call.
func (s *Service) Serve(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	op, name := operation(r)
	if op != "" && op != "ListStacks" && !nameForm.MatchString(name) {
		return nil, sockgate.Invalidf("A stack's name has 1 to 128 letters, digits and hyphens, and begins with a letter")
	}
	switch op {
	case "ListStacks":
		return s.list(ctx)
	case "GetStack":
		return s.get(ctx, name)
	case "PutStack":
		return s.put(ctx, name, r.Body)
	case "DeleteStack":
		return s.delete(ctx, name, r.Query)
	case "LockStack":
		return s.lock(ctx, name, r.Body)
	}
	return nil, awswire.UnknownOperation()
}

// Listing is the answer to GET /_sockgate/stacks. It also says where templates are deployed to.
type Listing struct {
	Stacks  []Summary `json:"stacks"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
}

func (s *Service) list(ctx context.Context) (*awswire.Response, error) {
	all, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	out := Listing{Stacks: []Summary{}, Account: s.Account, Region: s.Region}
	for _, st := range all {
		if st.Revision > 0 {
			out.Stacks = append(out.Stacks, st.Summary)
		}
	}
	return reply(out)
}

func (s *Service) all(ctx context.Context) ([]*Stack, error) {
	entries, err := s.Store.List(ctx, prefix)
	if err != nil {
		return nil, fault("list stacks", err)
	}
	all := make([]*Stack, 0, len(entries))
	for _, e := range entries {
		st, err := read(e)
		if err != nil {
			return nil, err
		}
		all = append(all, st)
	}
	return all, nil
}

func (s *Service) get(ctx context.Context, name string) (*awswire.Response, error) {
	st, _, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if st == nil || st.Revision == 0 {
		return nil, sockgate.NotFoundf("Stack with id %s does not exist", name)
	}
	st.Lock = s.held(st)
	return reply(st)
}

// find returns a stack and the store's revision of it, or nil.
func (s *Service) find(ctx context.Context, name string) (*Stack, uint64, error) {
	e, err := s.Store.Get(ctx, prefix+name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fault("read stack "+name, err)
	}
	st, err := read(e)
	return st, e.Revision, err
}

// Write is the body of PUT.
type Write struct {
	Revision uint64            `json:"revision"` // as read; 0 for a new stack
	Token    string            `json:"token"`    // of the lock, when one is held
	Status   string            `json:"status"`
	Exports  map[string]string `json:"exports"`
	Imports  []string          `json:"imports"`
	Document json.RawMessage   `json:"document"`
}

func (s *Service) put(ctx context.Context, name string, body []byte) (*awswire.Response, error) {
	var w Write
	if err := json.Unmarshal(body, &w); err != nil || len(w.Document) == 0 {
		return nil, sockgate.Invalidf("The body must be an object with a document")
	}
	switch {
	case len(w.Document) > MaxDocument:
		return nil, sockgate.TooLargef("The stack's document is %d bytes; the limit is %d. Split the stack.", len(w.Document), MaxDocument)
	case len(w.Exports) > maxExports || len(w.Imports) > maxExports:
		return nil, sockgate.Invalidf("A stack can have at most %d exports and %d imports", maxExports, maxExports)
	case len(w.Status) > maxStatus:
		return nil, sockgate.Invalidf("A stack's status has at most %d characters", maxStatus)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	var out *awswire.Response
	err := s.change(ctx, name, func(st *Stack) error {
		if holder := s.held(st); holder != nil && holder.Token != w.Token {
			return locked(name, holder)
		}
		if st.Revision != w.Revision {
			return sockgate.Conflictf("Stack %s was changed by somebody else", name)
		}
		if err := s.checkExports(ctx, name, st.Exports, w.Exports); err != nil {
			return err
		}
		st.Name, st.Revision, st.Status, st.Exports, st.Imports = name, w.Revision+1, w.Status, w.Exports, w.Imports
		st.Document, st.Updated = w.Document, s.Clock().UTC()
		var err error
		out, err = reply(st.Summary)
		return err
	})
	return out, err
}

// checkExports compares a stack's new exports with what the other stacks export and import. The texts are CloudFormation's.
func (s *Service) checkExports(ctx context.Context, name string, old, now map[string]string) error {
	if len(old) == 0 && len(now) == 0 {
		return nil
	}
	all, err := s.all(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.Name == name || other.Revision == 0 {
			continue
		}
		for export := range now {
			if _, taken := other.Exports[export]; taken {
				return sockgate.Conflictf("Export with name %s is already exported by stack %s", export, other.Name)
			}
		}
		for _, export := range other.Imports {
			was, ok := old[export]
			if !ok {
				continue
			}
			if is, ok := now[export]; !ok {
				return sockgate.Conflictf("Export %s cannot be deleted as it is in use by %s", export, other.Name)
			} else if is != was {
				return sockgate.Conflictf("Export %s cannot be updated as it is in use by %s", export, other.Name)
			}
		}
	}
	return nil
}

func (s *Service) delete(ctx context.Context, name string, query url.Values) (*awswire.Response, error) {
	revision, err := strconv.ParseUint(query.Get("revision"), 10, 64)
	if err != nil {
		return nil, sockgate.Invalidf("The parameter revision must be the stack's")
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	for range casAttempts {
		st, at, err := s.find(ctx, name)
		if err != nil {
			return nil, err
		}
		if st == nil || st.Revision == 0 {
			return nil, sockgate.NotFoundf("Stack with id %s does not exist", name)
		}
		if holder := s.held(st); holder != nil && holder.Token != query.Get("token") {
			return nil, locked(name, holder)
		}
		if st.Revision != revision {
			return nil, sockgate.Conflictf("Stack %s was changed by somebody else", name)
		}
		if err := s.checkExports(ctx, name, st.Exports, nil); err != nil {
			return nil, err
		}
		err = s.Store.Delete(ctx, prefix+name, at)
		if err == nil {
			return &awswire.Response{Status: http.StatusNoContent}, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return nil, fault("delete stack "+name, err)
		}
	}
	return nil, sockgate.Conflictf("Stack %s was changed by somebody else", name)
}

// change edits a stack as one atomic step, also one that is not there yet.
func (s *Service) change(ctx context.Context, name string, edit func(*Stack) error) error {
	var err error
	for range casAttempts {
		var st *Stack
		var at uint64
		if st, at, err = s.find(ctx, name); err != nil {
			return err
		}
		if st == nil {
			st = &Stack{}
			st.Name = name
		}
		if err = edit(st); err != nil {
			return err
		}
		value, encErr := json.Marshal(st)
		if encErr != nil {
			return sockgate.Internalf("encode stack: %w", encErr)
		}
		if at == 0 {
			_, err = s.Store.Create(ctx, prefix+name, value)
		} else {
			_, err = s.Store.Update(ctx, prefix+name, value, at)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fault("write stack "+name, err)
		}
	}
	return fault("write stack "+name, err)
}

func read(e store.Entry) (*Stack, error) {
	st := new(Stack)
	if err := json.Unmarshal(e.Value, st); err != nil {
		return nil, sockgate.Internalf("document %q is damaged: %w", e.Key, err)
	}
	return st, nil
}

func reply(v any) (*awswire.Response, error) {
	body, err := awswire.EncodeJSON(v)
	return &awswire.Response{Body: body}, err
}

func fault(doing string, err error) error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return sockgate.Conflictf("Unable to complete operation due to concurrent modification. Please try again later.").Because(err)
	case errors.Is(err, store.ErrTooLarge):
		return sockgate.TooLargef("The stack's document is too large").Because(err)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return sockgate.Unavailablef("The configuration store cannot take the request now. Please try again later.").Because(err)
	}
	return sockgate.Internalf("%s: %w", doing, err)
}
