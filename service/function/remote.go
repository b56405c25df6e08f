package function

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
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/function/runtime"
)

// Remote says where the functions of an ARN or of a pattern of ARNs are served: by Lambda itself, or by anything that takes its Invoke.
type Remote struct {
	// Function is an ARN, in which "*" stands for any characters; it is matched with and without the qualifier of a call.
	Function string
	// URL is the endpoint ("https://lambda.eu-west-1.amazonaws.com"), or all of an invocation's URL, which then ends in "/invocations".
	URL string
	// Credentials signs the calls; nil leaves them unsigned, and so do credentials without a key. It is asked for each call and should
	// hold what it knows.
	Credentials func(context.Context) (sockgate.Credentials, error)
	// Client makes the calls; nil is one with bounds.
	Client *http.Client
}

var errElsewhere = errors.New("it is not a function of this gateway's account and region, and functions.remote has no place for it")

// Bounds of a remote call.
const (
	remoteTimeout     = 15 * time.Minute // Lambda's longest; callers bring shorter ones
	maxRemoteResponse = 6291556          // bytes
)

type remote struct {
	Remote
	pattern *regexp.Regexp
	base    *url.URL
	client  *http.Client
}

func newRemote(r Remote) (remote, error) {
	base, err := url.Parse(r.URL)
	if err != nil {
		return remote{}, err
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return remote{}, fmt.Errorf("%q is no URL of a server", r.URL)
	}
	if !strings.HasPrefix(r.Function, "arn:") && r.Function != "*" {
		return remote{}, errors.New("it is no ARN")
	}
	quoted := strings.ReplaceAll(regexp.QuoteMeta(r.Function), `\*`, ".*")
	pattern, err := regexp.Compile("^" + quoted + "$")
	if err != nil {
		return remote{}, err
	}
	client := r.Client
	if client == nil {
		client = &http.Client{
			Timeout:       remoteTimeout,
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 64, MaxConnsPerHost: 512, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return remote{Remote: r, pattern: pattern, base: base, client: client}, nil
}

// remote returns the first place that serves an ARN, or nil.
func (s *Service) remote(arn string) *remote {
	unqualified, _ := cutQualifier(arn)
	for i := range s.remotes {
		if r := &s.remotes[i]; r.pattern.MatchString(arn) || r.pattern.MatchString(unqualified) {
			return r
		}
	}
	return nil
}

// cutQualifier splits "arn:aws:lambda:{region}:{account}:function:{name}:{qualifier}".
func cutQualifier(arn string) (unqualified, qualifier string) {
	const parts = 7 // without a qualifier
	if strings.Count(arn, ":") < parts {
		return arn, ""
	}
	i := strings.LastIndexByte(arn, ':')
	return arn[:i], arn[i+1:]
}

// url returns where to invoke a function. Amazon's own endpoints take an ARN, which may be of another account; others know
// names.
func (r *remote) url(arn string) (u url.URL, region string) {
	unqualified, qualifier := cutQualifier(arn)
	if parts := strings.Split(unqualified, ":"); len(parts) > 3 {
		region = parts[3]
	}
	u = *r.base
	if !strings.HasSuffix(u.Path, "/invocations") {
		name := unqualified[strings.LastIndexByte(unqualified, ':')+1:]
		if strings.HasSuffix(u.Hostname(), ".amazonaws.com") {
			name = unqualified
		}
		u = *u.JoinPath("2015-03-31", "functions", name, "invocations")
	}
	if qualifier != "" {
		q := u.Query()
		q.Set("Qualifier", qualifier)
		u.RawQuery = q.Encode()
	}
	return u, region
}

// callRemote makes a call where the function is served.
func (s *Service) callRemote(ctx context.Context, r *remote, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
	if c.Caller != nil || c.RoleARN != "" {
		if err := s.permit(nil, "", c); err != nil {
			return nil, err
		}
	}
	if len(c.Payload) > runtime.MaxPayload {
		return nil, sockgate.TooLargef("Request must be smaller than %d bytes for the InvokeFunction operation", runtime.MaxPayload)
	}
	u, region := r.url(c.Function)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(c.Payload))
	if err != nil {
		return nil, sockgate.Internalf("remote function %s: %w", c.Function, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if c.TraceID != "" {
		req.Header.Set("X-Amzn-Trace-Id", c.TraceID)
	}
	if c.Later {
		req.Header.Set("X-Amz-Invocation-Type", "Event")
	}
	if err := r.sign(req, c.Payload, region); err != nil {
		return nil, sockgate.Unavailablef("The function cannot be reached").Because(fmt.Errorf("sign call of %s: %w", c.Function, err))
	}
	resp, err := r.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, sockgate.Timeoutf("The function did not answer in time").Because(err)
		}
		return nil, sockgate.Unavailablef("The function cannot be reached").Because(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRemoteResponse+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, sockgate.Timeoutf("The function did not answer in time").Because(err)
	case err != nil:
		return nil, sockgate.Unavailablef("The function's answer broke off").Because(err)
	case len(body) > maxRemoteResponse:
		return nil, sockgate.Internalf("%s answered more than %d bytes", u.Redacted(), maxRemoteResponse)
	case c.Later && resp.StatusCode == http.StatusAccepted:
		return &sockgate.FunctionAnswer{RequestID: resp.Header.Get("X-Amzn-Requestid")}, nil
	case resp.StatusCode != http.StatusOK:
		return nil, remoteError(c.Function, u.Redacted(), resp, body)
	}
	return &sockgate.FunctionAnswer{
		Payload: body, Error: resp.Header.Get("X-Amz-Function-Error"), RequestID: resp.Header.Get("X-Amzn-Requestid"),
	}, nil
}

func (r *remote) sign(req *http.Request, payload []byte, region string) error {
	if r.Credentials == nil {
		return nil
	}
	credentials, err := r.Credentials(req.Context())
	if err != nil || credentials.AccessKeyID == "" {
		return err
	}
	sum := sha256.Sum256(payload)
	return v4.NewSigner().SignHTTP(req.Context(), aws.Credentials{
		AccessKeyID: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey, SessionToken: credentials.SessionToken,
	}, req, hex.EncodeToString(sum[:]), "lambda", region, time.Now())
}

// remoteError gives a refusal its kind here. Its text is the operator's: who calls the gateway has nothing to do with it.
func remoteError(arn, url string, resp *http.Response, body []byte) error {
	var text struct{ Message string }
	_ = json.Unmarshal(body, &text) // no text is one, too
	cause := fmt.Errorf("%s answered %s %s for %s: %.200q", url, resp.Status, resp.Header.Get("X-Amzn-Errortype"), arn, text.Message)
	switch resp.StatusCode {
	case http.StatusNotFound:
		return sockgate.NotFoundf("Function not found: %s", arn).Because(cause)
	case http.StatusUnauthorized, http.StatusForbidden:
		return sockgate.Forbiddenf("Invalid permissions on Lambda function").Because(cause)
	case http.StatusTooManyRequests:
		return (&sockgate.Error{Kind: sockgate.Throttled, Message: ReservedText}).Because(cause)
	case http.StatusRequestEntityTooLarge:
		return sockgate.TooLargef("The request is too large").Because(cause)
	}
	return sockgate.Unavailablef("The function cannot be run now").Because(cause)
}
