package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/function/runtime"
)

// counting answers with its process's number and how many calls it has had. It waits in a call until a file appears.
const counting = `let n = 0; const fs = require("fs");
exports.handler = async (e) => {
  n++;
  if (e.started) fs.writeFileSync(e.started, "");
  while (e.until && !fs.existsSync(e.until)) await new Promise((r) => setTimeout(r, 2));
  return [process.pid, n];
}`

type count struct{ pid, n int }

func counted(t *testing.T, r *runtime.Result) count {
	t.Helper()
	var c [2]int
	if err := json.Unmarshal(r.Payload, &c); err != nil {
		t.Fatalf("%v: %s", err, r.Payload)
	}
	return count{c[0], c[1]}
}

// busy starts a call that lasts until the returned function is called, which gives its result.
func (e *env) busy(t *testing.T, s *runtime.Spec) (release func() *runtime.Result) {
	t.Helper()
	dir := t.TempDir()
	started, until := filepath.Join(dir, "started"), filepath.Join(dir, "until")
	result := make(chan *runtime.Result, 1)
	inv := newInvocation(s, fmt.Sprintf(`{"started":%q,"until":%q}`, started, until))
	go func() {
		r, err := e.Invoke(context.Background(), s, inv)
		if err != nil {
			r = &runtime.Result{Payload: []byte(err.Error())}
		}
		result <- r
	}()
	eventually(t, "the call starts", func() bool { return exists(started) })
	return func() *runtime.Result {
		touch(t, until)
		return <-result
	}
}

func TestOneProcessServesCallsInSequence(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"nodejs20.x": node(counting),
		"python3.11": python("import os\nn = 0\ndef handler(e, c):\n    global n\n    n += 1\n    return [os.getpid(), n]\n"),
		"provided.al2": {"bootstrap": rude + `
n = 0
while True:
    _, body, id = next()
    n += 1
    answer(id, "[%d, %d]" % (os.getpid(), n))
`},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			s := e.function(t, name, files)
			first := counted(t, e.call(t, s, `{}`))
			for i := 2; i <= 20; i++ {
				r := e.call(t, s, `{}`)
				if got := counted(t, r); got != (count{first.pid, i}) || r.Init != 0 {
					t.Fatalf("call %d got %v, cold start %v; the first one %v", i, got, r.Init, first)
				}
			}
		})
	}
}

func TestReservedConcurrency(t *testing.T) {
	e := newEnv(t, func(c *runtime.Config) { c.MaxConcurrency = 2 })
	s := e.function(t, "nodejs20.x", node(counting), func(s *runtime.Spec) { s.Concurrency = 3 })
	releases := e.fill(t, s, 3)
	_, err := e.Invoke(t.Context(), s, newInvocation(s, "{}"))
	if !throttled(err, runtime.ErrReservedConcurrency) {
		t.Errorf("one call too many: %v", err)
	}
	other := e.function(t, "nodejs20.x", node(counting))
	e.call(t, other, "{}")
	if pids := e.empty(t, releases); len(pids) != 3 {
		t.Errorf("processes %v served 3 calls at once", pids)
	}
	if r := e.call(t, s, "{}"); r.Init != 0 {
		t.Error("a cold start, though processes wait")
	}
}

func TestCallsWaitForAProcess(t *testing.T) {
	e := newEnv(t, func(c *runtime.Config) { c.MaxConcurrency = 2 })
	s := e.function(t, "nodejs20.x", node(counting))
	releases := e.fill(t, s, 2)

	// As many as may wait, and one more. All but that one leave.
	const crowd = 1001
	ctx, leave := context.WithCancel(t.Context())
	errs := make(chan error, crowd)
	for range crowd {
		go func() {
			_, err := e.Invoke(ctx, s, newInvocation(s, "{}"))
			errs <- err
		}()
	}
	if err := <-errs; !throttled(err, runtime.ErrConcurrency) {
		t.Errorf("one call too many: %v", err)
	}
	leave()
	for range crowd - 1 {
		if err := <-errs; sockgate.KindOf(err) != sockgate.Timeout {
			t.Errorf("a caller that left: %v", err)
		}
	}

	results := make(chan *runtime.Result, 5)
	for range cap(results) {
		go func() {
			r, err := e.Invoke(t.Context(), s, newInvocation(s, "{}"))
			if err != nil {
				t.Error(err)
			}
			results <- r
		}()
	}
	pids := e.empty(t, releases)
	for range cap(results) {
		if r := <-results; r != nil && (r.Init != 0 || !slices.Contains(pids, counted(t, r).pid)) {
			t.Errorf("%s, cold start %v; the processes are %v", r.Payload, r.Init, pids)
		}
	}
}

func throttled(err, reason error) bool {
	fault, ok := errors.AsType[*sockgate.Error](err)
	return ok && fault.Kind == sockgate.Throttled && fault.Message == "Rate Exceeded." && errors.Is(err, reason)
}

