package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/rootkey"
	"github.com/sockgate/sockgate/server"
	"github.com/sockgate/sockgate/service/function/redirect"
)

type runCommand struct {
	Config   string   `placeholder:"FILE" help:"YAML file with the gateway's settings. Environment: SOCKGATE_CONFIG."`
	Data     string   `placeholder:"DIR" help:"The gateway's data directory, where its key is. Environment: SOCKGATE_DATA."`
	Endpoint string   `placeholder:"URL" env:"SOCKGATE_ENDPOINT" help:"Address of the gateway. Default: where the settings say that it listens. Environment: SOCKGATE_ENDPOINT."`
	Command  []string `arg:"" passthrough:"" help:"The program and its arguments, behind \"--\"."`
}

// Help is what "sockgate run --help" says before the flags.
func (runCommand) Help() string {
	return `The program finds the gateway where it would find AWS: AWS_ENDPOINT_URL and a region are set, and connections of Node.js and Python to ` +
		`*.amazonaws.com arrive at the gateway, with host name and signature intact.

Credentials in the environment stay. Without any, the program gets the root user's, from SOCKGATE_ROOT_ACCESS_KEY_ID and ` +
		`SOCKGATE_ROOT_SECRET_ACCESS_KEY or from the gateway's data directory.

It ends as the program does, with its exit code; 127 means that there is no such program, 126 that it could not be started.

Examples:

    sockgate run -- npm test
    sockgate run -- python3 push.py
    sockgate run --endpoint http://127.0.0.1:4500 --data /var/lib/sockgate -- aws apigatewayv2 get-apis`
}

// The exit codes of a program that was not started, as shells have them.
const (
	exitCannotStart = 126
	exitNoProgram   = 127
)

// runProgram runs a program whose AWS calls are led to the gateway, and returns its exit code.
func runProgram(cmd *runCommand, environ []string) int {
	given := map[string]string{}
	if cmd.Data != "" {
		given["data"] = cmd.Data
	}
	cfg, err := config.Load(config.Sources{Flags: given, Environ: environ, File: cmd.Config})
	if err != nil {
		complain(os.Stderr, err)
		return exitUsage
	}
	args := cmd.Command
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "sockgate: no program to run; name it behind \"--\", as in: sockgate run -- npm test")
		return exitUsage
	}
	dir, err := os.MkdirTemp("", "sockgate-run-")
	if err != nil {
		complain(os.Stderr, err)
		return exitFailure
	}
	defer os.RemoveAll(dir)
	endpoint := cmd.Endpoint
	if endpoint == "" {
		endpoint = "http://" + reachable(cfg)
	}
	surroundings, err := surround(cfg, dir, strings.TrimSuffix(endpoint, "/"), environ)
	if err == nil {
		err = answers(endpoint)
	}
	if err != nil {
		complain(os.Stderr, err)
		return exitFailure
	}
	environ = append(environ, surroundings...)
	proxy, err := startProxy(endpoint, environ)
	if err != nil {
		complain(os.Stderr, err)
		return exitFailure
	}
	defer proxy.close()
	return execute(args, append(environ, proxy.environ()...))
}

// reachable is where a gateway with this configuration serves the AWS APIs, for programs on the same machine.
func reachable(cfg *config.Config) string {
	addr := cfg.Listen
	if cfg.Listeners.Management != "" {
		addr = cfg.Listeners.Management
	}
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// surround returns the variables that lead a program to the gateway; dir is for files that they name.
func surround(cfg *config.Config, dir, endpoint string, environ []string) ([]string, error) {
	if err := redirect.Extract(dir); err != nil {
		return nil, fmt.Errorf("write the files that lead calls to the gateway: %w", err)
	}
	authority := server.AuthorityFile(cfg.Data)
	if _, err := os.Stat(authority); err != nil {
		authority = "" // another machine's gateway, or one that has not met TLS yet
	}
	vars, err := redirect.Env(dir, endpoint, authority, environ)
	if err != nil {
		return nil, err
	}
	if value(environ, "AWS_REGION") == "" {
		vars = append(vars, "AWS_REGION="+cfg.Region)
	}
	if value(environ, "AWS_DEFAULT_REGION") == "" {
		vars = append(vars, "AWS_DEFAULT_REGION="+cfg.Region)
	}
	if value(environ, "AWS_ACCESS_KEY_ID") != "" || value(environ, "AWS_PROFILE") != "" {
		return vars, nil
	}
	key := rootkey.Key{ID: cfg.RootAccessKeyID, Secret: string(cfg.RootSecretAccessKey)}
	if key.ID == "" {
		key, err = rootkey.Read(cfg.Data)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no key in %s, where the gateway keeps it: name the data directory with --data, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
				filepath.Join(cfg.Data, rootkey.FileName))
		}
		if err != nil {
			return nil, err
		}
	}
	return append(vars, "AWS_ACCESS_KEY_ID="+key.ID, "AWS_SECRET_ACCESS_KEY="+key.Secret, "AWS_SESSION_TOKEN="), nil
}

func value(environ []string, name string) string {
	for i := len(environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(environ[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// answers asks whether a gateway is there, since a program's own errors would not say that it is missing.
func answers(endpoint string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(endpoint, "/")+server.HealthPath, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		err = fmt.Errorf("its health check answers %s", resp.Status)
	}
	return fmt.Errorf("no gateway answers at %s: %w\nStart one with \"sockgate serve\", or name its address with --endpoint", endpoint, err)
}

// execute runs the program with this process's input and output, and hands it the signals that would end this one.
func execute(args, environ []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = os.Stdin, os.Stdout, os.Stderr, environ
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		complain(os.Stderr, err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return exitNoProgram
		}
		return exitCannotStart
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the program
	for {
		select {
		case s := <-signals:
			if s != os.Interrupt { // a terminal sends that one to the program as well
				_ = cmd.Process.Signal(s)
			}
		case err := <-ended:
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				return exitCode(exit.ProcessState)
			}
			if err != nil {
				complain(os.Stderr, err)
				return exitFailure
			}
			return exitOK
		}
	}
}

// exitCode is that of a program, also of one that a signal ended, as shells say it.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
