package authorize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/tidwall/gjson"
)

// Bounds of what is fetched from an issuer.
const (
	fetchTimeout = 5 * time.Second
	maxDocument  = 256 << 10 // bytes
)

// TokensConfig is what Tokens works with.
type TokensConfig struct {
	// Client fetches issuers' documents. Without it one is used that goes through no proxy and refuses link-local addresses, where
	// clouds serve machines' credentials.
	Client *http.Client
	Clock  func() time.Time
}

// Tokens fetches the keys of issuers. Its methods may be called by many goroutines.
type Tokens struct{ cfg TokensConfig }

// NewTokens returns a Tokens. It starts nothing.
func NewTokens(c TokensConfig) *Tokens {
	if c.Client == nil {
		dialer := &net.Dialer{Timeout: fetchTimeout, Control: refuseLinkLocal}
		c.Client = &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: fetchTimeout}}
	}
	client := *c.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("a redirect, which is not followed") }
	c.Client = &client
	return &Tokens{c}
}

func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || at.Addr().Unmap().IsLinkLocalUnicast() {
		return fmt.Errorf("the address %s is refused", address)
	}
	return nil
}

// fetch returns the keys that an issuer publishes. Source: OpenID Connect Discovery 1.0, section 4.
func (t *Tokens) fetch(ctx context.Context, issuer string) ([]publicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	doc, err := t.get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	if named := gjson.GetBytes(doc, "issuer").String(); !gjson.ValidBytes(doc) || named != issuer {
		return nil, fmt.Errorf("its configuration is that of issuer %.200q", named)
	}
	at := gjson.GetBytes(doc, "jwks_uri").String()
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || strings.HasPrefix(issuer, "https:")) {
		return nil, fmt.Errorf("its jwks_uri %.200q is no https address", at)
	}
	if doc, err = t.get(ctx, at); err != nil {
		return nil, err
	}
	return parseKeys(doc)
}

// get fetches one document.
func (t *Tokens) get(ctx context.Context, at string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	resp, err := t.cfg.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: status %d", at, resp.StatusCode)
	}
	doc, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err == nil && len(doc) > maxDocument {
		err = fmt.Errorf("GET %s: the document is over %d bytes", at, maxDocument)
	}
	return doc, err
}
