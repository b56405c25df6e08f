package natskv_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/sockgate/sockgate/state/datadir"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/natskv"
)

// TestNearlyFullDisk has writes refused before the disk is full.
func TestNearlyFullDisk(t *testing.T) {
	t.Parallel()
	if !onSmallDisk(t) {
		return
	}
	path := smallDisk(t, 80<<20)
	s := open(t, path)
	want := fillSmall(t, s)

	occupy(t, path, natskv.Reserve/2)
	_, err := s.Create(t.Context(), "more", nil)
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "disk") {
		t.Errorf("create on a nearly full disk: %v", err)
	}
	wantDocuments(t, s, want)

	// What was acknowledged is there after a restart on the full disk, to be read.
	s.Close()
	s = open(t, path)
	defer s.Close()
	wantDocuments(t, s, want)
	_, err = s.Create(t.Context(), "more", nil)
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("create after a start on a nearly full disk: %v", err)
	}

	vacate(t, path)
	want["more"] = "value"
	if _, err := s.Create(t.Context(), "more", []byte("value")); err != nil {
		t.Errorf("create once there is space: %v", err)
	}
	wantDocuments(t, s, want)
}

// TestFullDisk has a write meet a full disk, although the store looks for space before: others write there as well.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if !onSmallDisk(t) {
		return
	}
	path := smallDisk(t, 48<<20)
	var blind atomic.Bool // the store believes that there is space
	dir, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	s, err := natskv.Open(t.Context(), natskv.WithFreeSpace(natskv.Config{Dir: dir, Log: quiet()}, func(string) (uint64, error) {
		if blind.Load() {
			return math.MaxUint64, nil
		}
		return natskv.Reserve + 16<<20, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := fillSmall(t, opened{Store: s})

	blind.Store(true)
	for round := range 3 {
		occupy(t, path, 1<<20)
		var refused error
		for i := 0; refused == nil && i < 100; i++ {
			key := fmt.Sprintf("round%d.%d", round, i)
			value := strings.Repeat("x", 100<<10)
			if _, refused = s.Create(t.Context(), key, []byte(value)); refused == nil {
				want[key] = value
			}
		}
		if !errors.Is(refused, store.ErrUnavailable) {
			t.Fatalf("round %d: write on a full disk: %v", round, refused)
		}
		// Again, now that JetStream has given up.
		if _, err := s.Create(t.Context(), "again", []byte(strings.Repeat("x", 2<<20))); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("round %d: second write on a full disk: %v", round, err)
		}
		got := documents(t, opened{Store: s})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("round %d: reads on a full disk (-want +got):\n%.500s", round, diff)
		}

		vacate(t, path)
		key := fmt.Sprintf("round%d.after", round)
		if _, err := s.Create(t.Context(), key, []byte("value")); err != nil {
			t.Fatalf("round %d: write once there is space: %v", round, err)
		}
		want[key] = "value"
		// A write that was refused may have happened all the same.
		got = documents(t, opened{Store: s})
		for key := range got {
			if _, ok := want[key]; !ok && (key == "again" || strings.HasPrefix(key, "round")) {
				want[key] = got[key]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("round %d: documents afterwards (-want +got):\n%.500s", round, diff)
		}
	}
	s.Close()
	dir.Close()
	reopened := open(t, path)
	defer reopened.Close()
	wantDocuments(t, reopened, want)
}

func fillSmall(t *testing.T, s opened) map[string]string {
	t.Helper()
	want := make(map[string]string)
	for i := range 10 {
		key := fmt.Sprintf("api.%d", i)
		want[key] = strings.Repeat(key, 1000)
		if _, err := s.Create(t.Context(), key, []byte(want[key])); err != nil {
			t.Fatal(err)
		}
	}
	return want
}

func wantDocuments(t *testing.T, s opened, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, documents(t, s)); diff != "" {
		t.Errorf("documents (-want +got):\n%.500s", diff)
	}
}

// occupy leaves about free bytes on the disk.
func occupy(t *testing.T, path string, free uint64) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		t.Fatal(err)
	}
	left := st.Bavail * uint64(st.Bsize)
	if left <= free {
		t.Fatalf("only %d bytes are free", left)
	}
	// lost+found is a name that a data directory may hold.
	if err := os.WriteFile(filepath.Join(path, "lost+found"), make([]byte, left-free), 0o600); err != nil {
		t.Fatal(err)
	}
}

func vacate(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(filepath.Join(path, "lost+found")); err != nil {
		t.Fatal(err)
	}
}

const namespaceVariable = "SOCKGATE_TEST_NAMESPACE"

// onSmallDisk reports whether the test may go on here: whether this process may mount a file system. If not, it runs the
// test in a process of its own user and mount namespace, or skips it.
func onSmallDisk(t *testing.T) bool {
	t.Helper()
	if os.Getuid() == 0 {
		return true
	}
	if os.Getenv(namespaceVariable) != "" {
		t.Skip("mounting a file system is not permitted here")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), namespaceVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		t.Skipf("mounting a file system is not permitted here: %v", err)
	}
	if err != nil {
		t.Errorf("in a namespace of its own: %v\n%s", err, out)
	}
	return false
}

func smallDisk(t *testing.T, size int) string {
	t.Helper()
	path := t.TempDir()
	if err := unix.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("mounting a file system is not permitted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) })
	return path
}
