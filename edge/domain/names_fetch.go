package domain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/sigv4"
)

// fetchTimeout is how long an object store may take to answer with a truststore.
const fetchTimeout = 10 * time.Second

// Truststores reads truststores from where their owners keep them: file:///path, and s3://bucket/key at an S3-compatible endpoint.
type Truststores struct {
	S3Endpoint string // "https://host:port"; empty: s3:// is refused
	Region     string
	// Credentials signs the calls to the endpoint; an empty AccessKeyID leaves them unsigned.
	Credentials func(context.Context) (sockgate.Credentials, error)
	Clock       func() time.Time
}

// Load returns a truststore's bundle, checked, and what is wrong with parts of it. version is an S3 object's version; "" is the
// newest. Errors are Invalid; the cause is for the operator, so that nobody learns of files by asking for them.
func (t *Truststores) Load(ctx context.Context, uri, version string) (bundle string, warnings []string, err error) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", nil, errURI
	}
	var raw []byte
	switch {
	case u.Scheme == "file" && u.Host == "" && filepath.IsAbs(u.Path) && u.RawQuery == "" && u.Fragment == "":
		if version != "" {
			return "", nil, sockgate.Invalidf("truststoreVersion is for truststores in S3")
		}
		raw, err = readFile(u.Path)
	case u.Scheme == "s3" && u.Host != "" && len(u.Path) > 1 && u.User == nil:
		if t.S3Endpoint == "" {
			return "", nil, sockgate.Invalidf("Truststores in S3 need the setting domains.s3Endpoint; a file:// URI needs none")
		}
		// The key is taken from the URI as it stands: '?' and '#' may be parts of it.
		_, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
		raw, err = t.get(ctx, u.Host, key, version)
	default:
		return "", nil, errURI
	}
	if err != nil {
		return "", nil, sockgate.Invalidf("The truststore at %s cannot be read", uri).Because(err)
	}
	if _, warnings, err = readTruststore(raw, t.Clock()); err != nil {
		return "", nil, err
	}
	return string(raw), warnings, nil
}

var errURI = sockgate.Invalidf("Invalid truststoreUri: it must be s3://bucket/key or file:///path")

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: opening a pipe waits for its writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBundle(f)
}

func readBundle(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxTruststore+1))
	if err == nil && len(raw) > maxTruststore {
		return nil, fmt.Errorf("it is larger than %d bytes", maxTruststore)
	}
	return raw, err
}

// get is S3's GetObject with the bucket in the path, which every S3-compatible server knows.
func (t *Truststores) get(ctx context.Context, bucket, key, version string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	target, err := url.Parse(t.S3Endpoint)
	if err != nil {
		return nil, err
	}
	target = target.JoinPath(url.PathEscape(bucket))
	target.RawPath = target.EscapedPath() + "/" + escapeKey(key)
	target.Path += "/" + key
	if version != "" {
		target.RawQuery = "versionId=" + url.QueryEscape(version)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	if err := t.sign(ctx, r); err != nil {
		return nil, err
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", t.S3Endpoint, resp.Status)
	}
	return readBundle(resp.Body)
}

func (t *Truststores) sign(ctx context.Context, r *http.Request) error {
	if t.Credentials == nil {
		return nil
	}
	keys, err := t.Credentials(ctx)
	if err != nil || keys.AccessKeyID == "" {
		return err
	}
	empty := sha256.Sum256(nil)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(empty[:]))
	req := sigv4.Request{Method: r.Method, Path: r.URL.Path, RawQuery: r.URL.RawQuery, Host: r.URL.Host, // S3 alone wants the path escaped once
		Headers: sockgate.Headers{{Name: "X-Amz-Content-Sha256", Value: hex.EncodeToString(empty[:])}}}
	added := sigv4.Sign(&req, empty, sigv4.Credentials{AccessKeyID: keys.AccessKeyID, Secret: keys.SecretAccessKey, SessionToken: keys.SessionToken},
		sigv4.Scope{Region: t.Region, Service: "s3"}, t.Clock())
	for _, h := range added {
		r.Header.Set(h.Name, h.Value)
	}
	return nil
}

// escapeKey escapes an object's key as S3 wants it signed: all but letters, digits, "-._~" and the slashes.
func escapeKey(key string) string {
	const upper = "0123456789ABCDEF"
	b := make([]byte, 0, len(key))
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b = append(b, c)
		default:
			b = append(b, '%', upper[c>>4], upper[c&15])
		}
	}
	return string(b)
}
