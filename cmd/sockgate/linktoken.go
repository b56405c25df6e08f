package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/control/linktoken"
	"github.com/sockgate/sockgate/internal/rootkey"
	"github.com/sockgate/sockgate/service/function"
)

type linkTokenCommand struct {
	Config   string `placeholder:"FILE" help:"YAML file with the gateway's settings. Environment: SOCKGATE_CONFIG."`
	Data     string `placeholder:"DIR" help:"The gateway's data directory, where its key is. Environment: SOCKGATE_DATA."`
	Endpoint string `placeholder:"URL" env:"SOCKGATE_ENDPOINT" help:"Address of the gateway. Default: where the settings say that it listens. Environment: SOCKGATE_ENDPOINT."`
	CA       string `name:"ca" placeholder:"FILE" help:"PEM file of the authority that signed the gateway's certificate, for an https:// endpoint."`

	Create createLinkToken `cmd:"" help:"Make a token for the agents of a load balancer, and print it."`
	List   listLinkTokens  `cmd:"" help:"List the tokens."`
	Revoke revokeLinkToken `cmd:"" help:"Revoke a token, and cut off its agents."`
}

// Help is what "sockgate link-token --help" says before the flags.
func (linkTokenCommand) Help() string {
	return `Calls are signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or with the profile AWS_PROFILE, or else with the root user's key, ` +
		`from SOCKGATE_ROOT_ACCESS_KEY_ID and SOCKGATE_ROOT_SECRET_ACCESS_KEY or from the gateway's data directory.`
}

type createLinkToken struct {
	LoadBalancer string `required:"" placeholder:"NAME" help:"The load balancer that the token is for."`
	Description  string `placeholder:"TEXT" help:"What the token is for, for those who list tokens."`
	Expires      string `placeholder:"TIME" help:"When it ends to be good: a time such as 2027-01-31T00:00:00Z, or from now, such as 90d or 12h. Default: never."`
	JSON         bool   `name:"json" help:"Print everything about it, as JSON."`
}

type listLinkTokens struct {
	LoadBalancer string `placeholder:"NAME" help:"Only those of this load balancer."`
	JSON         bool   `name:"json" help:"Print JSON."`
}

type revokeLinkToken struct {
	ID string `arg:"" help:"The token's id."`
}

// runLinkToken carries out "sockgate link-token create", "list" or "revoke".
func runLinkToken(ctx context.Context, cmd *linkTokenCommand, operation string, environ []string, out io.Writer) error {
	api, err := cmd.client(ctx, environ)
	if err != nil {
		return err
	}
	switch operation {
	case "create":
		return cmd.Create.run(ctx, api, out)
	case "list":
		return cmd.List.run(ctx, api, out)
	}
	_, err = api.call(ctx, http.MethodDelete, "/"+url.PathEscape(cmd.Revoke.ID), nil)
	return err
}

func (c *createLinkToken) run(ctx context.Context, api *tokenClient, out io.Writer) error {
	body, err := json.Marshal(map[string]string{"loadBalancer": c.LoadBalancer, "description": c.Description, "expires": c.Expires})
	if err != nil {
		return err
	}
	answer, err := api.call(ctx, http.MethodPost, "", body)
	if err != nil || c.JSON {
		return printAnswer(out, answer, err)
	}
	var t linktoken.Token
	if err := json.Unmarshal(answer, &t); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	_, err = fmt.Fprintln(out, t.Token) // alone, for TOKEN=$(sockgate link-token create …)
	return err
}

func (c *listLinkTokens) run(ctx context.Context, api *tokenClient, out io.Writer) error {
	query := ""
	if c.LoadBalancer != "" {
		query = "?loadBalancer=" + url.QueryEscape(c.LoadBalancer)
	}
	answer, err := api.call(ctx, http.MethodGet, query, nil)
	if err != nil || c.JSON {
		return printAnswer(out, answer, err)
	}
	var list linktoken.Listing
	if err := json.Unmarshal(answer, &list); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tLOAD BALANCER\tCREATED\tEXPIRES\tDESCRIPTION")
	for _, t := range list.Items {
		expires := "never"
		if t.ExpiresAt != nil {
			expires = t.ExpiresAt.Format(time.RFC3339)
		}
		if t.Expired {
			expires += " (over)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.LoadBalancer, t.CreatedAt.Format(time.RFC3339), expires, strings.Join(strings.Fields(t.Description), " "))
	}
	return w.Flush()
}

func printAnswer(out io.Writer, answer []byte, err error) error {
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", answer)
	}
	return err
}

// tokenClient makes signed calls of the tokens' API.
type tokenClient struct {
	endpoint, region string
	keys             aws.Credentials
	http             *http.Client
}

func (cmd *linkTokenCommand) client(ctx context.Context, environ []string) (*tokenClient, error) {
	given := map[string]string{}
	if cmd.Data != "" {
		given["data"] = cmd.Data
	}
	cfg, err := config.Load(config.Sources{Flags: given, Environ: environ, File: cmd.Config})
	if err != nil {
		return nil, err
	}
	c := &tokenClient{endpoint: strings.TrimSuffix(cmd.Endpoint, "/"), region: cfg.Region}
	if c.endpoint == "" {
		c.endpoint = "http://" + reachable(cfg)
	}
	tlsConfig, err := trusted(cmd.CA)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = tlsConfig
	c.http = &http.Client{Transport: transport, Timeout: 30 * time.Second}
	c.keys, err = tokenKeys(ctx, cfg, environ)
	return c, err
}

// tokenKeys are the caller's own, or else the root user's.
func tokenKeys(ctx context.Context, cfg *config.Config, environ []string) (aws.Credentials, error) {
	profile := value(environ, "AWS_PROFILE")
	if value(environ, "AWS_ACCESS_KEY_ID") != "" {
		profile = function.EnvironmentKeys
	}
	if profile != "" {
		k, err := function.ProfileKeys(profile)(ctx)
		return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}, err
	}
	if cfg.RootAccessKeyID != "" {
		return aws.Credentials{AccessKeyID: cfg.RootAccessKeyID, SecretAccessKey: string(cfg.RootSecretAccessKey)}, nil
	}
	key, err := rootkey.Read(cfg.Data)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("there is no key to sign with: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name the gateway's data directory with --data (%w)", err)
	}
	return aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}, nil
}

// maxTokenAnswer bounds what is read of an answer, in bytes.
const maxTokenAnswer = 16 << 20

// call makes one call; path is what follows the API's own.
func (c *tokenClient) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.endpoint+linktoken.Path+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, c.keys, req, hex.EncodeToString(sum[:]), "sockgate", c.region, time.Now()); err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no gateway answers: %w (name its address with --endpoint)", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return answer, nil
	}
	var says struct{ Message string }
	if json.Unmarshal(answer, &says) != nil || says.Message == "" {
		says.Message = http.StatusText(resp.StatusCode)
	}
	return nil, errors.New("the gateway refuses: " + says.Message)
}

// linkTokenExit runs the command and gives its exit code.
func linkTokenExit(ctx context.Context, cmd *linkTokenCommand, operation string) int {
	if err := runLinkToken(ctx, cmd, operation, os.Environ(), os.Stdout); err != nil {
		complain(os.Stderr, err)
		return exitFailure
	}
	return exitOK
}
