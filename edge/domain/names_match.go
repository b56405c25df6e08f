package domain

import (
	"net/url"
	"strings"

	"github.com/sockgate/sockgate"
)

// Name is one custom domain name, compiled. It is never changed after it was made; a newer one takes its place.
type Name struct {
	Name           string
	CertificateARN string

	ownershipARN string
	mappings     map[string]Target // by key
	levels       int               // of the key with the most
	mutual       *mutual           // nil: clients show no certificates
}

// Target is the stage that a mapping leads to.
type Target struct{ APIID, Stage string }

func (n *Names) compile(d *sockgate.DomainName) *Name {
	c := &Name{Name: d.Name, CertificateARN: d.CertificateARN, ownershipARN: d.OwnershipCertificateARN,
		mappings: make(map[string]Target, len(d.Mappings))}
	for _, m := range d.Mappings {
		c.mappings[m.Key] = Target{m.APIID, m.Stage}
		if m.Key != "" {
			c.levels = max(c.levels, 1+strings.Count(m.Key, "/"))
		}
	}
	if d.MutualTLS != nil {
		c.mutual = newMutual(d, n.Clock, n.Log)
	}
	return c
}

// MutualTLS reports whether clients must show a certificate.
func (n *Name) MutualTLS() bool { return n.mutual != nil }

// Match returns what the longest mapping key that path begins with leads to, and what follows the key, without the slash between
// them. Keys are compared level by level, so that "orders" is no beginning of "/orders2"; path is as the client wrote it, and its
// escapes are undone for the comparison, except that an escaped slash separates nothing.
//
// Source: API Gateway Developer Guide, "Use API mappings to connect API stages to a custom domain name"; that WebSocket APIs choose
// the longest key as the others do is reference section 13.
func (n *Name) Match(path string) (to Target, rest string, ok bool) {
	path = strings.TrimPrefix(path, "/")
	to, ok = n.mappings[""]
	rest = path
	var key string
	left := path
	for level := range n.levels {
		segment, after, _ := strings.Cut(left, "/")
		if strings.Contains(segment, "%") {
			plain, err := url.PathUnescape(segment)
			if err != nil || strings.Contains(plain, "/") {
				break
			}
			segment = plain
		}
		if segment == "" {
			break
		}
		if level == 0 {
			key = segment
		} else {
			key += "/" + segment
		}
		left = after
		if found, has := n.mappings[key]; has {
			to, rest, ok = found, left, true
		}
	}
	return to, rest, ok
}
