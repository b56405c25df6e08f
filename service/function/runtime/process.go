package runtime

import (
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/function/redirect"
	"github.com/sockgate/sockgate/service/function/runtime/supervise"
)

const (
	keyMargin = time.Minute // that keys must last longer than a call may take
	drainWait = time.Second // for what an ended process has sent; it is all there, so none of it is used up
)

// process is one execution environment.
type process struct {
	pools   *Pools
	spec    *Spec
	child   *supervise.Child
	api     *api
	out     *output
	expires time.Time // its keys; zero for never

	busy        atomic.Bool
	memory      atomic.Int64 // bytes that it used at most
	sampled     atomic.Int64 // when that was last looked at, Unix milliseconds
	outOfMemory atomic.Bool  // and therefore killed

	idleSince time.Time // guarded by function.mu
}

// start starts a process, which initializes itself from then on. What it prints belongs to the call c, if there is one.
func (p *Pools) start(s *Spec, c *call) (*process, error) {
	interpreter, err := p.interpreters.find(s.Runtime)
	if err != nil {
		return nil, err
	}
	keys, err := p.keys(s)
	if err != nil {
		return nil, err
	}
	at, wrap := p.place(s, interpreter)
	path, args, err := p.commandLine(s, interpreter, at)
	if err != nil {
		return nil, err
	}
	api, err := listenAPI()
	if err != nil {
		return nil, sockgate.Internalf("listen for a function process: %w", err)
	}
	log := p.config.Log.With("function", s.FunctionName, "version", s.Version)
	out, theirs, err := newOutput(p.group(s), log)
	if err != nil {
		api.close()
		return nil, sockgate.Internalf("make a function process's output: %w", err)
	}
	defer theirs.Close()
	if c != nil {
		out.begin(c.Tail, startLine(c.RequestID, s.Version))
	}
	stream := logStream(p.config.Clock(), s.Version)
	if wrap != nil {
		args = append(append(wrap, path), args[1:]...)
		path = p.bwrap
	}
	child, err := p.supervisor.Start(supervise.Command{
		Path: path, Args: args, Dir: s.CodeDir, Output: theirs,
		Env:  p.environment(s, interpreter, at, stream, api.address(), keys),
		Mark: markName + "=" + stream, MaxFiles: maxFiles, MaxFileSize: uint64(s.tmpMB()) << 20,
	})
	if err != nil {
		api.close()
		theirs.Close()
		out.close()
		return nil, sockgate.Internalf("start a process of function %s: %w", s.FunctionName, err)
	}
	proc := &process{pools: p, spec: s, child: child, api: api, out: out, expires: keys.Expiration}
	proc.busy.Store(true)
	p.watch(proc)
	return proc, nil
}

func (p *Pools) keys(s *Spec) (sockgate.Credentials, error) {
	if p.config.CredentialsFor == nil || s.RoleARN == "" {
		return sockgate.Credentials{}, nil
	}
	return p.config.CredentialsFor(s.RoleARN, s.FunctionName)
}

// commandLine returns what to run, as seen from where it runs: the language's bootstrap, or the function's own.
func (p *Pools) commandLine(s *Spec, i *interpreter, at place) (path string, args []string, err error) {
	lead := p.config.Redirect && p.endpoint() != ""
	switch {
	case i.major != 0:
		args = []string{i.path, "--max-old-space-size=" + strconv.Itoa(max(64, s.memoryMB()*9/10))}
		if lead {
			args = append(args, "--require", filepath.Join(at.run, redirect.NodeFile))
		}
		return i.path, append(args, filepath.Join(at.run, "index.js")), nil
	case i.path != "":
		// Without site, whose search for packages can take longer than all the rest, and without writing byte code.
		args = []string{i.path, "-S", "-B", filepath.Join(at.run, "bootstrap.py"), filepath.Join(at.shared, "python")}
		return i.path, append(args, i.packages...), nil
	}
	// The zip's own comes first, then the layers'.
	real := append([]string{s.CodeDir}, s.LayerDirs...)
	seen := append([]string{at.task}, at.layers...)
	names := []string{"bootstrap"}
	if s.Runtime == "go1.x" {
		names = append(names, s.Handler) // which used to name the program
	}
	for n, dir := range real {
		for _, name := range names {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || !info.Mode().IsRegular() || !filepath.IsLocal(name) {
				continue
			}
			path := filepath.Join(seen[n], name)
			return path, []string{path}, nil
		}
	}
	return "", nil, errNoBootstrap
}

// usable reports whether a call that starts now could end before the process's keys do, and that the process lives.
func (proc *process) usable(now time.Time) bool {
	select {
	case <-proc.child.Done():
		return false
	default:
	}
	return proc.expires.IsZero() || now.Add(proc.spec.timeout()+keyMargin).Before(proc.expires)
}

// end kills the process, unless it has ended, and frees what it had. It returns when everything is gone.
func (proc *process) end() {
	proc.child.Kill()
	<-proc.child.Done()
	proc.free()
}

// free follows the process's end.
func (proc *process) free() {
	proc.api.drain(drainWait)
	proc.out.drain()
	proc.out.close()
	proc.pools.unwatch(proc)
}
