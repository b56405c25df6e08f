package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/rootkey"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/service/function"
	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/build"
	"github.com/sockgate/sockgate/template/resource/wire"
	"github.com/sockgate/sockgate/template/stack"
)

const (
	defaultEndpoint = "http://127.0.0.1:4566"
	defaultRegion   = "us-east-1"
	// maxTemplate bounds a template, in bytes. Source: CloudFormation User Guide, "Quotas".
	maxTemplate = 1 << 20
)

type deployCommand struct {
	Template          string     `arg:"" optional:"" placeholder:"TEMPLATE" help:"The template, in YAML or JSON."`
	Stack             string     `required:"" placeholder:"NAME" help:"The stack's name."`
	Parameters        parameters `aliases:"parameter-overrides" placeholder:"KEY=VALUE ..." help:"Values of the template's parameters. Those that are not given keep the values of the last deploy."`
	Endpoint          string     `placeholder:"URL" help:"Address of the gateway. Environment: AWS_ENDPOINT_URL. Default: http://127.0.0.1:4566."`
	Region            string     `placeholder:"REGION" help:"Region of the gateway. Environment: AWS_REGION. Default: us-east-1."`
	Profile           string     `placeholder:"NAME" help:"Profile in the shared credentials file. Environment: AWS_PROFILE."`
	Plan              bool       `help:"Show what would be done, and do nothing."`
	Delete            bool       `help:"Delete the stack and everything in it."`
	IgnoreUnsupported bool       `help:"Leave out resources of types that the gateway does not have."`
	NoRollback        bool       `help:"Leave a failed deploy as it is; the next one goes on from there."`
}

// Help is what "sockgate deploy --help" says before the flags.
func (deployCommand) Help() string {
	return `The template is a CloudFormation or SAM template. What it describes is compared with what the stack has; the differences are shown and made. ` +
		`When a step fails, those before it are taken back. Folders that CodeUri names are built as "sam build" would: npm, pip, go or make.

Calls are signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or else with a profile of the shared credentials file. A gateway writes ` +
		`such a file at its first start: credentials in its data directory.

Examples:

    sockgate deploy template.yaml --stack chat
    sockgate deploy template.yaml --stack chat --plan
    sockgate deploy template.yaml --stack chat --parameters TableName=connections Stage=dev
    sockgate deploy app.json --stack chat --endpoint https://gateway.example.com --ignore-unsupported
    sockgate deploy --stack chat --delete
    AWS_SHARED_CREDENTIALS_FILE=data/credentials sockgate deploy template.yaml --stack chat`
}

// parameters are KEY=VALUE, as many as follow the flag, as the CLIs of AWS take them.
type parameters map[string]string

// Decode reads a flag's values.
func (p *parameters) Decode(ctx *kong.DecodeContext) error {
	if *p == nil {
		*p = parameters{}
	}
	for first := true; ; first = false {
		next := ctx.Scan.Peek()
		text, isText := next.Value.(string)
		if next.IsEOL() || !isText || !first && (strings.HasPrefix(text, "-") || !strings.Contains(text, "=")) {
			if first {
				return errors.New("needs KEY=VALUE")
			}
			return nil
		}
		ctx.Scan.Pop()
		if key, rest, ok := strings.Cut(text, ","); ok && strings.HasPrefix(key, "ParameterKey=") && strings.HasPrefix(rest, "ParameterValue=") {
			text = strings.TrimPrefix(key, "ParameterKey=") + "=" + strings.TrimPrefix(rest, "ParameterValue=")
		}
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return fmt.Errorf("%q is not KEY=VALUE", text)
		}
		(*p)[key] = value
	}
}

var stackForm = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

