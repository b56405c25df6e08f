package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/service/tunnel"
)

type linkCommand struct {
	To           string        `required:"" placeholder:"HOST:PORT" help:"The backend, as it is called from this machine. Nothing else is ever connected to."`
	LoadBalancer string        `required:"" placeholder:"NAME" help:"The load balancer whose target the agent becomes."`
	Gateway      string        `required:"" placeholder:"URL" env:"SOCKGATE_LINK_GATEWAY" help:"The gateway: https://HOST:PORT. Environment: SOCKGATE_LINK_GATEWAY."`
	Token        string        `placeholder:"TOKEN" env:"SOCKGATE_LINK_TOKEN" help:"The token from \"sockgate link-token create\". Other users of the machine can read command lines: prefer the environment, SOCKGATE_LINK_TOKEN, or --token-file."`
	TokenFile    string        `placeholder:"FILE" help:"File with the token."`
	CA           string        `name:"ca" placeholder:"FILE" help:"PEM file of the authority that signed the gateway's certificate: ca/ca.pem in its data directory, for its own. Default: the system's authorities."`
	Plain        bool          `help:"Permit http://, without TLS, to a gateway on this machine."`
	Name         string        `placeholder:"NAME" help:"What the agent is called where targets are listed. Default: this machine's name."`
	Connections  int           `default:"1" placeholder:"N" help:"Connections to the gateway, each a target of its own."`
	KeepAlive    time.Duration `default:"2s" help:"How often the gateway is asked for a sign of life; after two such times of silence the agent connects anew."`
	Grace        time.Duration `default:"30s" help:"How long connections under way may go on after SIGTERM."`
	LogLevel     string        `default:"info" enum:"debug,info,warn,error" help:"The least severe lines that are written: debug, info, warn or error."`
	LogFormat    string        `default:"auto" enum:"auto,text,json" help:"Form of the lines: auto, text or json."`
}

// Help is what "sockgate link --help" says before the flags.
func (linkCommand) Help() string {
	return `A tunnel agent: it runs beside a private backend, connects to the gateway, and takes the calls of a load balancer's VPC links to the ` +
		`backend. The private network needs no open port. When the gateway is away it tries again for as long as it runs.

It ends with 0 after SIGTERM or SIGINT, when connections under way have ended or --grace is over, and with 1 when the gateway goes on ` +
		`refusing the token.

Examples:

    SOCKGATE_LINK_TOKEN=sglink_… sockgate link --to 127.0.0.1:8080 --load-balancer orders --gateway https://gateway.example.com
    sockgate link --to app:8080 --load-balancer orders --gateway https://10.0.0.1:4566 --ca ca.pem --token-file /run/secrets/link`
}

// runLink is an agent until a signal ends it.
func runLink(cmd *linkCommand) int {
	cfg, err := cmd.agent()
	if err != nil {
		complain(os.Stderr, err)
		return exitUsage
	}
	cfg.Log = newLog(os.Stderr, config.Log{Level: cmd.LogLevel, Format: cmd.LogFormat})
	ctx, stop := untilSignal(context.Background())
	defer stop()
	err = tunnel.NewAgent(cfg).Run(ctx)
	if refusal, ok := errors.AsType[*tunnel.RefusedError](err); ok {
		cfg.Log.Error("the gateway refuses the token; make another with \"sockgate link-token create --load-balancer "+cmd.LoadBalancer+"\"",
			"status", refusal.Status, "message", refusal.Message)
		return exitFailure
	}
	if err != nil {
		cfg.Log.Error("the agent ended with an error", "error", err)
		return exitFailure
	}
	cfg.Log.Info("stopped")
	return exitOK
}

// agent checks the flags, and says of all faults at once what to do.
func (cmd *linkCommand) agent() (tunnel.AgentConfig, error) {
	c := tunnel.AgentConfig{
		Target: cmd.To, LoadBalancer: cmd.LoadBalancer, Name: cmd.Name, Connections: cmd.Connections, KeepAlive: cmd.KeepAlive, Grace: cmd.Grace,
	}
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if host, port, err := net.SplitHostPort(cmd.To); err != nil || host == "" || port == "" {
		fault("--to: %q is not HOST:PORT", cmd.To)
	}
	if !plainName(cmd.LoadBalancer) {
		fault("--load-balancer: %q is not a load balancer's name", cmd.LoadBalancer)
	}
	if c.Name == "" {
		c.Name, _ = os.Hostname() // "agent" does as well
		if !plainName(c.Name) {
			c.Name = "agent"
		}
	}
	if !plainName(c.Name) {
		fault("--name: use up to 128 letters, digits and marks, without spaces")
	}
	if cmd.Connections < 1 || cmd.Connections > maxLinkConnections {
		fault("--connections: use 1 to %d", maxLinkConnections)
	}
	if cmd.KeepAlive < 50*time.Millisecond || cmd.KeepAlive > 5*time.Minute {
		fault("--keep-alive: use 50ms to 5m")
	}
	if cmd.Grace <= 0 || cmd.Grace > time.Hour {
		fault("--grace: use more than 0s, up to 1h")
	}
	var err error
	if c.Gateway, err = cmd.gateway(); err != nil {
		errs = append(errs, err)
	}
	if c.TLS, err = trusted(cmd.CA); err != nil {
		errs = append(errs, err)
	}
	if c.Token, err = cmd.token(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// maxLinkConnections bounds --connections.
const maxLinkConnections = 64

func plainName(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func (cmd *linkCommand) gateway() (*url.URL, error) {
	u, err := url.Parse(cmd.Gateway)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("--gateway: %q is not a gateway's address; it looks like https://gateway.example.com:4566", cmd.Gateway)
	}
	if u.Scheme == "https" {
		return u, nil
	}
	if !cmd.Plain {
		return nil, errors.New("--gateway: http:// would show the token and all traffic to others; use https://, or add --plain for a gateway on this machine")
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--plain is for a gateway on this machine, and %s is another", u.Hostname())
	}
	return u, nil
}

// trusted is the TLS configuration that trusts the authorities of a file, or the system's.
func trusted(file string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if file == "" {
		return c, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca: %s holds no certificate in PEM form", file)
	}
	return c, nil
}

func (cmd *linkCommand) token() (string, error) {
	text := cmd.Token
	if cmd.TokenFile != "" {
		b, err := os.ReadFile(cmd.TokenFile)
		if err != nil {
			return "", fmt.Errorf("--token-file: %w", err)
		}
		text = string(b)
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return "", errors.New("there is no token: set SOCKGATE_LINK_TOKEN, or name a file with --token-file; \"sockgate link-token create\" makes one")
	}
	if !plainName(text) {
		return "", errors.New("the token is not one: it looks like sglink_… and has no spaces")
	}
	return text, nil
}
