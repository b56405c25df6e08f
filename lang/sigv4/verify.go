package sigv4

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// Keys knows the secrets of access keys.
type Keys interface {
	// Secret returns the secret of an access key and who signs with it; ok is false for a key that does not exist or is not
	// active. It is called once for every request, so it must not wait for anything, and from many goroutines at once. The
	// principal is shared and must not change.
	Secret(accessKeyID string) (secret string, principal *sockgate.Principal, ok bool)
}

// Sessions is a Keys that also issues temporary keys, which come with a session token. A verifier over other Keys accepts no token.
type Sessions interface {
	Keys
	// Session returns the secret of a temporary key and who signs with it, when token was issued with that key and its subject
	// still exists. The error is ErrNoSession or ErrSessionEnded. What Secret says of waiting and sharing holds here.
	Session(accessKeyID, token string, now time.Time) (secret string, principal *sockgate.Principal, err error)
}

// The errors of Sessions.
var (
	ErrNoSession    = errors.New("the token was not issued with this key")
	ErrSessionEnded = errors.New("the session has expired")
)

// Options say what a Verifier insists on.
type Options struct {
	Region string // the region that a credential must name
	// Global are the services that have one endpoint for all regions (iam, sts): their credentials may also name us-east-1.
	Global []string
	Skew   time.Duration    // how far a signature's time may be off in either direction; 0 means AWS's 5 minutes
	Clock  func() time.Time // nil means time.Now
}

// Signature is what a verified request proved.
type Signature struct {
	Principal *sockgate.Principal
	Service   string // the service of the credential scope
	Region    string
	Presigned bool // signed in the query rather than in a header
}

// Verifier checks signatures. It may be used by many goroutines at once.
type Verifier struct {
	keys    Keys
	region  string
	global  []string
	skew    time.Duration
	clock   func() time.Time
	derived keyCache
	scratch sync.Pool // of *scratch
}

// scratch is the memory of one verification.
type scratch struct {
	text   []byte // the canonical request, and the string to sign behind it
	params [16]param
}

// maxScratch is the size in bytes of the largest text whose memory is kept for the next request.
const maxScratch = 16 << 10

// maxSignedHeaders bounds the work that an unproven signature can ask for.
const maxSignedHeaders = 128

// maxToken bounds a session token, in bytes. AWS gives no bound and asks for no assumptions; those that are issued here stay
// well below it.
const maxToken = 16 << 10

// New makes a Verifier.
func New(keys Keys, o Options) *Verifier {
	v := &Verifier{keys: keys, region: o.Region, global: o.Global, skew: o.Skew, clock: o.Clock}
	if v.skew == 0 {
		v.skew = 5 * time.Minute
	}
	if v.clock == nil {
		v.clock = time.Now
	}
	v.scratch.New = func() any { return &scratch{text: make([]byte, 0, 2048)} }
	return v
}

// Verify checks the signature of a request and says who made it. body is the SHA-256 of the whole body, of no bytes if there is
// none. services are those for which the credential may be scoped, the first being named in the error; none means any.
//
// The checks come in AWS's order, so that a request with several faults is told of the same one. Errors: *Error.
//
// Decided here, as AWS documents or shows nothing about it:
//   - A URL without X-Amz-Expires is valid for the skew, like a signed header. One with it is valid that long, without the skew.
//   - X-Amz-Target chooses the operation and must be signed where it is present. X-Amz-Date is part of the string to sign in any
//     case, X-Amz-Content-Sha256 must be the hash of the body, and X-Amz-Security-Token must belong to the key, in a header
//     (signed or not) or in the query. Other X-Amz headers may be there unsigned, because proxies add some (X-Amz-Cf-Id).
//   - UNSIGNED-PAYLOAD belongs to S3 and is a wrong hash here.
//   - SignedHeaders must be lower case, ascending and without repetition, and every header in it must be present.
//
// Source: reference sections 0.2, 9.6 and 16; the order of checks is from observed answers of DynamoDB and Kinesis.
func (v *Verifier) Verify(r *Request, body [32]byte, services ...string) (*Signature, error) {
	s := v.scratch.Get().(*scratch)
	defer func() {
		clear(s.params[:]) // they share memory with the request
		if cap(s.text) <= maxScratch {
			v.scratch.Put(s)
		}
	}()
	p, err := v.screen(r, s.params[:0], services)
	if err != nil {
		return nil, err
	}
	c := &p.claim
	if err := v.checkSignature(r, c, s, &body, keyName{p.accessKeyID, p.scope.date, p.scope.region, p.scope.service}, p.secret, p.at, p.now); err != nil {
		return nil, err
	}
	return &Signature{Principal: p.principal, Service: p.scope.service, Region: p.scope.region, Presigned: c.presigned}, nil
}