// deploy carries out the command and returns its exit code.
func deploy(cmd *deployCommand, stdout, stderr io.Writer) int {
	usage := func(format string, args ...any) int {
		complain(stderr, fmt.Errorf(format, args...))
		return exitUsage
	}
	switch {
	case !stackForm.MatchString(cmd.Stack):
		return usage("a stack's name has 1 to 128 letters, digits and hyphens, and begins with a letter; %q does not", cmd.Stack)
	case cmd.Delete && cmd.Plan:
		return usage("--delete and --plan do not go together")
	case cmd.Template == "" && !cmd.Delete:
		return usage("no template to deploy; name it, as in: sockgate deploy template.yaml --stack %s", cmd.Stack)
	}
	var t *template.Template
	if !cmd.Delete {
		var err error
		if t, err = readTemplate(cmd.Template); err != nil {
			complain(stderr, err)
			return exitUsage
		}
	}
	ctx, stop := untilSignal(context.Background())
	defer stop()
	o, err := deployOptions(ctx, cmd)
	if err != nil {
		complain(stderr, err)
		return exitFailure
	}
	out := bufio.NewWriter(stdout)
	defer out.Flush()
	say := func(format string, args ...any) {
		fmt.Fprintf(out, format+"\n", args...)
		out.Flush()
	}
	o.Planned = func(p *stack.Plan) { p.Write(out); out.Flush() }
	o.Progress = func(e stack.Event) { tell(say, e) }
	return carryOut(ctx, cmd, t, o, say, stderr)
}

func carryOut(ctx context.Context, cmd *deployCommand, t *template.Template, o stack.Options, say func(string, ...any), stderr io.Writer) int {
	began := time.Now()
	var result *stack.Result
	var err error
	switch {
	case cmd.Delete:
		result, err = stack.Remove(ctx, o)
	case cmd.Plan:
		result, err = stack.Preview(ctx, t, o)
	default:
		result, err = stack.Make(ctx, t, o)
	}
	if result != nil {
		for _, r := range result.Skipped {
			say("left out: %s (%s), line %d: the gateway does not have this type", r.ID, r.Type, r.Line)
		}
		for _, n := range result.Notes {
			say("note: %s", n)
		}
	}
	if err != nil {
		complain(stderr, explain(err, o, result != nil))
		switch {
		case result == nil:
		case result.RolledBack:
			complain(stderr, fmt.Errorf("the deploy failed; what it had done was taken back"))
		case cmd.NoRollback:
			complain(stderr, fmt.Errorf("the deploy failed and was left as it is; deploy again to go on, or delete the stack with --delete"))
		}
		return exitFailure
	}
	took := time.Since(began).Round(time.Millisecond)
	switch {
	case cmd.Plan:
	case cmd.Delete && result.Unchanged:
		say("Stack %s does not exist", cmd.Stack)
	case cmd.Delete:
		say("Deleted stack %s in %s", cmd.Stack, took)
	case result.Unchanged:
		say("No changes (%s)", took)
	default:
		say("Deployed stack %s in %s", cmd.Stack, took)
	}
	if !cmd.Plan && !cmd.Delete {
		showOutputs(say, result.Outputs, o.Client.Endpoint)
	}
	return exitOK
}

// showOutputs prints the outputs, and the local address below each that has one of AWS's.
func showOutputs(say func(string, ...any), outputs []stack.Output, endpoint string) {
	if len(outputs) == 0 {
		return
	}
	say("Outputs:")
	width := 0
	for _, o := range outputs {
		width = max(width, len(o.Name))
	}
	for _, o := range outputs {
		say("  %-*s  %s", width, o.Name, o.Value)
		if local, ok := stack.Local(o.Value, endpoint); ok {
			say("  %-*s  %s", width, "", local)
		}
	}
}

// tell prints one line for each step that ended.
func tell(say func(string, ...any), e stack.Event) {
	done := map[stack.Action]string{
		stack.Create: "created", stack.Update: "updated", stack.Replace: "replaced", stack.Delete: "deleted", stack.Retain: "retained",
	}
	took := e.Took.Round(time.Millisecond)
	switch {
	case e.Note != "" && e.ID != "":
		say("  %s: %s", e.ID, e.Note)
	case e.Note != "":
		say("  %s", e.Note)
	case e.Done && e.Err != nil:
		say("  failed    %-30s %-36s %6s  %s", e.ID, e.Type, took, e.Err)
	case e.Done:
		say("  %-9s %-30s %-36s %6s", done[e.Action], e.ID, e.Type, took)
	}
}

