package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/control/dev"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/server"
	"github.com/sockgate/sockgate/state/datadir"
	"github.com/sockgate/sockgate/template/build"
	"github.com/sockgate/sockgate/template/resource/wire"
	"github.com/sockgate/sockgate/template/stack"
)

type devCommand struct {
	Template          string     `arg:"" optional:"" placeholder:"TEMPLATE|DIR" help:"SAM or CloudFormation template, or the folder it is in. Default: the template in the current folder, if there is one."`
	Stack             string     `placeholder:"NAME" help:"Name of the stack. Default: the name of the template's folder."`
	Parameters        parameters `aliases:"parameter-overrides" placeholder:"KEY=VALUE ..." help:"Values of the template's parameters."`
	Listen            string     `placeholder:"HOST:PORT" help:"Address to listen on, a loopback one. Default: 127.0.0.1:4566."`
	Data              string     `placeholder:"DIR" help:"Where the state is kept. Default: .sockgate beside the template."`
	Fresh             bool       `help:"Begin with nothing: remove the state of earlier runs."`
	IgnoreUnsupported bool       `help:"Leave out resources of types that the gateway does not have, and list them."`
	Config            string     `placeholder:"FILE" help:"YAML file with settings, as for serve."`
	Verbose           bool       `help:"Show the gateway's own log as well."`
}

// Help is what "sockgate dev --help" says before the flags.
func (devCommand) Help() string {
	return `Starts a gateway on a loopback address, deploys the template, shows what happens as it happens, and follows the template and the ` +
		`code that it names: a function whose files change is live with the next call, a template that changes is planned and applied. The access key ` +
		`is test, with the secret test.

A program behind "--" is started when the template is deployed, with its AWS calls led to the gateway as by "sockgate run"; dev ends with it, ` +
		`and with its exit code. So a test suite is one command.

For test suites there are also POST /_sockgate/reset, which empties everything (with ?deploy=true it then deploys the template again), and GET /_sockgate/connections and /_sockgate/events. ` +
		`A tag sockgate:id on an API chooses its id.

Examples:

    sockgate dev
    sockgate dev examples/chat-functions
    sockgate dev --fresh template.yaml -- npm test
    sockgate dev app/ --parameters StageName=prod`
}

// devKey is the access key, and the secret, of every gateway for development, as of other local stand-ins for AWS.
const devKey = "test"

// develop runs a gateway for development until a signal ends it, or program has ended. It returns the exit code.
func develop(cmd *devCommand, program []string) int {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	d := &developer{cmd: cmd, out: os.Stdout}
	err := d.prepare()
	if err != nil {
		complain(os.Stderr, err)
		return exitUsage
	}
	code, err := d.run(ctx, program)
	if err != nil {
		complain(os.Stderr, err)
		return exitFailure
	}
	return code
}

// developer is one run of "sockgate dev".
type developer struct {
	cmd  *devCommand
	out  io.Writer
	cfg  *config.Config
	file string // the template; "" for none
	name string // of the stack
	log  *live

	client  *wire.Client
	cache   *build.Cache
	watched *watched          // nil without a template
	again   chan chan<- error // a deploy is wanted; the answer is how it went

	deployed bool     // once, at least
	outputs  []string // that were told last
}

