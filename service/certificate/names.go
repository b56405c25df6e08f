package certificate

import (
	"crypto/x509"
	"slices"
	"strings"
)

// covers reports whether one of names, which are in lower case, is good for name.
func covers(names []string, name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if slices.Contains(names, name) {
		return true
	}
	_, parent, ok := strings.Cut(name, ".")
	return ok && !strings.HasPrefix(name, "*.") && slices.Contains(names, "*."+parent)
}

// namesOf returns the names that a certificate is good for, in lower case: its alternative names, or when it has none its common name.
// Source: ACM User Guide: a SAN makes it ignore the CN.
func namesOf(leaf *x509.Certificate) []string {
	var names []string
	for _, n := range leaf.DNSNames {
		if n = strings.ToLower(n); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if names == nil && leaf.Subject.CommonName != "" {
		names = []string{strings.ToLower(leaf.Subject.CommonName)}
	}
	return names
}

// index finds certificates by the names that they are good for. It is never changed.
type index map[string]*Certificate // by exact name, or wildcard as it is written

// newIndex prefers, of several certificates for one name, the one that was issued or imported last.
func newIndex(all map[string]*Certificate) index {
	x := make(index)
	for _, c := range all {
		v := c.version.Load()
		if v.tls == nil {
			continue
		}
		for _, name := range v.names {
			if other := x[name]; other == nil || other.version.Load().revision < v.revision {
				x[name] = c
			}
		}
	}
	return x
}

func (x index) find(name string) *Certificate {
	if len(x) == 0 {
		return nil
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if c := x[name]; c != nil {
		return c
	}
	if _, parent, ok := strings.Cut(name, "."); ok {
		return x["*."+parent]
	}
	return nil
}
