package runtime

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/function/redirect"
	"github.com/sockgate/sockgate/service/function/runtime/supervise"
	"github.com/sockgate/sockgate/telemetry/logs"
)

//go:embed bootstrap/index.js bootstrap/resolve.mjs bootstrap/bootstrap.py
var bootstraps embed.FS

// Isolation's values.
const (
	IsolationNone       = "none"
	IsolationBubblewrap = "bubblewrap"
)

const (
	defaultConcurrency = 10
	defaultIdle        = 5 * time.Minute
)

// Config is what all functions share.
type Config struct {
	MaxConcurrency int           // processes of a function without reserved concurrency; 0: 10
	Idle           time.Duration // a process without calls ends after it; 0: 5 minutes
	Isolation      string        // IsolationNone, which "" means, or IsolationBubblewrap

	// Endpoint is the gateway's URL for functions, "http://127.0.0.1:4566". "" leads no calls here. Nil means "".
	Endpoint  func() string
	Endpoints map[string]string // URLs of services that are elsewhere, by name as in AWS_ENDPOINT_URL_{name}: "DYNAMODB"
	Redirect  bool              // also lead connections to amazonaws.com hosts to Endpoint; see package redirect
	CAFile    string            // the local authority's certificate, for Redirect. It must be there when the first process starts; "" for none

	Region, Account string

	// CredentialsFor makes a role's keys for a process; the session is named after the function. They should last for hours:
	// a process ends in time for its last call to finish before they do, so keys that last for less than a call and a minute
	// cost a cold start for each call. Nil: functions get no keys.
	CredentialsFor func(roleARN, sessionName string) (sockgate.Credentials, error)

	Logs  *logs.Groups // functions' log groups; nil: only the gateway's own log, at debug
	Dir   string       // inside the data directory; made when missing. See New for what is in it
	Log   *slog.Logger
	Clock func() time.Time // for idle times, keys and names; calls are timed by the real one. Nil: time.Now
}

// Pools keeps the processes of all functions. Its methods may be called by many goroutines.
type Pools struct {
	config       Config
	run          string // where the bootstraps are
	packages     string // what every function finds besides its own
	bwrap        string // path of the program; "" without isolation
	initLimit    time.Duration
	interpreters interpreters
	supervisor   supervise.Supervisor

	functions sync.Map // name → *function
	closed    atomic.Bool
	work      sync.WaitGroup // calls, and processes that are being ended

	mu      sync.Mutex
	live    map[*process]struct{}
	watcher sync.WaitGroup
	stop    chan struct{} // ends the watcher
	watched bool          // it was started
}

// New checks the configuration and lays out two folders in Dir. It starts no process.
//
//	runtime/     the bootstraps, written anew each time
//	packages/    node_modules and python: packages that every function finds behind its own and its layers', as functions in Lambda
//	             find the AWS SDK. Only its owner writes to it; here it is made when missing
//
// Errors: Invalid when isolation is wanted and cannot be had, with what to install; Internal when Dir cannot be written.
func New(c Config) (*Pools, error) {
	if c.MaxConcurrency <= 0 {
		c.MaxConcurrency = defaultConcurrency
	}
	if c.Idle <= 0 {
		c.Idle = defaultIdle
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, sockgate.Internalf("functions' directory: %w", err)
	}
	p := &Pools{config: c, run: filepath.Join(dir, "runtime"), packages: filepath.Join(dir, "packages"), initLimit: initTimeout,
		live: map[*process]struct{}{}, stop: make(chan struct{})}
	switch c.Isolation {
	case "", IsolationNone:
	case IsolationBubblewrap:
		if p.bwrap, err = findBubblewrap(); err != nil {
			return nil, err
		}
	default:
		return nil, sockgate.Invalidf("isolation is %q; it can be %q or %q", c.Isolation, IsolationNone, IsolationBubblewrap)
	}
	if err := p.extract(); err != nil {
		return nil, sockgate.Internalf("write the functions' bootstraps: %w", err)
	}
	if err := os.MkdirAll(p.packages, 0o755); err != nil {
		return nil, sockgate.Internalf("make the functions' folder for packages: %w", err)
	}
	return p, nil
}

// extract writes the bootstraps and the preloads into one folder. They replace those of an older gateway.
func (p *Pools) extract() error {
	if err := os.RemoveAll(p.run); err != nil {
		return err
	}
	if err := redirect.Extract(p.run); err != nil {
		return err
	}
	return fs.WalkDir(bootstraps, "bootstrap", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := bootstraps.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(p.run, d.Name()), content, 0o644)
	})
}

// Check reports whether functions of the given runtime can run: Invalid, in words for the peer, when the runtime is unknown or
// its interpreter is missing. It says what to install. The first check of a runtime asks the interpreter for its version.
func (p *Pools) Check(runtime string) error {
	_, err := p.interpreters.find(runtime)
	return err
}

// Retire ends the processes of a function whose code or configuration changed, or that was deleted: idle ones now, busy ones
// after their call.
func (p *Pools) Retire(functionName string) {
	if f, ok := p.functions.Load(functionName); ok {
		p.retire(f.(*function))
	}
}

// endAll ends processes in the background. Close waits for them, for which a call, or a function's lock, must be held.
func (p *Pools) endAll(processes []*process) {
	for _, proc := range processes {
		p.work.Add(1)
		go func() {
			defer p.work.Done()
			proc.end()
		}()
	}
}

// Close takes no more calls, waits for those that run and ends all processes. When ctx ends first, calls are cut off, and the
// error is ctx's.
func (p *Pools) Close(ctx context.Context) error {
	if p.closed.Swap(true) {
		return nil
	}
	p.functions.Range(func(_, f any) bool {
		p.retire(f.(*function))
		return true
	})
	done := make(chan struct{})
	go func() {
		p.work.Wait()
		close(done)
	}()
	var cut error
	select {
	case <-done:
	case <-ctx.Done():
		cut = ctx.Err()
	}
	p.mu.Lock()
	close(p.stop)
	p.mu.Unlock()
	err := p.supervisor.Close() // ends the calls that are left
	<-done
	p.watcher.Wait()
	if cut != nil {
		return fmt.Errorf("functions were cut off: %w", cut)
	}
	if err != nil {
		return sockgate.Internalf("end function processes: %w", err)
	}
	return nil
}

func (p *Pools) endpoint() string {
	if p.config.Endpoint == nil {
		return ""
	}
	return p.config.Endpoint()
}

// redirection returns the variables for the preloads; none when calls are not to be led here.
func (p *Pools) redirection(endpoint string, at place) map[string]string {
	if !p.config.Redirect || endpoint == "" {
		return nil
	}
	vars, err := redirect.Target(endpoint, at.ca)
	if err != nil {
		p.config.Log.Warn("functions' calls are not led to the gateway", "error", err)
	}
	return vars
}
