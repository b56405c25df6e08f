package certificate_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/sockgate/sockgate/service/certificate"
	"github.com/sockgate/sockgate/state/store/memory"
)

func TestStorage(t *testing.T) {
	shared := memory.New()
	use := func(c *certificate.Config) { c.Store = shared }
	a, b := newNode(t, use).Storage(), newNode(t, use).Storage()
	ctx := t.Context()
	for _, key := range []string{"acme/ca.test-dir/users/a@example.test/a.key", "acme/ca.test-dir/users/a@example.test/a.json", "acme/ca.test-dir/challenge_tokens/x.json", "acme2"} {
		if err := a.Store(ctx, key, []byte("value of "+key)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Store(ctx, "acme2", []byte("newer")); err != nil {
		t.Fatal(err)
	}
	if v, err := a.Load(ctx, "acme2"); err != nil || string(v) != "newer" {
		t.Errorf("%s, %v", v, err)
	}
	entries, err := shared.List(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if bytes.Contains(e.Value, []byte("newer")) || bytes.Contains(e.Value, []byte("value of")) {
			t.Errorf("%s is not sealed", e.Key)
		}
	}
	for _, tt := range []struct {
		path      string
		recursive bool
		want      []string
	}{
		{"acme", false, []string{"acme/ca.test-dir"}},
		{"acme/ca.test-dir", false, []string{"acme/ca.test-dir/challenge_tokens", "acme/ca.test-dir/users"}},
		{"acme/ca.test-dir/users", true, []string{"acme/ca.test-dir/users/a@example.test/a.json", "acme/ca.test-dir/users/a@example.test/a.key"}},
		{"", false, []string{"acme", "acme2"}},
	} {
		got, err := a.List(ctx, tt.path, tt.recursive)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, %v", tt.path, got, err)
		}
	}
	if info, err := a.Stat(ctx, "acme2"); err != nil || info.Size != 5 || !info.IsTerminal {
		t.Errorf("%+v, %v", info, err)
	}
	if info, err := a.Stat(ctx, "acme"); err != nil || info.IsTerminal {
		t.Errorf("%+v, %v", info, err)
	}
	if err := b.Delete(ctx, "acme/ca.test-dir"); err != nil {
		t.Fatal(err)
	}
	if a.Exists(ctx, "acme") || !a.Exists(ctx, "acme2") {
		t.Error("Delete removed the wrong ones")
	}
	if err := a.Delete(ctx, "acme"); err != nil {
		t.Error(err)
	}
	for _, missing := range []string{"acme", "nothing", string(bytes.Repeat([]byte("long/"), 500))} {
		if _, err := a.Load(ctx, missing); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	if _, err := a.List(ctx, "nothing", true); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		use := func(c *certificate.Config) { c.Store = shared }
		a, b := newNode(t, use).Storage(), newNode(t, use).Storage()
		ctx := t.Context()
		if err := a.Lock(ctx, "x"); err != nil {
			t.Fatal(err)
		}
		if ok, err := b.(certmagic.TryLocker).TryLock(ctx, "x"); ok || err != nil {
			t.Error("a lock has two holders", err)
		}
		bounded, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := b.Lock(bounded, "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := a.Unlock(ctx, "x"); err != nil {
			t.Fatal(err)
		}
		if err := b.Lock(ctx, "x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * time.Second) // b has crashed
		if ok, err := a.(certmagic.TryLocker).TryLock(ctx, "x"); !ok || err != nil {
			t.Error("a lock without a holder stays", err)
		}
		if err := errors.Join(a.Unlock(ctx, "x"), a.Unlock(ctx, "x")); err != nil {
			t.Error(err)
		}
	})
}
