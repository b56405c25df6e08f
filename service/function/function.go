// Package function is the gateway's functions: what they are, who may call them, which code a name and a qualifier stand for, and
// calling them. It keeps each function as one document in the store and a compiled view of all of them in memory, so that a call
// reads nothing from the store and compiles nothing.
//
//	function.{name}   one Record: $LATEST, versions, aliases, policies, concurrency, tags
//	layer.{name}      one Layer with its versions
//
// It does not check what a control plane is sent (package lambda does), does not run processes (package runtime does), and
// does not look into zips (package code does).
package function

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/function/code"
	"github.com/sockgate/sockgate/service/function/runtime"
	"github.com/sockgate/sockgate/state/store"
)

// Runner runs functions. *runtime.Pools is one.
type Runner interface {
	// Check says whether functions of a runtime can run here. Its error is a *sockgate.Error of kind Invalid, for the one who creates
	// the function.
	Check(runtime string) error
	// Invoke runs one invocation and waits for its end. Its errors are of the kinds that sockgate.Functions lists.
	Invoke(ctx context.Context, spec *runtime.Spec, in *runtime.Invocation) (*runtime.Result, error)
	// Retire ends the processes of a function whose code or configuration has changed, once they have finished their calls.
	Retire(functionName string)
}

// Config is what the service needs. Members without a comment that says otherwise must be set.
type Config struct {
	Store   store.Store
	Code    *code.Store
	Runner  Runner
	Account string // 12 digits
	Region  string
	// AllowsRole says whether a role that API Gateway may take lets it do action on resource; its error is a *sockgate.Error of
	// kind Forbidden. nil permits no call with a role.
	AllowsRole func(roleARN, action, resource string) error
	// AllowsCaller does the same for who signed a connection's request. nil permits no such call.
	AllowsCaller func(p *sockgate.Principal, action, resource string) error
	// Remotes serve functions that are elsewhere, tried in their order before those that are here.
	Remotes []Remote
	// MaxEvents bounds the asynchronous invocations that are accepted and not finished; 0 is DefaultMaxEvents.
	MaxEvents int
	// MaxConcurrency is how many processes the runner gives a function without reserved concurrency; 0 is 10.
	MaxConcurrency int
	Rand           func() float64 // in [0,1), for weighted aliases; nil is a good one
	Log            *slog.Logger
}

// Service is the functions of one gateway. Its methods may be called by many goroutines.
type Service struct {
	Config
	arn     string // "arn:aws:lambda:{region}:{account}:function:"
	remotes []remote
	events  *events

	functions atomic.Pointer[map[string]*function]
	layers    atomic.Pointer[map[string]*Layer]

	mu         sync.Mutex      // orders the changes to the view
	retired    []*target       // no longer in the view, perhaps still running
	unreadable map[string]bool // keys of documents that the view lacks

	sweep chan struct{} // one token: code may be unused
}

var _ sockgate.Functions = (*Service)(nil)

// New returns the service with an empty view; see Load and Run.
func New(cfg Config) (*Service, error) {
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	if cfg.MaxEvents == 0 {
		cfg.MaxEvents = DefaultMaxEvents
	}
	if cfg.MaxConcurrency == 0 {
		cfg.MaxConcurrency = 10
	}
	s := &Service{
		Config: cfg,
		arn:    "arn:aws:lambda:" + cfg.Region + ":" + cfg.Account + ":function:",
		sweep:  make(chan struct{}, 1),

		unreadable: make(map[string]bool),
	}
	s.events = newEvents(s, cfg.MaxEvents)
	s.functions.Store(&map[string]*function{})
	s.layers.Store(&map[string]*Layer{})
	for _, r := range cfg.Remotes {
		compiled, err := newRemote(r)
		if err != nil {
			return nil, fmt.Errorf("remote function %q: %w", r.Function, err)
		}
		s.remotes = append(s.remotes, compiled)
	}
	return s, nil
}

// ARN returns the ARN of a function of this gateway, with ":" and the qualifier behind it unless that is "".
func (s *Service) ARN(name, qualifier string) string {
	if qualifier == "" {
		return s.arn + name
	}
	return s.arn + name + ":" + qualifier
}

// Get returns a function as it is stored, or nil. The record is shared: it must not be changed.
func (s *Service) Get(name string) *Record {
	if f := (*s.functions.Load())[name]; f != nil {
		return f.record
	}
	return nil
}

// List returns all functions in the order of their names. The records are shared: they must not be changed.
func (s *Service) List() []*Record {
	view := *s.functions.Load()
	all := make([]*Record, 0, len(view))
	for _, f := range view {
		all = append(all, f.record)
	}
	sortByName(all, func(r *Record) string { return r.Name })
	return all
}

// PutCode checks and stores a zip. See code.Store.Put; release must be called when a record names the blob or none will, in which
// case the blob is removed.
func (s *Service) PutCode(ctx context.Context, zip []byte) (blob code.Blob, release func(), err error) {
	blob, unpin, err := s.Code.Put(ctx, zip)
	if err != nil {
		if sockgate.KindOf(err) == sockgate.Unavailable { // of what a full disk took, room is made again
			s.wakeSweep()
		}
		return blob, nil, err
	}
	return blob, func() {
		unpin()
		s.wakeSweep()
	}, nil
}

// Run follows the store, so that changes by other nodes are seen, and removes code that is no longer used, until ctx ends.
// Load must have been called.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watching sync.WaitGroup
	ended := make(chan error, 2)
	for _, prefix := range []string{functionPrefix, layerPrefix} {
		watching.Go(func() { ended <- s.watch(ctx, prefix) })
	}
	defer watching.Wait()
	defer cancel()
	for {
		select {
		case err := <-ended:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("follow the functions in the store: %w", err)
		case <-s.sweep:
			s.removeUnused()
		}
	}
}

// Drain refuses further asynchronous invocations, waits for those that run, and gives up those that wait for another try. When ctx
// ends first, those that run are cancelled.
func (s *Service) Drain(ctx context.Context) { s.events.drain(ctx) }