// explain adds what to do to errors that have a usual cause. begun says that the gateway had answered before.
func explain(err error, o stack.Options, begun bool) error {
	e, answered := errors.AsType[*wire.Error](err)
	switch {
	case !answered && !begun && strings.Contains(err.Error(), "connection refused"):
		return fmt.Errorf("no gateway answers at %s: %w\nStart one with \"sockgate serve\", or name its address with --endpoint", o.Client.Endpoint, err)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case answered && strings.Contains(e.Message, "region"):
		return fmt.Errorf("%w\nThe call was signed for %s; name the gateway's region with --region or AWS_REGION", err, o.Client.Region)
	case answered && (e.Type == "UnrecognizedClientException" || e.Type == "InvalidSignatureException"):
		return fmt.Errorf("%w\nThe gateway at %s does not know the key %s: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those in the file credentials of its data directory",
			err, o.Client.Endpoint, o.Client.Keys.AccessKeyID)
	}
	return err
}

func readTemplate(path string) (*template.Template, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no template %s", path)
		}
		return nil, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	if err != nil {
		return nil, err
	}
	if len(src) > maxTemplate {
		return nil, fmt.Errorf("%s is over %d bytes, which is the largest that a template can be", path, maxTemplate)
	}
	return template.Parse(path, src)
}

// deployOptions finds out where the gateway is and how to sign.
func deployOptions(ctx context.Context, cmd *deployCommand) (stack.Options, error) {
	dir := filepath.Dir(cmd.Template)
	o := stack.Options{
		Name: cmd.Stack, Dir: dir, Parameters: cmd.Parameters, IgnoreUnsupported: cmd.IgnoreUnsupported, NoRollback: cmd.NoRollback,
	}
	cacheDir, err := build.DefaultDir()
	if err != nil {
		return o, err
	}
	if o.Cache, err = build.Open(cacheDir); err != nil {
		return o, err
	}
	keys, err := deployKeys(ctx, cmd.Profile)
	if err != nil {
		return o, err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16}
	if file := os.Getenv("AWS_CA_BUNDLE"); file != "" { // such as that of the gateway's own authority
		pem, err := os.ReadFile(file)
		if err != nil {
			return o, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return o, fmt.Errorf("AWS_CA_BUNDLE: %s holds no certificate in PEM form", file)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	o.Client = &wire.Client{
		Endpoint: strings.TrimSuffix(cmp.Or(cmd.Endpoint, os.Getenv("AWS_ENDPOINT_URL"), defaultEndpoint), "/"),
		Region:   cmp.Or(cmd.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), defaultRegion),
		Keys:     keys,
		HTTP:     &http.Client{Transport: transport},
	}
	return o, nil
}

// deployKeys looks where the AWS tools look, but before it falls back on the profile "default" of the user, which is likely to be for AWS
// itself, it takes the key of a gateway that runs with its default settings.
func deployKeys(ctx context.Context, profile string) (sigv4.Credentials, error) {
	name := function.EnvironmentKeys
	if profile != "" || os.Getenv("AWS_ACCESS_KEY_ID") == "" {
		name = cmp.Or(profile, os.Getenv("AWS_PROFILE"))
	}
	if name == "" && os.Getenv("AWS_SHARED_CREDENTIALS_FILE") == "" {
		if cfg, err := config.Load(config.Sources{Environ: os.Environ()}); err == nil {
			if cfg.RootAccessKeyID != "" {
				return sigv4.Credentials{AccessKeyID: cfg.RootAccessKeyID, Secret: string(cfg.RootSecretAccessKey)}, nil
			}
			if key, err := rootkey.Read(cfg.Data); err == nil {
				return sigv4.Credentials{AccessKeyID: key.ID, Secret: key.Secret}, nil
			}
		}
	}
	name = cmp.Or(name, "default")
	keys, err := function.ProfileKeys(name)(ctx)
	if err != nil {
		return sigv4.Credentials{}, fmt.Errorf("no credentials: %w\nSet AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE to the file credentials in the gateway's data directory", err)
	}
	return sigv4.Credentials{AccessKeyID: keys.AccessKeyID, Secret: keys.SecretAccessKey, SessionToken: keys.SessionToken}, nil
}
