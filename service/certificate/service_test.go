package certificate_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/certificate"
	"github.com/sockgate/sockgate/service/certificate/certtest"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

// node is a service over a store that others may share.
type node struct {
	*certificate.Service
	log *logBuffer

	mu  sync.Mutex
	now time.Time // zero is the real time
}

func (n *node) clock() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.now.IsZero() {
		return time.Now()
	}
	return n.now
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// local is the gateway's own authority.
type local struct {
	t      *testing.T
	a      *certtest.Authority
	broken atomic.Bool
}

func (l *local) Issue(key crypto.PublicKey, names []string) ([][]byte, error) {
	if l.broken.Load() {
		return nil, errors.New("no ink")
	}
	p := l.a.Sign(l.t, certtest.Leaf{Names: names, Key: publicOnly{key}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 90)})
	return [][]byte{p.Parsed.Raw, l.a.Parsed.Raw}, nil
}

func settings(t *testing.T, n *node) certificate.Config {
	return certificate.Config{
		Store: memory.New(), SealKey: bytes.Repeat([]byte{7}, 32), Account: "000000000000", Region: "us-east-1",
		Authority: &local{t: t, a: certtest.NewAuthority(t, "Local")}, Clock: n.clock, Log: slog.New(slog.NewTextHandler(n.log, nil)),
	}
}

func newNode(t *testing.T, edit func(*certificate.Config)) *node {
	t.Helper()
	n := &node{log: &logBuffer{}}
	cfg := settings(t, n)
	if edit != nil {
		edit(&cfg)
	}
	var err error
	if n.Service, err = certificate.New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return n
}

// run runs the service until the returned function is called.
func (n *node) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	var once sync.Once
	return func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != context.Canceled {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

func request(names ...string) certificate.Request {
	return certificate.Request{Domain: names[0], Names: names, Validation: "DNS", Algorithm: certificate.P256}
}

// TestNodesShare: what one node is told, the other serves, without being asked for it; so are changes and deletions.
func TestNodesShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		use := func(c *certificate.Config) { c.Store = shared }
		a, b := newNode(t, use), newNode(t, use)
		stop := b.run(t)
		defer stop()
		p := certtest.SelfSigned(t, certtest.Leaf{})
		arn, err := a.Import(t.Context(), certificate.Import{Certificate: p.Cert, PrivateKey: p.Key})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		held, ok := b.Certificate(arn)
		if !ok || held.TLS().Leaf.SerialNumber.Cmp(p.Parsed.SerialNumber) != 0 || b.ForName("example.test") == nil {
			t.Fatal("the other node does not serve it")
		}
		fresh := certtest.SelfSigned(t, certtest.Leaf{})
		if _, err := a.Import(t.Context(), certificate.Import{ARN: arn, Certificate: fresh.Cert, PrivateKey: fresh.Key}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if held.TLS().Leaf.SerialNumber.Cmp(fresh.Parsed.SerialNumber) != 0 {
			t.Error("the other node serves the old one")
		}
		if err := a.Delete(t.Context(), arn); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, ok := b.Certificate(arn); ok || held.TLS() != nil || b.ForName("example.test") != nil {
			t.Error("the other node serves a deleted one")
		}
	})
}

// TestRenewal: a certificate is renewed when a third of its life is left, by one node of several, and a failure is tried again.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		authority := &local{t: t, a: certtest.NewAuthority(t, "Local")}
		use := func(c *certificate.Config) { c.Store, c.Authority = shared, authority }
		a, b := newNode(t, use), newNode(t, use)
		stopA, stopB := a.run(t), b.run(t)
		defer stopA()
		defer stopB()
		arn, err := a.Request(t.Context(), request("a.example.test"), nil, false)
		if err != nil {
			t.Fatal(err)
		}
		held, _ := a.Certificate(arn)
		first := held.TLS().Leaf
		time.Sleep(59 * 24 * time.Hour)
		synctest.Wait()
		if held.TLS().Leaf != first {
			t.Fatal("it was renewed early")
		}
		authority.broken.Store(true)
		time.Sleep(2 * 24 * time.Hour)
		synctest.Wait()
		r, err := a.Get(t.Context(), arn)
		if err != nil || r.Renewal == nil || r.Renewal.Status != certificate.RenewalFailed || r.Status != certificate.Issued {
			t.Fatalf("%+v, %v", r, err)
		}
		if tries := strings.Count(a.log.String()+b.log.String(), "certificate was not renewed"); tries < 20 || tries > 60 {
			t.Errorf("%d attempts in a day or two", tries) // 1, 5, 15 and then 60 minutes apart
		}
		authority.broken.Store(false)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if held.TLS().Leaf == first {
			t.Error("it was not renewed")
		}
		if other, _ := b.Certificate(arn); other.TLS().Leaf.SerialNumber.Cmp(held.TLS().Leaf.SerialNumber) != 0 {
			t.Error("the nodes serve different certificates")
		}
		if renewals := strings.Count(a.log.String()+b.log.String(), "certificate renewed"); renewals != 1 {
			t.Errorf("%d renewals", renewals)
		}
		r, err = a.Get(t.Context(), arn)
		if err != nil || r.Renewal.Status != certificate.RenewalDone || r.Attempts != 0 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// TestPendingTimesOut: an authority that cannot be reached is asked for three days.
func TestPendingTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, func(c *certificate.Config) {
			c.ACME = &certificate.ACME{Directory: "nonsense://", Listen: "127.0.0.1:1"}
		})
		stop := n.run(t)
		defer stop()
		arn, err := n.Request(t.Context(), request("a.example.test"), nil, false)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := n.Certificate(arn)
		time.Sleep(71 * time.Hour)
		synctest.Wait()
		if c.Status() != certificate.Pending || c.TLS() != nil {
			t.Errorf("%s", c.Status())
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if c.Status() != certificate.TimedOut {
			t.Errorf("%s", c.Status())
		}
	})
}

// TestSealed: private keys are not to be read in the store, nor in the log; a wrong key is found at start, a damaged one when it is read.
func TestSealed(t *testing.T) {
	shared := memory.New()
	n := newNode(t, func(c *certificate.Config) { c.Store = shared })
	p := certtest.SelfSigned(t, certtest.Leaf{})
	arn, err := n.Import(t.Context(), certificate.Import{Certificate: p.Cert, PrivateKey: p.Key})
	if err != nil {
		t.Fatal(err)
	}
	key := p.Signer.(interface{ Bytes() ([]byte, error) })
	secret, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := shared.List(t.Context(), "")
	if err != nil || len(entries) < 2 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		for _, form := range []string{string(secret), hex.EncodeToString(secret), string(p.Key[40:80])} {
			if bytes.Contains(e.Value, []byte(form)) {
				t.Errorf("the key can be read in %s", e.Key)
			}
		}
	}

	other := &node{log: &logBuffer{}}
	cfg := settings(t, other)
	cfg.Store, cfg.SealKey = shared, bytes.Repeat([]byte{8}, 32)
	if _, err := certificate.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "sealed with another key") || !strings.Contains(err.Error(), "tls.keyFile") {
		t.Errorf("a wrong key: %v", err)
	}

	e, err := shared.Get(t.Context(), "certificate.record."+arn[strings.LastIndexByte(arn, '/')+1:])
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(e.Value, []byte(`"Sealed":"`)) + len(`"Sealed":"`) + 20
	damaged := bytes.Clone(e.Value)
	damaged[at] ^= 1
	if _, err := shared.Update(t.Context(), e.Key, damaged, e.Revision); err != nil {
		t.Fatal(err)
	}
	again := newNode(t, func(c *certificate.Config) { c.Store = shared })
	c, ok := again.Certificate(arn)
	if !ok || c.TLS() != nil || again.ForName("example.test") != nil {
		t.Error("a damaged key is served")
	}
	if text := again.log.String(); !strings.Contains(text, arn) || !strings.Contains(text, "cannot be opened") {
		t.Errorf("the log says %s", text)
	}
	if r, err := again.Get(t.Context(), arn); err != nil || r.Domain() != "example.test" {
		t.Errorf("its record cannot be read: %v", err)
	}
	// A sealed key is bound to its certificate.
	p2 := certtest.SelfSigned(t, certtest.Leaf{Names: []string{"b.test"}})
	arn2, err := n.Import(t.Context(), certificate.Import{Certificate: p2.Cert, PrivateKey: p2.Key})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Change(t.Context(), arn2, func(r *certificate.Record) error {
		var stolen certificate.Record
		if err := unmarshal(e.Value, &stolen); err != nil {
			return err
		}
		r.Leaf, r.Sealed = stolen.Leaf, stolen.Sealed
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if c, _ := n.Certificate(arn2); c.TLS() != nil {
		t.Error("a key that was moved to another certificate is served")
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), certificate.KeyFile)
	if _, err := certificate.LoadKey(path, false); err == nil {
		t.Error("a file that was named and is not there was made")
	}
	key, err := certificate.LoadKey(path, true)
	if err != nil || len(key) != 32 {
		t.Fatal(key, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if again, err := certificate.LoadKey(path, true); err != nil || !bytes.Equal(again, key) {
		t.Error("the key changes")
	}
	for _, bad := range []string{"", "hello", strings.Repeat("0", 63), strings.Repeat("g", 64)} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := certificate.LoadKey(path, true); err == nil || !strings.Contains(err.Error(), path) || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestOutage: a store that takes no writes refuses in words that a client may read, and nothing half-made is served.
func TestOutage(t *testing.T) {
	broken := &failing{Store: memory.New()}
	n := newNode(t, func(c *certificate.Config) { c.Store = broken })
	broken.fail = true
	p := certtest.SelfSigned(t, certtest.Leaf{})
	_, err := n.Import(t.Context(), certificate.Import{Certificate: p.Cert, PrivateKey: p.Key})
	if sockgate.KindOf(err) != sockgate.Unavailable || n.ForName("example.test") != nil {
		t.Errorf("%v", err)
	}
	broken.fail = false
	if _, err := n.Import(t.Context(), certificate.Import{Certificate: p.Cert, PrivateKey: p.Key}); err != nil || n.ForName("example.test") == nil {
		t.Error(err)
	}
}

// failing is a store that can be told to take no writes.
type failing struct {
	store.Store
	fail bool
}

func (f *failing) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	if f.fail {
		return 0, store.ErrUnavailable
	}
	return f.Store.Create(ctx, key, value)
}
