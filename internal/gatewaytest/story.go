package gatewaytest

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/config"
)

// RunStories plays the stories in dir, each as a subtest. update rewrites what their files expect.
func RunStories(t *testing.T, dir string, update bool) {
	cmds := map[string]func(*testscript.TestScript, bool, []string){}
	for name, f := range commands {
		cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			s := ts.Value(storyKey{}).(*story)
			err := f(s, ts, args)
			refused, isRefusal := err.(*refused)
			switch {
			case neg && err == nil:
				ts.Fatalf("was to be refused, and was not")
			case neg && isRefusal:
				fmt.Fprintln(ts.Stdout(), strings.TrimSuffix(s.names.show(refused.text), "\n"))
			case err != nil:
				ts.Fatalf("%s", s.names.show(err.Error()))
			}
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:           dir,
		Cmds:          cmds,
		UpdateScripts: update,
		Setup: func(env *testscript.Env) error {
			backend, err := NewBackend()
			if err != nil {
				return err
			}
			s := &story{backend: backend, clients: map[string]*Client{}, authorizers: map[string]string{}, dir: filepath.Join(env.WorkDir, ".data"), names: newNames()}
			env.Values[storyKey{}] = s
			env.Setenv("BACKEND", backend.Addr())
			env.Defer(s.end)
			return nil
		},
	})
}

type storyKey struct{}

// story is what one story has made so far.
type story struct {
	dir     string
	gateway *Gateway
	backend *Backend
	names   *names
	seen    int // requests that were compared already

	api         string            // the current API's id
	authorizers map[string]string // ids by name
	clients     map[string]*Client
}

// refused is the answer of AWS or the gateway to a command that it did not carry out. "!" expects one; other errors are faults.
type refused struct{ text string }

func (r *refused) Error() string { return r.text }

func (s *story) end() {
	for _, c := range s.clients {
		c.Drop()
	}
	if s.gateway != nil {
		s.backend.Release(1000)
		if err := s.gateway.Stop(); err != nil {
			panic(err)
		}
	}
	s.backend.Close()
}

type command func(s *story, ts *testscript.TestScript, args []string) error

var commands = map[string]command{
	"gateway": (*story).startGateway, "restart": (*story).restart, "shutdown": (*story).shutdown,
	"backend": (*story).setBackend, "release": (*story).release, "await": (*story).await, "requests": (*story).compareRequests,
	"api": (*story).createAPI, "route": (*story).setRoute, "stage": (*story).setStage, "deploy": (*story).deploy,
	"delete": (*story).delete, "aws": (*story).call,
	"function": (*story).setFunction, "permit": (*story).permit, "invoke": (*story).invoke, "authorizer": (*story).setAuthorizer, "query": (*story).query,
	"link":     (*story).makeLink,
	"dynamodb": (*story).dynamodb, "await-count": (*story).awaitCount,
	"connect": (*story).connect, "domain": (*story).setDomain, "send": (*story).send, "frames": (*story).frames, "expect": (*story).expect,
	"expect-set": (*story).expectSet, "expect-pong": (*story).expectPong, "close": (*story).close, "drop": (*story).drop,
	"expect-close": (*story).expectClose,
	"push":         (*story).push, "get": (*story).get, "delete-connection": (*story).deleteConnection,
	"log": (*story).log, "gateway-log": (*story).gatewayLog,
}

func (s *story) startGateway(ts *testscript.TestScript, args []string) (err error) {
	var fault error
	s.gateway, err = New(s.dir, func(c *config.Config) {
		for _, arg := range args {
			key, value, _ := strings.Cut(arg, "=")
			if fault == nil {
				fault = set(reflect.ValueOf(c).Elem(), key, value)
			}
		}
	})
	if fault != nil {
		return fault
	}
	ts.Defer(func() { ts.Logf("the gateway's log:\n%s", s.gateway.Log) })
	return err
}

// set gives the member of a configuration with that dotted key a value, without asking whether a file may say so: stories
// want limits that are over in a moment.
func set(v reflect.Value, key, value string) error {
	first, rest, nested := strings.Cut(key, ".")
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("key") != first {
			continue
		}
		field := v.Field(i)
		if nested {
			return set(field, rest, value)
		}
		switch field.Interface().(type) {
		case time.Duration:
			d, err := time.ParseDuration(value)
			field.SetInt(int64(d))
			return err
		case config.Size:
			n, err := config.ParseSize(value)
			field.SetInt(int64(n))
			return err
		case int:
			n, err := strconv.Atoi(value)
			field.SetInt(int64(n))
			return err
		case string:
			field.SetString(value)
			return nil
		case bool:
			field.SetBool(value == "true")
			return nil
		case config.Map:
			m, err := config.ParseMap(value)
			field.Set(reflect.ValueOf(m))
			return err
		}
	}
	return fmt.Errorf("no setting %q that a story can set", key)
}

func (s *story) restart(*testscript.TestScript, []string) error { return s.gateway.Restart() }

func (s *story) shutdown(*testscript.TestScript, []string) error { return s.gateway.Stop() }

func (s *story) setBackend(_ *testscript.TestScript, args []string) error {
	if len(args) < 1 {
		return usage("backend PATH STATUS|MODE ...")
	}
	if args[0] == "down" {
		s.backend.Close()
		return nil
	}
	if len(args) < 2 {
		return usage("backend PATH STATUS|MODE ...")
	}
	r := Reply{}
	status, err := strconv.Atoi(args[1])
	if err == nil {
		r.Status = status
	} else {
		r.Mode = Mode(args[1])
	}
	for i, arg := range args[2:] {
		if name, value, ok := strings.Cut(arg, ": "); ok && headerLine.MatchString(arg) {
			r.Header = append(r.Header, sockgate.Header{Name: name, Value: value})
		} else if i == 0 {
			r.Body = arg
		} else {
			return usage("backend PATH STATUS [BODY] [HEADER: VALUE ...]")
		}
	}
	s.backend.Reply(args[0], r)
	return nil
}

var headerLine = regexp.MustCompile(`^[A-Za-z0-9-]+: `)

func (s *story) release(_ *testscript.TestScript, args []string) error {
	n := 1000
	if len(args) > 0 {
		var err error
		if n, err = strconv.Atoi(args[0]); err != nil {
			return err
		}
	}
	s.backend.Release(n)
	return nil
}

func (s *story) await(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return usage("await N")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	_, err = s.backend.Wait(func(rs []*Request) bool { return len(rs) >= s.seen+n })
	return err
}

func usage(text string) error { return fmt.Errorf("usage: %s", text) }
