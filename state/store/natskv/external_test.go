package natskv_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/natskv"
)

// TestTwoGateways has two stores on one cluster compare and follow each other's writes.
func TestTwoGateways(t *testing.T) {
	t.Parallel()
	srv := startCluster(t)
	ctx := t.Context()
	a, b := openExternal(t, srv.ClientURL()), openExternal(t, srv.ClientURL())
	defer a.Close()
	defer b.Close()

	first, err := a.Create(ctx, "k", []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Create(ctx, "k", []byte("b"))
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("create of the other gateway's key: %v", err)
	}
	waitFor(t, b, func(ch store.Change) bool { return ch.Revision == first })
	second, err := b.Update(ctx, "k", []byte("b"), first)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Update(ctx, "k", []byte("a again"), first)
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("update of a revision that the other gateway replaced: %v", err)
	}
	waitFor(t, a, func(ch store.Change) bool { return ch.Revision == second })
	if err := a.Delete(ctx, "k", second); err != nil {
		t.Fatal(err)
	}
	_, err = b.Update(ctx, "k", []byte("b again"), second)
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("update of what the other gateway deleted: %v", err)
	}
}

// TestClusterRestart takes the cluster away for a while.
func TestClusterRestart(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	options := server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
	}
	srv := runCluster(t, &options)
	s := openExternal(t, srv.ClientURL())
	defer s.Close()
	one, err := s.Create(ctx, "one", nil)
	if err != nil {
		t.Fatal(err)
	}

	srv.Shutdown()
	srv.WaitForShutdown()
	if _, err := s.Get(ctx, "one"); err != nil {
		t.Errorf("get while the cluster is away: %v", err)
	}
	if _, err = s.Create(ctx, "two", nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("create while the cluster is away: %v", err)
	}

	// It comes back with other writes than the store knows of.
	elsewhere := options
	elsewhere.Port = server.RANDOM_PORT
	srv = runCluster(t, &elsewhere)
	other := openExternal(t, srv.ClientURL())
	if err := other.Delete(ctx, "one", one); err != nil {
		t.Fatal(err)
	}
	three, err := other.Create(ctx, "three", []byte("3"))
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	srv.Shutdown()
	srv.WaitForShutdown()
	runCluster(t, &options)

	waitFor(t, s, func(ch store.Change) bool { return ch.Revision == three })
	if _, err := s.Get(ctx, "one"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get of what was deleted meanwhile: %v", err)
	}
	if _, err := s.Update(ctx, "three", []byte("3.1"), three); err != nil {
		t.Errorf("update once the cluster is back: %v", err)
	}
}

func TestOpenNeedsOnePlace(t *testing.T) {
	if _, err := natskv.Open(t.Context(), natskv.Config{}); err == nil {
		t.Error("a store without a place was opened")
	}
}

func TestOpenUnreachable(t *testing.T) {
	// A port that nobody listens on, since somebody just did.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	url := "nats://" + listener.Addr().String()
	if _, err := natskv.Open(t.Context(), natskv.Config{URL: url, Log: quiet()}); err == nil {
		t.Error("a store in a cluster that is not there was opened")
	}
}

func openExternal(t *testing.T, url string) *natskv.Store {
	t.Helper()
	s, err := natskv.Open(t.Context(), natskv.Config{URL: url, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// waitFor returns once the store's view has been told of the wanted change.
func waitFor(t *testing.T, s store.Store, wanted func(store.Change) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	found := errors.New("found")
	err := s.Watch(ctx, "", func(ch store.Change) error {
		if wanted(ch) {
			return found
		}
		return nil
	})
	if err != found {
		t.Fatalf("the change was not told: %v", err)
	}
}

// runCluster starts a server; the options' port is set to the one that it listens on.
func runCluster(t *testing.T, options *server.Options) *server.Server {
	t.Helper()
	mine := *options
	srv, err := server.NewServer(&mine)
	if err != nil {
		t.Fatal(err)
	}
	go srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	var port int
	if _, err := fmt.Sscanf(srv.ClientURL(), "nats://127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	options.Port = port
	return srv
}
