// Package wire calls AWS APIs without their SDKs: a signed HTTP request in one of the three protocols that matter here (REST-JSON, JSON-RPC
// and the query protocol), and the answer as a tree of maps. It knows no operation; package resource does.
//
// It is small on purpose: deploying needs some eighty operations of eight APIs, and their SDKs would double the program.
package wire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sockgate/sockgate/lang/sigv4"
)

const (
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 32 << 20
	// attempts is how often a call is made that the gateway could not serve just then.
	attempts = 5
	// firstWait is the time before the second attempt; it doubles.
	firstWait = 50 * time.Millisecond
	// callTimeout bounds one attempt.
	callTimeout = 60 * time.Second
)

// Client calls one gateway. Its methods may be called by many goroutines.
type Client struct {
	Endpoint string // "http://127.0.0.1:4566"
	Region   string
	Keys     sigv4.Credentials
	HTTP     *http.Client     // nil means http.DefaultClient
	Now      func() time.Time // nil means time.Now
}

// UserAgent is what calls say that they come from.
const UserAgent = "sockgate-deploy"

// Error is an answer that is not a success.
type Error struct {
	Status    int
	Type      string // AWS's name, without namespace: "ConflictException"
	Message   string
	RequestID string
	Call      string // what was called: "lambda CreateFunction"
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s: %s", e.Call, e.Type, e.Message)
	if e.RequestID != "" {
		text += " (request id " + e.RequestID + ")"
	}
	return text
}

// Is reports whether err is an answer with one of these error types.
func Is(err error, types ...string) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	for _, t := range types {
		if e.Type == t {
			return true
		}
	}
	return false
}

// NotFound reports whether err says that a thing does not exist, in any of the APIs' words.
func NotFound(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == http.StatusNotFound || strings.HasSuffix(e.Type, "NotFound") ||
		Is(err, "ResourceNotFoundException", "NoSuchEntity", "NotFoundException"))
}

// Unsure reports whether the call behind err may have been carried out all the same: no answer came, or one that does not say.
func Unsure(err error) bool {
	if err == nil {
		return false
	}
	e, ok := errors.AsType[*Error](err)
	return !ok || e.Status >= 500 && e.Status != http.StatusNotImplemented
}

// REST makes a call of a REST-JSON API. path is escaped and may have a query; in is nil or becomes the JSON body.
// service is the name that the signature is for.
func (c *Client) REST(ctx context.Context, service, method, path string, in any) (map[string]any, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = encode(in); err != nil {
			return nil, err
		}
	}
	header := http.Header{"Accept": {"application/json"}}
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	answer, err := c.call(ctx, service, method, path, header, body, service+" "+method+" "+path)
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	return decode(answer)
}

// JSON makes a call of a JSON-RPC API. target is "DynamoDB_20120810.CreateTable".
func (c *Client) JSON(ctx context.Context, service, target string, in any) (map[string]any, error) {
	body, err := encode(in)
	if err != nil {
		return nil, err
	}
	version := "1.0"
	if service == "acm" {
		version = "1.1"
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-" + version}, "X-Amz-Target": {target}}
	_, operation, _ := strings.Cut(target, ".")
	answer, err := c.call(ctx, service, http.MethodPost, "/", header, body, service+" "+operation)
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	return decode(answer)
}

// Query makes a call of an API in the query protocol. The answer is the content of the element {action}Result; lists in it have the
// key "member" (see List).
func (c *Client) Query(ctx context.Context, service, version, action string, params url.Values) (map[string]any, error) {
	form := url.Values{"Action": {action}, "Version": {version}}
	for name, values := range params {
		form[name] = values
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	answer, err := c.call(ctx, service, http.MethodPost, "/", header, []byte(form.Encode()), service+" "+action)
	if err != nil {
		return nil, err
	}
	return decodeXML(answer, action+"Result")
}

// Fetch gets an absolute URL without a signature: the links in answers carry their own.
func (c *Client) Fetch(ctx context.Context, link string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.client().Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	const maxFetched = 256 << 20
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFetched))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("fetch code: %s", resp.Status)
	}
	return body, err
}

// call sends a request until it is served, and at most a few times.
func (c *Client) call(ctx context.Context, service, method, path string, header http.Header, body []byte, name string) ([]byte, error) {
	wait := firstWait
	for attempt := 1; ; attempt++ {
		answer, err := c.send(ctx, service, method, path, header, body, name)
		if err == nil || attempt == attempts || !passing(err) {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(wait):
		}
		wait *= 2
	}
}

// passing reports whether the same call may be served a moment later. All of these say that nothing was done.
func passing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == http.StatusTooManyRequests && e.Type != "LimitExceededException" || e.Status == http.StatusServiceUnavailable ||
		strings.Contains(e.Message, "concurrent modification"))
}

func (c *Client) send(ctx context.Context, service, method, path string, header http.Header, body []byte, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Endpoint, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header.Clone()
	req.Header.Set("User-Agent", UserAgent)
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	r := sigv4.FromHTTP(req)
	for _, h := range sigv4.Sign(&r, sha256.Sum256(body), c.Keys, sigv4.Scope{Region: c.Region, Service: service}, now()) {
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := c.client().Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%s: read the answer: %w", name, err)
	}
	if len(answer) > maxAnswer {
		return nil, fmt.Errorf("%s: the answer is over %d bytes", name, maxAnswer)
	}
	if resp.StatusCode >= 300 {
		return nil, fault(resp, answer, name)
	}
	return answer, nil
}

func (c *Client) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return http.DefaultClient
}

// fault reads an error in any of the protocols.
func fault(resp *http.Response, body []byte, name string) error {
	e := &Error{Status: resp.StatusCode, Call: name, RequestID: resp.Header.Get("X-Amzn-Requestid")}
	e.Type, _, _ = strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":")
	if tree, err := decode(body); err == nil {
		e.Message = first(tree, "message", "Message", "errorMessage")
		if e.Type == "" {
			e.Type = first(tree, "__type", "code")
		}
	} else if tree, err := decodeXML(body, "Error"); err == nil {
		e.Type, e.Message = first(tree, "Code"), first(tree, "Message")
	}
	if at := strings.LastIndexByte(e.Type, '#'); at >= 0 {
		e.Type = e.Type[at+1:]
	}
	if e.Type == "" {
		e.Type = resp.Status
	}
	return e
}

func first(tree map[string]any, names ...string) string {
	for _, n := range names {
		if s, ok := tree[n].(string); ok {
			return s
		}
	}
	return ""
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func decode(body []byte) (map[string]any, error) {
	var tree map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	return tree, nil
}