// fill keeps n processes of a function busy.
func (e *env) fill(t *testing.T, s *runtime.Spec, n int) (releases []func() *runtime.Result) {
	t.Helper()
	for range n {
		releases = append(releases, e.busy(t, s))
	}
	return releases
}

// empty lets those calls end, and returns the processes that served them.
func (e *env) empty(t *testing.T, releases []func() *runtime.Result) []int {
	t.Helper()
	var pids []int
	for _, release := range releases {
		pids = append(pids, counted(t, release()).pid)
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

func TestTheProcessUsedLastIsUsedNext(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "nodejs20.x", node(counting))
	a, b := e.busy(t, s), e.busy(t, s)
	a()
	last := counted(t, b())
	for i := 2; i < 5; i++ {
		if got := counted(t, e.call(t, s, "{}")); got != (count{last.pid, i}) {
			t.Fatalf("%v; the last one used was %v", got, last)
		}
	}
}

func TestRetire(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "nodejs20.x", node(counting))
	idle, working := e.busy(t, s), e.busy(t, s)
	waiting := counted(t, idle())
	e.Retire(s.FunctionName)
	eventually(t, "the idle process ends", func() bool { return !runs(waiting.pid) })
	fresh := counted(t, e.call(t, s, "{}"))
	if fresh.n != 1 {
		t.Error("an old process took a new call")
	}
	old := counted(t, working())
	eventually(t, "the busy process ends after its call", func() bool { return !runs(old.pid) })
	if again := counted(t, e.call(t, s, "{}")); again != (count{fresh.pid, 2}) {
		t.Errorf("%v, want the fresh process %v", again, fresh)
	}
	e.Retire("unknown")
}

func TestVersionsDoNotShareProcesses(t *testing.T) {
	e := newEnv(t, func(c *runtime.Config) { c.MaxConcurrency = 1 })
	one := e.function(t, "nodejs20.x", node(`exports.handler = async () => process.env.V`), func(s *runtime.Spec) { s.Env = map[string]string{"V": "1"} })
	two := *one
	two.ID, two.Version, two.Env = "other", "2", map[string]string{"V": "2"}
	for range 3 {
		if r := e.call(t, one, "{}"); string(r.Payload) != `"1"` {
			t.Errorf("version 1 answered %s", r.Payload)
		}
		if r := e.call(t, &two, "{}"); string(r.Payload) != `"2"` {
			t.Errorf("version 2 answered %s", r.Payload)
		}
	}
}

// clock is a time that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
}

func TestIdleProcessesEnd(t *testing.T) {
	clock := &clock{now: time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)}
	e := newEnv(t, func(c *runtime.Config) { c.Clock = clock.Now })
	s := e.function(t, "nodejs20.x", node(counting))
	first := counted(t, e.call(t, s, "{}"))
	clock.add(4 * time.Minute)
	e.ExpireIdle()
	if second := counted(t, e.call(t, s, "{}")); second.pid != first.pid {
		t.Error("ended too early")
	}
	clock.add(5 * time.Minute)
	e.ExpireIdle()
	eventually(t, "the idle process ends", func() bool { return !runs(first.pid) })
}

func TestProcessesEndBeforeTheirKeys(t *testing.T) {
	clock := &clock{now: time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)}
	var made []string
	e := newEnv(t, func(c *runtime.Config) {
		c.Clock = clock.Now
		c.CredentialsFor = func(role, session string) (sockgate.Credentials, error) {
			if strings.HasSuffix(role, "broken") {
				return sockgate.Credentials{}, sockgate.Forbiddenf("The role defined for the function cannot be assumed by Lambda.")
			}
			made = append(made, role+" "+session)
			return sockgate.Credentials{AccessKeyID: fmt.Sprint("ASIA", len(made)), SecretAccessKey: "s", SessionToken: "t", Expiration: clock.Now().Add(time.Hour)}, nil
		}
	})
	role := func(s *runtime.Spec) { s.RoleARN = "arn:aws:iam::000000000000:role/r" }
	s := e.function(t, "nodejs20.x", node(`exports.handler = async () => [process.env.AWS_ACCESS_KEY_ID, process.env.AWS_SECRET_ACCESS_KEY, process.env.AWS_SESSION_TOKEN].join()`), role)
	for _, step := range []struct {
		wait time.Duration
		want string
	}{{0, `"ASIA1,s,t"`}, {50 * time.Minute, `"ASIA1,s,t"`}, {9 * time.Minute, `"ASIA2,s,t"`}} {
		clock.add(step.wait)
		if r := e.call(t, s, "{}"); string(r.Payload) != step.want {
			t.Errorf("after %v more: %s, want %s", step.wait, r.Payload, step.want)
		}
	}
	if want := "arn:aws:iam::000000000000:role/r " + s.FunctionName; made[0] != want {
		t.Errorf("keys were made for %q", made[0])
	}
	s = e.function(t, "nodejs20.x", node(helloNode), role, func(s *runtime.Spec) { s.RoleARN += "broken" })
	if _, err := e.Invoke(t.Context(), s, newInvocation(s, "{}")); sockgate.KindOf(err) != sockgate.Forbidden {
		t.Errorf("keys that cannot be had: %v", err)
	}
}