// prepare finds the template and settles where everything is.
func (d *developer) prepare() (err error) {
	if d.file, err = findTemplate(d.cmd.Template); err != nil {
		return err
	}
	dir := "."
	if d.file != "" {
		dir = filepath.Dir(d.file)
	}
	if d.name = d.cmd.Stack; d.name == "" {
		d.name = folderName(dir)
	}
	given := map[string]string{"data": filepath.Join(dir, ".sockgate")}
	if d.cmd.Data != "" {
		given["data"] = d.cmd.Data
	}
	if d.cmd.Listen != "" {
		given["listen"] = d.cmd.Listen
	}
	if d.cfg, err = config.Load(config.Sources{Flags: given, Environ: os.Environ(), File: d.cmd.Config}); err != nil {
		return err
	}
	d.cfg.RootAccessKeyID, d.cfg.RootSecretAccessKey = devKey, devKey
	if !d.cmd.Verbose {
		d.cfg.Log.Level = "error" // the live log tells the rest
	}
	d.log = newLive(d.out, terminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
	d.log.width = func() int { return columns(os.Stdout) }
	d.again = make(chan chan<- error)
	return nil
}

// templateNames are what a template is called in a folder.
var templateNames = []string{"template.yaml", "template.yml", "template.json", "sam.yaml", "cloudformation.yaml"}

// findTemplate returns the template at path, which may be a folder. "" is the current folder, which need not have one.
func findTemplate(path string) (string, error) {
	dir := path
	if dir == "" {
		dir = "."
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("there is no template: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	for _, name := range templateNames {
		if file := filepath.Join(dir, name); exists(file) {
			return file, nil
		}
	}
	if path == "" {
		return "", nil
	}
	return "", fmt.Errorf("there is no template in %s: it would be called %s", dir, strings.Join(templateNames, ", "))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// folderName makes a stack's name of a folder's: a letter, then letters, digits and hyphens.
func folderName(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		abs = dir
	}
	name := strings.Trim(notInNames.ReplaceAllString(filepath.Base(abs), "-"), "-")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "stack-" + name
	}
	return strings.Trim(name[:min(len(name), 100)], "-")
}

// run starts the gateway, deploys, and stays until ctx or the program ends.
func (d *developer) run(ctx context.Context, program []string) (code int, err error) {
	if d.cmd.Fresh {
		if err := removeState(d.cfg.Data); err != nil {
			return 0, err
		}
	}
	recorder := new(dev.Recorder)
	var redeploy func(context.Context) error
	if d.file != "" {
		redeploy = d.redeploy
		if d.watched, err = newWatched(d.file, d.cfg.Data, d.log); err != nil {
			return 0, err
		}
		defer d.watched.Close()
	}
	s, err := server.StartDev(ctx, d.cfg, newLog(os.Stderr, d.cfg.Log), recorder, redeploy)
	if err != nil {
		return 0, d.advise(err)
	}
	defer func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.cfg.Grace)
		defer cancel()
		err = errors.Join(err, s.Stop(grace))
	}()
	d.cfg.Listen = s.Addr().String() // port 0 has become one
	following, endFollowing := context.WithCancel(ctx)
	followed := make(chan struct{})
	go func() { // ends before run returns
		defer close(followed)
		d.log.follow(following, recorder)
	}()
	defer func() { endFollowing(); <-followed }()

	endpoint := "http://" + reachable(d.cfg)
	d.log.line(time.Now(), "", "gateway", endpoint+"  key "+devKey+", secret "+devKey+"  state in "+d.cfg.Data)
	d.client = &wire.Client{Endpoint: endpoint, Region: d.cfg.Region, Keys: sigv4.Credentials{AccessKeyID: devKey, Secret: devKey}}
	failed := d.file != "" && d.deploy(ctx) != nil
	if len(program) > 0 {
		if failed {
			return exitFailure, nil
		}
		return d.beside(ctx, func(ctx context.Context) (int, error) { return d.runProgram(ctx, endpoint, program) })
	}
	if d.file == "" {
		d.log.line(time.Now(), "", "ready", "no template here; deploy one with sockgate deploy, or start dev with one")
	} else if ctx.Err() == nil {
		d.log.line(time.Now(), "", "ready", "following "+d.file+" and the code that it names; Ctrl-C ends it")
	}
	return d.beside(ctx, func(ctx context.Context) (int, error) { return exitOK, s.Wait(ctx) })
}

// beside follows the files while something else runs, and ends with it.
func (d *developer) beside(ctx context.Context, run func(context.Context) (int, error)) (int, error) {
	following, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { // ends with following, once a deploy under way has ended
		defer close(ended)
		d.follow(following)
	}()
	code, err := run(ctx)
	cancel()
	<-ended
	return code, err
}

// follow deploys whenever something changes or somebody asks for it, until ctx ends. A change during a deploy leads to one more.
func (d *developer) follow(ctx context.Context) {
	var changes <-chan struct{}
	if d.watched != nil {
		changes = d.watched.Changes()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes:
			_ = d.deploy(ctx) // the log tells
		case answer := <-d.again:
			answer <- d.deploy(ctx)
		}
	}
}

// redeploy has the template deployed by who follows the files, after a deploy under way.
func (d *developer) redeploy(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case d.again <- answer:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// advise adds what to do to errors that have a usual cause.
func (d *developer) advise(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w\nAnother gateway may run there. --listen 127.0.0.1:0 takes a port that is free", err)
	case strings.Contains(err.Error(), "in use by another process"):
		return fmt.Errorf("%w\nA gateway runs for this folder already: end it, or choose another place for the state with --data", err)
	}
	return err
}

