package natskv_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/sockgate/sockgate/state/datadir"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/natskv"
	"github.com/sockgate/sockgate/state/store/storetest"
)

func TestMain(m *testing.M) {
	if path := writerDir(); path != "" {
		writeUntilKilled(path)
	}
	goleak.VerifyTestMain(m)
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, t.TempDir())
	})
}

func TestExternal(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		return openExternal(t, startCluster(t).ClientURL())
	})
}

// opened is a store with the directory that it lies in.
type opened struct {
	*natskv.Store
	dir *datadir.Dir
}

func (o opened) Close() error {
	err := o.Store.Close()
	o.dir.Close()
	return err
}

func open(t testing.TB, path string) opened {
	t.Helper()
	o, err := tryOpen(path)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func tryOpen(path string) (opened, error) {
	dir, err := datadir.Open(path)
	if err != nil {
		return opened{}, err
	}
	s, err := natskv.Open(context.Background(), natskv.Config{Dir: dir, Log: quiet()})
	if err != nil {
		dir.Close()
		return opened{}, err
	}
	return opened{s, dir}, nil
}

// startCluster runs a NATS server that listens on a loopback port, as an operator would run one elsewhere.
func startCluster(t *testing.T) *server.Server {
	t.Helper()
	return runCluster(t, &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), MaxPayload: store.MaxValue + 1<<20,
	})
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