// Screen makes those checks of Verify that need no body: that a signature is there and can be read, is current, is meant for one of
// services, and names a key that exists. It proves nothing. It is for turning strangers away before their bodies take memory.
func (v *Verifier) Screen(r *Request, services ...string) error {
	_, err := v.screen(r, nil, services)
	return err
}

// promise is a claim that may turn out true: everything about it is right but for the signature, which is still to be checked.
type promise struct {
	claim       claim
	accessKeyID string
	scope       scope
	secret      string
	principal   *sockgate.Principal
	at          string // when it was signed, as in the string to sign
	now         time.Time
}

func (v *Verifier) screen(r *Request, space []param, services []string) (p promise, err error) {
	if p.claim, err = readClaim(r, space); err != nil {
		return p, err
	}
	at, atText, err := p.claim.time()
	if err != nil {
		return p, err
	}
	p.at, p.now = atText, v.clock()
	if err := v.current(&p.claim, at, atText, p.now); err != nil {
		return p, err
	}
	if err := checkSigned(r, p.claim.signedHeaders); err != nil {
		return p, err
	}
	if p.claim.algorithm != algorithm {
		return p, refuse(IncompleteSignature, "Unsupported AWS 'algorithm': '%s' (only AWS4-HMAC-SHA256 for now). ", p.claim.algorithm)
	}
	accessKeyID, sc, end, ok := splitCredential(p.claim.credential)
	if !ok {
		return p, refuse(IncompleteSignature,
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", p.claim.credential)
	}
	if err := v.checkScope(sc, end, atText, services); err != nil {
		return p, err
	}
	p.accessKeyID, p.scope = accessKeyID, sc
	token := r.header("X-Amz-Security-Token")
	if inQuery := queryValue(p.claim.query, "X-Amz-Security-Token"); inQuery != "" && inQuery != token {
		token += inQuery // two that differ make one that nobody issued
	}
	if token != "" {
		p.secret, p.principal, err = v.session(accessKeyID, token, p.now)
		return p, err
	}
	if p.secret, p.principal, ok = v.keys.Secret(accessKeyID); !ok || p.secret == "" || accessKeyID == "" { // an empty secret is known to everybody
		return p, unknownClient()
	}
	return p, nil
}

// session opens a session token. What came with a token that is good for nothing is not tried as a long-term key.
func (v *Verifier) session(accessKeyID, token string, now time.Time) (string, *sockgate.Principal, error) {
	sessions, ok := v.keys.(Sessions)
	if !ok || len(token) > maxToken {
		return "", nil, unknownClient()
	}
	secret, principal, err := sessions.Session(accessKeyID, token, now)
	switch {
	case errors.Is(err, ErrSessionEnded):
		return "", nil, refuse(ExpiredToken, "The security token included in the request is expired")
	case err != nil, secret == "":
		return "", nil, unknownClient()
	}
	return secret, principal, nil
}

// current checks that now lies within the time for which the signature is good.
func (v *Verifier) current(c *claim, at time.Time, atText string, now time.Time) error {
	valid := v.skew
	if c.expires > 0 {
		valid = c.expires
	}
	text := func(t time.Time) string { return t.UTC().Format(isoBasic) }
	if earliest := now.Add(-valid); at.Before(earliest) {
		return refuse(InvalidSignature, "Signature expired: %s is now earlier than %s (%s - %s)",
			atText, text(earliest), text(now), span(valid))
	}
	if latest := now.Add(v.skew); at.After(latest) {
		return refuse(InvalidSignature, "Signature not yet current: %s is still later than %s (%s + %s)",
			atText, text(latest), text(now), span(v.skew))
	}
	return nil
}

// globalRegion is the region in which the services without regions are signed.
const globalRegion = "us-east-1"

func span(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min.", d/time.Minute)
	}
	return fmt.Sprintf("%d sec.", d/time.Second)
}

