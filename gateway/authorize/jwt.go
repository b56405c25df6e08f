package authorize

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sockgate/sockgate"
)

// JWT authorizers go beyond AWS, whose WebSocket APIs have none; they are off unless access.jwt turns them on. Their rules are
// those of HTTP APIs: the issuer is the configured one to the letter, the audience (or client_id) one of the configured ones,
// the token is in date, and its signature is by a key that the issuer publishes. More strictly, the key decides which algorithm is
// good: RS256 for RSA keys of 2048 bits and more, ES256 for P-256 keys, EdDSA for Ed25519 keys. There are no others.
//
// The token is what the one identity source holds, "Bearer " aside. Browsers can set no header but the subprotocols, so of
// route.request.header.Sec-WebSocket-Protocol it is the one that looks like a token; the $connect integration should choose
// another one.

const (
	maxToken = 8 << 10 // bytes
	// skew is how far the issuer's clock may be from ours.
	skew = time.Minute
)

// tokenRule is what a JWT authorizer demands of a token.
type tokenRule struct {
	issuer    string
	audience  []string
	protocols bool // the token is among the subprotocols
	keys      keySet
}

func compileTokenRule(a *sockgate.Authorizer) (*tokenRule, error) {
	u, err := url.Parse(a.JWTIssuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, sockgate.Invalidf("Invalid issuer: %s. Issuer must be a valid URL", a.JWTIssuer)
	}
	if len(a.JWTAudience) == 0 || len(a.IdentitySource) != 1 {
		return nil, sockgate.Invalidf("a JWT authorizer needs an audience and one identity source")
	}
	return &tokenRule{
		issuer: a.JWTIssuer, audience: a.JWTAudience,
		protocols: strings.EqualFold(a.IdentitySource[0], "route.request.header.Sec-WebSocket-Protocol"),
	}, nil
}

// checkToken decides about a handshake by its token.
func (c *Checker) checkToken(ctx context.Context, a *Authorizer, ev *sockgate.Event) (*sockgate.Authorization, *Refusal) {
	if c.cfg.Tokens == nil {
		return nil, refuse(Misconfigured, "authorizer %s is of type JWT, which access.jwt has to turn on", a.Name)
	}
	rule := a.token
	t, err := parseToken(rule.pick(a.sources[0].read(ev)))
	if err != nil {
		return nil, refuse(Unauthorized, "the token is refused: %w", err)
	}
	if err := rule.accepts(t, ev.Time); err != nil {
		return nil, refuse(Unauthorized, "the token is refused: %w", err)
	}
	began := c.cfg.Clock()
	key, err := rule.keys.find(ctx, c.cfg.Tokens, rule.issuer, t.keyID)
	ev.AuthorizerLatency = c.cfg.Clock().Sub(began)
	switch {
	case errors.Is(err, errUnknownKey):
		return nil, refuse(Unauthorized, "the token is refused: %w", err)
	case err != nil:
		return nil, refuse(Failed, "the keys of issuer %s cannot be had: %w", rule.issuer, err)
	case key.alg != t.alg || !key.verify(t.signed, t.signature):
		return nil, refuse(Unauthorized, "the token is refused: its signature is not by the issuer's key")
	}
	return &sockgate.Authorization{PrincipalID: strings.Clone(t.claims.Get("sub").String()), Context: t.context(), Latency: ev.AuthorizerLatency}, nil
}

// pick returns the token of an identity source's value.
func (r *tokenRule) pick(value string) string {
	if r.protocols {
		for p := range strings.SplitSeq(value, ",") {
			if p = strings.TrimSpace(p); strings.Count(p, ".") == 2 {
				return p
			}
		}
		return ""
	}
	if scheme, token, ok := strings.Cut(value, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return value
}

// token is a token's parts. Nothing of it is to be believed before its signature was verified.
type token struct {
	alg, keyID string
	claims     gjson.Result // an object
	signed     string       // what the signature is of
	signature  []byte
}

// parseToken reads a token in JWS compact form. Source: RFC 7515, section 3.1, and RFC 7519.
func parseToken(text string) (*token, error) {
	if len(text) > maxToken {
		return nil, fmt.Errorf("it has %d bytes; the limit is %d", len(text), maxToken)
	}
	head, rest, _ := strings.Cut(text, ".")
	body, mac, ok := strings.Cut(rest, ".")
	if !ok {
		return nil, errors.New("it is not three parts with dots between them")
	}
	header, err := decodeObject(head)
	if err != nil {
		return nil, fmt.Errorf("its header: %w", err)
	}
	claims, err := decodeObject(body)
	if err != nil {
		return nil, fmt.Errorf("its claims: %w", err)
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(mac)
	if err != nil {
		return nil, errors.New("its signature is not base64url")
	}
	if header.Get("crit").Exists() {
		return nil, errors.New("its header has critical extensions, and none are known")
	}
	return &token{
		alg: header.Get("alg").String(), keyID: header.Get("kid").String(),
		claims: claims, signed: text[:len(head)+1+len(body)], signature: signature,
	}, nil
}

func decodeObject(part string) (gjson.Result, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return gjson.Result{}, errors.New("not base64url")
	}
	if !gjson.ValidBytes(raw) {
		return gjson.Result{}, errors.New("not JSON")
	}
	doc := gjson.ParseBytes(raw)
	if !doc.IsObject() {
		return gjson.Result{}, errors.New("not a JSON object")
	}
	return doc, nil
}

// accepts says what is wrong with a token's claims, or nil.
func (r *tokenRule) accepts(t *token, now time.Time) error {
	if iss := t.claims.Get("iss"); iss.Type != gjson.String || iss.String() != r.issuer {
		return fmt.Errorf("its issuer is %.200q", iss.String())
	}
	if !r.forUs(t.claims) {
		return errors.New("it is for another audience")
	}
	if exp := t.claims.Get("exp"); exp.Type != gjson.Number || !now.Before(moment(exp).Add(skew)) {
		return errors.New("it has expired")
	}
	for _, name := range []string{"nbf", "iat"} {
		if v := t.claims.Get(name); v.Exists() && (v.Type != gjson.Number || now.Add(skew).Before(moment(v))) {
			return fmt.Errorf("its %s is in the future", name)
		}
	}
	return nil
}

// moment reads a number of seconds. One that is too large for a time is far away.
func moment(v gjson.Result) time.Time {
	const farthest = 1 << 40 // seconds, some 35,000 years
	return time.Unix(int64(min(max(v.Float(), -farthest), farthest)), 0)
}

// forUs reports whether aud, or client_id where there is no aud, names one of the audiences.
func (r *tokenRule) forUs(claims gjson.Result) bool {
	aud := claims.Get("aud")
	if !aud.Exists() {
		aud = claims.Get("client_id")
	}
	for _, one := range aud.Array() { // of a value that is no array, itself
		for _, ours := range r.audience {
			if one.Type == gjson.String && one.String() == ours {
				return true
			}
		}
	}
	return false
}

// context is the token's claims as an authorizer's context: arrays as HTTP APIs print them ("[a b]"), objects as JSON.
func (t *token) context() map[string]string {
	m := make(map[string]string)
	t.claims.ForEach(func(key, value gjson.Result) bool {
		text := value.String()
		switch {
		case value.Type == gjson.Null:
			return true
		case value.Type == gjson.Number:
			text = value.Raw
		case value.IsArray():
			var items []string
			for _, item := range value.Array() {
				items = append(items, item.String())
			}
			text = "[" + strings.Join(items, " ") + "]"
		}
		m[strings.Clone(key.String())] = strings.Clone(text)
		return true
	})
	return m
}