// removeState empties a data directory, if it is one and nobody uses it.
func removeState(data string) error {
	entries, err := os.ReadDir(data)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := datadir.Open(data)
	if err != nil {
		return fmt.Errorf("--fresh: %w", err)
	}
	defer dir.Close()
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir.Path(), e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// deploy makes the stack what the template says, and tells how it went.
func (d *developer) deploy(ctx context.Context) error {
	began := time.Now()
	d.watched.begin()
	result, err := d.makeStack(ctx)
	now := time.Now()
	if ctx.Err() != nil && err != nil {
		text := "interrupted"
		switch {
		case result != nil && result.RolledBack:
			text += "; what it had done was taken back"
		case result != nil:
			text = "ERROR " + err.Error()
		}
		d.log.line(now, "", "deploy", text)
		return err
	}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			d.log.line(now, "", "deploy", "ERROR "+strings.TrimSpace(line))
		}
		if d.deployed {
			d.log.line(now, "", "deploy", "what was deployed before stays as it was")
		}
		return err
	}
	d.watched.end()
	d.deployed = true
	d.log.call(result.Resources)
	for _, r := range result.Skipped {
		d.log.line(now, "", "deploy", "left out "+r.ID+" ("+r.Type+")")
	}
	took := now.Sub(began).Round(time.Millisecond).String()
	if result.Unchanged {
		d.log.line(now, "", "deploy", "stack "+d.name+" is up to date  "+took)
	} else {
		d.log.line(now, "", "deploy", "stack "+d.name+" is deployed  "+took)
	}
	var outputs []string
	for _, o := range result.Outputs {
		text := o.Name + "  " + o.Value
		if local, ok := stack.Local(o.Value, d.client.Endpoint); ok {
			text += "\n" + local
		}
		outputs = append(outputs, text)
	}
	if !slices.Equal(outputs, d.outputs) { // they are told once
		for _, text := range outputs {
			d.log.line(now, "", "output", text)
		}
	}
	d.outputs = outputs
	return nil
}

func (d *developer) makeStack(ctx context.Context) (*stack.Result, error) {
	t, err := readTemplate(d.file)
	if err != nil {
		return nil, err
	}
	if d.cache == nil {
		dir, err := build.DefaultDir()
		if err != nil {
			return nil, err
		}
		if d.cache, err = build.Open(dir); err != nil {
			return nil, err
		}
	}
	return stack.Make(ctx, t, stack.Options{
		Client: d.client, Cache: d.cache, Name: d.name, Dir: filepath.Dir(d.file),
		Parameters: d.cmd.Parameters, IgnoreUnsupported: d.cmd.IgnoreUnsupported,
		Progress: func(e stack.Event) {
			switch {
			case e.Code != "":
				d.watched.code(e.Code)
			case e.Note != "" && e.ID != "":
				d.log.line(time.Now(), "", "deploy", e.ID+": "+e.Note)
			case e.Note != "":
				d.log.line(time.Now(), "", "deploy", e.Note)
			case e.Done && e.Err == nil:
				d.log.line(time.Now(), "", string(e.Action), e.ID+" ("+e.Type+")  "+e.Took.Round(time.Millisecond).String())
			}
		},
	})
}

// runProgram runs a program beside the gateway and returns its exit code.
func (d *developer) runProgram(ctx context.Context, endpoint string, program []string) (int, error) {
	dir, err := os.MkdirTemp("", "sockgate-dev-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	environ := os.Environ()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"} { // those of AWS are not known here
		environ = without(environ, name)
	}
	surroundings, err := surround(d.cfg, dir, endpoint, environ)
	if err != nil {
		return 0, err
	}
	environ = append(environ, surroundings...)
	proxy, err := startProxy(endpoint, environ)
	if err != nil {
		return 0, err
	}
	defer proxy.close()
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Env = os.Stdout, os.Stderr, append(environ, proxy.environ()...)
	return runGroup(ctx, cmd), nil
}

// runGroup runs a program with whatever it starts, as "npm test" and "go run" do, and returns its exit code. When ctx ends, all of
// them are told to end, as by Ctrl-C, and later made to. Nothing of them is left behind.
func runGroup(ctx context.Context, cmd *exec.Cmd) int {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the terminal's Ctrl-C is for dev, which passes it on
	cmd.WaitDelay = time.Second                           // for the output of what it leaves behind
	if err := cmd.Start(); err != nil {
		complain(os.Stderr, err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return exitNoProgram
		}
		return exitCannotStart
	}
	group := -cmd.Process.Pid
	defer func() { _ = syscall.Kill(group, syscall.SIGKILL) }() // there may be nobody any more
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the program
	stop := ctx.Done()
	var last <-chan time.Time
	for {
		select {
		case <-stop:
			_ = syscall.Kill(group, syscall.SIGINT)
			stop, last = nil, time.After(programGrace)
		case <-last:
			_ = syscall.Kill(group, syscall.SIGKILL)
		case <-ended:
			if ctx.Err() != nil {
				return exitOK // it was told to
			}
			return exitCode(cmd.ProcessState)
		}
	}
}

// programGrace is how long a program may take to end when it is told to.
const programGrace = 5 * time.Second

func without(environ []string, name string) []string {
	var left []string
	for _, v := range environ {
		if !strings.HasPrefix(v, name+"=") {
			left = append(left, v)
		}
	}
	return left
}
