// Package domain answers for the names that clients reach the gateway by: what TLS serves for which name, and the local
// certificate authority, which makes TLS work on a developer's machine without a public name.
package domain

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// How long certificates are good for. Leaves are made while a client waits, so they need not last.
const (
	caLife      = 10 * 365 * 24 * time.Hour
	leafLife    = 90 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
	backdate    = time.Hour // for clients whose clock is behind
	maxLeaves   = 1000      // cached; a client can ask for any number of names
)

// LocalCA is a certificate authority in a directory: ca.pem, for clients to trust, and ca.key. Both are made when the
// authority is first needed, by Pool or by Certificate. One directory has one LocalCA. It issues a certificate for any
// plausible host name, since only those who chose to trust it are affected.
// Its methods may be called by many goroutines.
type LocalCA struct {
	dir string
	now func() time.Time

	mu     sync.Mutex
	root   *authority // nil until needed
	leaves map[string]*tls.Certificate
}

// NewLocalCA returns the authority that lives, or will live, in dir. now is the clock; nil is time.Now.
func NewLocalCA(dir string, now func() time.Time) *LocalCA {
	if now == nil {
		now = time.Now
	}
	return &LocalCA{dir: dir, now: now, leaves: make(map[string]*tls.Certificate)}
}

// TLSConfig returns a server's configuration that serves the authority's certificates alone. Its errors, a damaged authority's among them, fail
// the handshakes.
func (ca *LocalCA) TLSConfig() *tls.Config {
	return (&TLS{Authority: ca}).Config()
}

// Pool returns a pool with the authority's certificate, making the authority if there is none.
func (ca *LocalCA) Pool() (*x509.CertPool, error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	root, err := ca.load()
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(root.cert)
	return pool, nil
}

// Certificate returns a certificate for the server name of a handshake, issuing one when the cached one is missing or
// expires within 30 days. Without a server name, which is so when the client connects to an address, the certificate
// is for localhost, the loopback addresses and the address that was connected to.
//
// Errors: *sockgate.Error with Invalid for a name that no host can have, Internal when the authority's files are damaged.
func (ca *LocalCA) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	names, addresses := []string{name}, []net.IP(nil)
	if name == "" || name == "localhost" {
		names, addresses = []string{"localhost", "*.localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
		if local := localAddress(hello.Conn); name == "" && local.IsValid() && !local.IsLoopback() {
			addresses = append(addresses, local.AsSlice())
			name = local.String()
		}
	} else if !plausible(name) {
		return nil, sockgate.Invalidf("%q is not a host name", name)
	}
	ca.mu.Lock()
	defer ca.mu.Unlock()
	now := ca.now()
	if leaf := ca.leaves[name]; leaf != nil && now.Before(leaf.Leaf.NotAfter.Add(-renewBefore)) {
		return leaf, nil
	}
	root, err := ca.load()
	if err != nil {
		return nil, err
	}
	leaf, err := root.issue(names, addresses, now)
	if err != nil {
		return nil, sockgate.Internalf("issue certificate for %q: %w", name, err)
	}
	if _, renewed := ca.leaves[name]; !renewed && len(ca.leaves) >= maxLeaves {
		for other := range ca.leaves { // any one: which names return cannot be known, and a new certificate is cheap
			delete(ca.leaves, other)
			break
		}
	}
	ca.leaves[name] = leaf
	return leaf, nil
}

// load is called with mu held. A failure is not remembered: the operator may repair the files meanwhile.
func (ca *LocalCA) load() (*authority, error) {
	if ca.root != nil {
		return ca.root, nil
	}
	root, err := loadAuthority(ca.dir, ca.now())
	if err != nil {
		return nil, err
	}
	ca.root = root
	return root, nil
}

// Issue returns a certificate with a key of the caller's for names, which may begin with "*.", and the authority's own behind it, in DER. It is good
// for 90 days.
func (ca *LocalCA) Issue(key crypto.PublicKey, names []string) (chain [][]byte, err error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	root, err := ca.load()
	if err != nil {
		return nil, err
	}
	subject := pkix.Name{Organization: []string{organization}, CommonName: names[0]}
	der, err := root.sign(key, subject, names, nil, ca.now())
	if err != nil {
		return nil, sockgate.Internalf("issue certificate for %q: %w", names[0], err)
	}
	return [][]byte{der, root.cert.Raw}, nil
}

func (a *authority) issue(names []string, addresses []net.IP, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := a.sign(key.Public(), pkix.Name{Organization: []string{organization}}, names, addresses, now)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// organization is what the authority's certificates name as their issuer.
const organization = "Sockgate local"

func (a *authority) sign(key crypto.PublicKey, subject pkix.Name, names []string, addresses []net.IP, now time.Time) ([]byte, error) {
	until := now.Add(leafLife)
	if until.After(a.cert.NotAfter) {
		until = a.cert.NotAfter
	}
	usage := x509.KeyUsageDigitalSignature
	if _, ok := key.(*rsa.PublicKey); ok {
		usage |= x509.KeyUsageKeyEncipherment
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      subject,
		NotBefore:    now.Add(-backdate),
		NotAfter:     until,
		KeyUsage:     usage,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     names,
		IPAddresses:  addresses,
	}
	return x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key)
}

// serial returns 127 random bits: positive, and within the 20 bytes of RFC 5280.
func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

func localAddress(conn net.Conn) netip.Addr {
	if conn == nil {
		return netip.Addr{}
	}
	tcp, ok := conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// plausible reports whether name, in lower case, could be a host's: labels of letters, digits, '-' and '_', at most 63
// bytes each and 253 in all.
func plausible(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			if b := label[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' && b != '_' {
				return false
			}
		}
	}
	return true
}
