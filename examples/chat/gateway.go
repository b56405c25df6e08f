package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// accessKey is the root key that this example gives its gateway.
type accessKey struct{ id, secret string }

// gateway is a running sockgate process on a data directory of its own.
type gateway struct {
	addr  string
	key   accessKey
	dir   string
	cmd   *exec.Cmd
	ended chan error // receives once, when the process has ended
}

// startGateway builds sockgate unless a binary is given, starts it, and waits until it is ready.
func startGateway(ctx context.Context, out io.Writer, addr, binary string) (*gateway, error) {
	dir, err := os.MkdirTemp("", "sockgate-chat-")
	if err != nil {
		return nil, err
	}
	g := &gateway{addr: addr, dir: dir, key: accessKey{"AKIACHATEXAMPLE00000", "chat-example-only-secret-key-00000000000"}, ended: make(chan error, 1)}
	if binary == "" {
		binary = filepath.Join(dir, "sockgate")
		fmt.Fprintln(out, "Building sockgate ...")
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/sockgate/sockgate/cmd/sockgate")
		build.Stdout, build.Stderr = out, os.Stderr
		if err := build.Run(); err != nil {
			os.RemoveAll(dir)
			return nil, fmt.Errorf("build sockgate: %w", err)
		}
	}
	if g.addr, err = freePort(addr); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("listen on %s: %w (choose another address with -listen)", addr, err)
	}
	g.cmd = exec.Command(binary, "serve", "--listen", g.addr, "--data", filepath.Join(dir, "data"), "--log-level", "warn")
	g.cmd.Env = append(os.Environ(), "SOCKGATE_ROOT_ACCESS_KEY_ID="+g.key.id, "SOCKGATE_ROOT_SECRET_ACCESS_KEY="+g.key.secret)
	g.cmd.Stdout, g.cmd.Stderr = os.Stderr, os.Stderr
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C at the terminal reaches only us; stop() passes it on in order
	if err := g.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	go func() { g.ended <- g.cmd.Wait() }() // ends with the process, which stop() ends
	if err := g.waitReady(ctx); err != nil {
		g.stop()
		return nil, err
	}
	return g, nil
}

// freePort turns port 0 into a port that is free now, and checks that any other is.
func freePort(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (g *gateway) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+g.addr+"/_sockgate/health", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-g.ended:
			g.ended <- err
			return fmt.Errorf("the gateway did not start: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("the gateway was not ready in time: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop asks the gateway to drain, waits for it, and removes its data.
func (g *gateway) stop() {
	_ = g.cmd.Process.Signal(syscall.SIGTERM) // fails only when it has ended already
	<-g.ended
	os.RemoveAll(g.dir)
}

// awsConfig leads an AWS SDK client to the gateway.
func (g *gateway) awsConfig() aws.Config {
	return aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(g.key.id, g.key.secret, ""),
	}
}