// checkSigned checks that the headers which decide about a request's meaning are signed.
func checkSigned(r *Request, signedHeaders string) error {
	host, target := false, false
	names := 0
	for name := range strings.SplitSeq(signedHeaders, ";") {
		host = host || strings.EqualFold(name, "host")
		target = target || strings.EqualFold(name, "x-amz-target")
		names++
	}
	if !host {
		return refuse(InvalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if _, there := r.Headers.Lookup("X-Amz-Target"); there && !target {
		return refuse(InvalidSignature, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if names > maxSignedHeaders {
		return refuse(InvalidSignature, "There are more than %d names in 'SignedHeaders' in the AWS Authorization.", maxSignedHeaders)
	}
	return nil
}

// checkScope compares a credential's scope with what it is used for, and tells all differences at once.
func (v *Verifier) checkScope(s scope, end, at string, services []string) error {
	today := at[:len(day)]
	region := s.region == v.region || s.region == globalRegion && slices.Contains(v.global, s.service)
	if region && end == terminator && s.date == today && (len(services) == 0 || slices.Contains(services, s.service)) {
		return nil
	}
	var faults []string
	if !region {
		faults = append(faults, fmt.Sprintf("Credential should be scoped to a valid region, not '%s'.", s.region))
	}
	if len(services) > 0 && !slices.Contains(services, s.service) {
		faults = append(faults, fmt.Sprintf("Credential should be scoped to correct service: '%s'.", services[0]))
	}
	if end != terminator {
		faults = append(faults, fmt.Sprintf("Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, end))
	}
	if s.date != today {
		faults = append(faults, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "+
			"'%s' != '%s', from '%s'.", s.date, today, at))
	}
	return refuse(InvalidSignature, "%s", strings.Join(faults, " "))
}

// checkSignature computes the signature that the request should have and compares.
func (v *Verifier) checkSignature(r *Request, c *claim, s *scratch, body *[32]byte, name keyName, secret, at string, now time.Time) error {
	sc := scope{date: name.date, region: name.region, service: name.service}
	key := v.derived.get(name, secret)
	known := key != nil
	if !known {
		key = newDerivedKey(secret, sc)
	}
	canonical, whole := appendCanonical(s.text[:0], r, r.Path, c.query, c.signedHeaders, body)
	text := appendStringToSign(canonical, at, sc, canonical)
	s.text = text
	whole = whole && saysHash(r, c.query, body)
	good := whole && key.signs(text[len(canonical):], c.signature)
	if path, differs := normalizedPath(r.Path); whole && !good && differs {
		normal, _ := appendCanonical(nil, r, path, c.query, c.signedHeaders, body)
		good = key.signs(appendStringToSign(nil, at, sc, normal), c.signature)
	}
	if !good {
		if !whole {
			canonical, _ = appendCanonical(nil, r, r.Path, c.query, canonicalNames(c.signedHeaders), body)
			text = appendStringToSign(canonical, at, sc, canonical)
		}
		return mismatch(canonical, text[len(canonical):])
	}
	if !known { // remembered only now: nobody fills the cache without knowing a secret
		v.derived.add(name, key, now.UTC().Format(day))
	}
	return nil
}

// canonicalNames is what SignedHeaders should have been, for the peer to compare.
func canonicalNames(signedHeaders string) string {
	names := strings.Split(strings.ToLower(signedHeaders), ";")
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ";")
}

// saysHash reports whether what the request says about its body's hash, if anything, is true.
func saysHash(r *Request, query []param, body *[32]byte) bool {
	for _, said := range [...]string{r.header("X-Amz-Content-Sha256"), queryValue(query, "X-Amz-Content-Sha256")} {
		var sum [32]byte
		if said == "" {
			continue
		}
		if n, err := hex.Decode(sum[:], []byte(said[:min(len(said), 64)])); err != nil || n != 32 || len(said) != 64 || sum != *body {
			return false
		}
	}
	return true
}

// queryValue returns a parameter's value; a repeated one's values are joined, so that no check takes it for one of them.
func queryValue(query []param, name string) string {
	v := ""
	for _, p := range query {
		if p.name == name {
			v += unescapeQuery(p.value)
		}
	}
	return v
}
