package httpintegration

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// maxConnectTime bounds name resolution, connecting and the TLS handshake together, within the call's deadline.
const maxConnectTime = 10 * time.Second

// dialAddr returns host with the scheme's port when it has none.
func dialAddr(scheme, host string) (string, error) {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		port = "80"
		if scheme == "https" {
			port = "443"
		}
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		if strings.Contains(name, ":") && name == host {
			return "", fmt.Errorf("host %q is not a host name", host)
		}
	}
	if name == "" || port == "" || !isVisible(host) || strings.ContainsAny(host, "/?#@,\\\"<>") {
		return "", fmt.Errorf("host %q is not a host name", host)
	}
	return net.JoinHostPort(name, port), nil
}

func newTLSConfig(cfg *Config, serverName string) *tls.Config {
	return &tls.Config{
		ServerName:         serverName,
		RootCAs:            cfg.RootCAs,
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(8),
	}
}

// dial connects to p's backend, and shakes hands when that speaks TLS.
func dial(ctx context.Context, p *pool, deadline time.Time) (net.Conn, error) {
	if d := time.Now().Add(p.connectTime); d.Before(deadline) {
		deadline = d
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	var nc net.Conn
	var err error
	if p.dial != nil {
		if nc, err = p.dial(ctx); err != nil {
			return nil, fmt.Errorf("connect to %s: %w", p.addr, err)
		}
	} else if nc, err = dialTCP(ctx, p.cfg, p.addr); err != nil {
		return nil, err
	}
	if p.tlsConfig == nil {
		return nc, nil
	}
	tc := tls.Client(nc, p.tlsConfig)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			return nil, &wrongCertificate{fmt.Errorf("certificate: %w", e.Err)}
		}
		return nil, fmt.Errorf("TLS handshake with %s: %w", p.addr, err)
	}
	return tc, nil
}

func dialTCP(ctx context.Context, cfg *Config, addr string) (net.Conn, error) {
	if cfg.Dial != nil {
		return cfg.Dial(ctx, addr)
	}
	d := net.Dialer{Resolver: cfg.Resolver}
	d.Control = func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return refuse(a.Addr(), cfg.AllowLinkLocal)
	}
	return d.DialContext(ctx, "tcp", addr)
}

var (
	metadataV6 = netip.MustParseAddr("fd00:ec2::254")    // EC2 instance metadata over IPv6
	nat64      = netip.MustParsePrefix("64:ff9b::/96")   // carries an IPv4 address in its last 4 bytes (RFC 6052)
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48") // the same within one network (RFC 8215)
)

// refuse returns why no backend may be at a, or nil. It sees addresses after resolution, so a name cannot hide one.
func refuse(a netip.Addr, allowLinkLocal bool) error {
	a = a.WithZone("").Unmap()
	if nat64.Contains(a) || nat64Local.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case a.IsUnspecified():
		return fmt.Errorf("address %s is unspecified and refused", a)
	case a.IsMulticast():
		return fmt.Errorf("address %s is multicast and refused", a)
	case allowLinkLocal:
	case a.IsLinkLocalUnicast():
		return fmt.Errorf("address %s is link-local and refused", a)
	case a == metadataV6:
		return fmt.Errorf("address %s serves machine credentials and is refused", a)
	}
	return nil
}
