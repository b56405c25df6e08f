package journal_test

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/journal"
)

var discard = slog.New(slog.DiscardHandler)

func nobody(func(*sockgate.Connection)) {}

func connection(id string) *sockgate.Connection {
	return &sockgate.Connection{
		ID: id, APIID: "abc", Stage: "dev", DomainName: "localhost:4566", SourceIP: netip.MustParseAddr("127.0.0.1"), Port: 4566,
		UserAgent: "line\nbreak", ConnectedAt: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC),
		Authorizer: &sockgate.Authorization{PrincipalID: "anna", Context: map[string]string{"k": "v"}},
		Identity:   &sockgate.Principal{ARN: "arn:aws:iam::000000000000:root", Root: true},
	}
}

func open(t *testing.T, path string) (*journal.Journal, []sockgate.Connection) {
	j, left, err := journal.Open(path, nobody, discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j, left
}

func ids(list []sockgate.Connection) []string {
	names := []string{}
	for _, c := range list {
		names = append(names, c.ID)
	}
	return names
}

func TestWhatWasOpenIsLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "connections")
	j, left := open(t, path)
	if len(left) != 0 {
		t.Errorf("a new journal holds %v", left)
	}
	for _, id := range []string{"a", "b", "c"} {
		j.Opened(connection(id))
	}
	j.Ended("b")
	// The process ends here without a word.
	j, left = open(t, path)
	if diff := cmp.Diff([]string{"a", "c"}, ids(left)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(*connection("a"), left[0], cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("a connection comes back changed:\n%s", diff)
	}
	// What is left stays until its end is noted, also over a second crash.
	j.Ended("a")
	if _, left = open(t, path); !cmp.Equal([]string{"c"}, ids(left)) {
		t.Errorf("left %v, want c", ids(left))
	}
}

func TestACutLineIsLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "connections")
	j, _ := open(t, path)
	j.Opened(connection("a"))
	j.Opened(connection("b"))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(text) {
		if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		_, left := open(t, path)
		if want := strings.Count(string(text[:cut]), "\n"); len(left) != want {
			t.Fatalf("cut at %d of %d: %d connections are left, want %d", cut, len(text), len(left), want)
		}
	}
	if err := os.WriteFile(path, append([]byte("garbage\n+{\n-\n+{}\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, left := open(t, path); !cmp.Equal([]string{"a", "b"}, ids(left)) {
		t.Errorf("behind lines of garbage: %v", ids(left))
	}
}

func TestTheFileDoesNotGrowForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "connections")
	var mu sync.Mutex
	live := map[string]*sockgate.Connection{}
	j, _, err := journal.Open(path, func(yield func(*sockgate.Connection)) {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range live {
			yield(c)
		}
	}, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 6000 {
				c := connection(strconv.Itoa(w) + "." + strconv.Itoa(i))
				mu.Lock()
				live[c.ID] = c
				mu.Unlock()
				j.Opened(c)
				if i%100 == 0 {
					continue // this one stays
				}
				mu.Lock()
				delete(live, c.ID)
				mu.Unlock()
				j.Ended(c.ID)
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(path)
	if err != nil || info.Size() > 5<<20 {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v; it holds what clients are known by", info.Mode())
	}
	if _, left := open(t, path); len(left) != 4*60 {
		t.Errorf("%d connections are left, want %d", len(left), 4*60)
	}
}