func TestCallerLeaves(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "nodejs20.x", node(counting))
	for _, start := range []string{"cold", "warm"} {
		t.Run(start, func(t *testing.T) {
			dir := t.TempDir()
			started, until := filepath.Join(dir, "started"), filepath.Join(dir, "until")
			ctx, leave := context.WithCancel(context.Background())
			failed := make(chan error)
			go func() {
				_, err := e.Invoke(ctx, s, newInvocation(s, fmt.Sprintf(`{"started":%q,"until":%q}`, started, until)))
				failed <- err
			}()
			eventually(t, "the call starts", func() bool { return exists(started) })
			leave()
			if err := <-failed; sockgate.KindOf(err) != sockgate.Timeout || !errors.Is(err, context.Canceled) {
				t.Errorf("the caller got %v", err)
			}
			touch(t, until)
			eventually(t, "the call ends without its caller", func() bool { return counted(t, e.call(t, s, "{}")).n >= 2 })
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Invoke(ctx, s, newInvocation(s, "{}")); sockgate.KindOf(err) != sockgate.Timeout {
		t.Errorf("a caller that has left already: %v", err)
	}
}

func TestPayloadLimit(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "nodejs20.x", node(`exports.handler = async (e) => e.length`))
	largest := `"` + strings.Repeat("x", runtime.MaxPayload-2) + `"`
	if r := e.call(t, s, largest); string(r.Payload) != fmt.Sprint(runtime.MaxPayload-2) {
		t.Errorf("%.100s", r.Payload)
	}
	if _, err := e.Invoke(t.Context(), s, newInvocation(s, largest+" ")); sockgate.KindOf(err) != sockgate.TooLarge {
		t.Errorf("a byte more: %v", err)
	}
	if r := e.call(t, e.function(t, "nodejs20.x", node(`exports.handler = async (e) => e`)), ""); string(r.Payload) != "{}" {
		t.Errorf("no payload became %s", r.Payload)
	}
}

func TestClose(t *testing.T) {
	t.Run("waits for calls", func(t *testing.T) {
		e := newEnv(t)
		s := e.function(t, "nodejs20.x", node(counting))
		release := e.busy(t, s)
		closed := make(chan error)
		go func() { closed <- e.Close(context.Background()) }()
		eventually(t, "no more calls are taken", func() bool {
			_, err := e.Invoke(context.Background(), s, newInvocation(s, "{}"))
			return sockgate.KindOf(err) == sockgate.Unavailable
		})
		if got := counted(t, release()); got.n != 1 {
			t.Errorf("%v", got)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
	t.Run("cuts off what lasts too long", func(t *testing.T) {
		e := newEnv(t)
		s := e.function(t, "nodejs20.x", node(`exports.handler = async (e) => { require("fs").writeFileSync(e.started, String(process.pid)); await new Promise((r) => setTimeout(r, 1e6)) }`))
		started := filepath.Join(t.TempDir(), "started")
		result := make(chan *runtime.Result)
		go func() {
			r, _ := e.Invoke(context.Background(), s, newInvocation(s, fmt.Sprintf(`{"started":%q}`, started)))
			result <- r
		}()
		eventually(t, "the call starts", func() bool { return exists(started) })
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := e.Close(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("close: %v", err)
		}
		if r := <-result; r == nil || !strings.Contains(string(r.Payload), "Runtime.ExitError") {
			t.Errorf("the call got %+v", r)
		}
	})
}

func TestCheck(t *testing.T) {
	e := newEnv(t)
	for _, name := range []string{"nodejs18.x", "nodejs20.x", "nodejs24.x", "python3.8", "python3.13", "provided", "provided.al2", "provided.al2023", "go1.x"} {
		if err := e.Check(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "java21", "dotnet8", "ruby3.3", "python2.7", "nodejs$(x)", "python3./../x"} {
		if err := e.Check(name); sockgate.KindOf(err) != sockgate.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	e = newEnv(t)
	for name, want := range map[string]string{"nodejs20.x": "apt-get install nodejs", "python3.12": "apt-get install python3"} {
		var fault *sockgate.Error
		if err := e.Check(name); !errors.As(err, &fault) || fault.Kind != sockgate.Invalid || !strings.Contains(fault.Message, want) {
			t.Errorf("%s without an interpreter: %v", name, err)
		}
	}
}
