package logs_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sockgate/sockgate/telemetry/logs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, c logs.Config) *logs.Groups {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	g, err := logs.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeGroups(t, g) })
	return g
}

func closeGroups(t *testing.T, g *logs.Groups) {
	t.Helper()
	if err := g.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLinesReachTheirFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "logs")
	g := open(t, logs.Config{Dir: dir})
	prod, other := g.Group("/aws/apigateway/abc/prod"), g.Group("access")
	if g.Group("aws//apigateway/abc/prod/") != prod {
		t.Error("slashes make another group")
	}
	prod.Write([]byte("one"))
	other.Write([]byte("else"))
	prod.Write([]byte("two"))
	g.Sync()
	if got := read(t, dir, "aws/apigateway/abc/prod.log"); got != "one\ntwo\n" {
		t.Errorf("prod has %q", got)
	}
	if got := read(t, dir, "access.log"); got != "else\n" {
		t.Errorf("access has %q", got)
	}
	prod.Write([]byte("three"))
	closeGroups(t, g)
	if got := read(t, dir, "aws/apigateway/abc/prod.log"); got != "one\ntwo\nthree\n" {
		t.Errorf("after closing, prod has %q", got)
	}

	prod.Write([]byte("late"))
	g.Group("new").Write([]byte("late"))
	g.Sync()
	if g.Dropped() != 2 {
		t.Errorf("%d of 2 late lines were counted", g.Dropped())
	}
	if _, err := os.Stat(filepath.Join(dir, "new.log")); err == nil {
		t.Error("a line was written after Close")
	}
	(*logs.Group)(nil).Write([]byte("nowhere"))
}

func TestFlushedWithinItsDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		g, err := logs.Open(logs.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer closeGroups(t, g)
		g.Group("a").Write([]byte("line"))
		time.Sleep(199 * time.Millisecond)
		synctest.Wait()
		if _, err := os.Stat(filepath.Join(dir, "a.log")); err == nil {
			t.Error("flushed before its time")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := read(t, dir, "a.log"); got != "line\n" {
			t.Errorf("got %q", got)
		}
	})
}

func TestFlushedWhenLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		g, err := logs.Open(logs.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer closeGroups(t, g)
		line := bytes.Repeat([]byte("x"), 1023)
		for range 32 {
			g.Group("a").Write(line)
		}
		synctest.Wait() // without letting any time pass
		if got := len(read(t, dir, "a.log")); got != 32<<10 {
			t.Errorf("%d bytes are in the file", got)
		}
	})
}

func TestRotation(t *testing.T) {
	for _, tt := range []struct {
		keep int
		want map[string]string
	}{
		{2, map[string]string{"a.log": "6666\n", "a.log.1": "4444\n5555\n", "a.log.2": "2222\n3333\n"}},
		{1, map[string]string{"a.log": "6666\n", "a.log.1": "4444\n5555\n"}},
		{0, map[string]string{"a.log": "6666\n"}},
	} {
		t.Run(fmt.Sprint("keep ", tt.keep), func(t *testing.T) {
			dir := t.TempDir()
			g := open(t, logs.Config{Dir: dir, FileSize: 10, Keep: tt.keep})
			for i := range 7 {
				g.Group("a").Write(bytes.Repeat([]byte{'0' + byte(i)}, 4))
				g.Sync()
			}
			got := map[string]string{}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				got[e.Name()] = read(t, dir, e.Name())
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFileSizeHoldsAcrossStarts(t *testing.T) {
	dir := t.TempDir()
	for _, line := range []string{"1234567", "7654321"} {
		g := open(t, logs.Config{Dir: dir, FileSize: 10, Keep: 3})
		g.Group("a").Write([]byte(line))
		closeGroups(t, g)
	}
	if got := read(t, dir, "a.log") + read(t, dir, "a.log.1"); got != "7654321\n1234567\n" {
		t.Errorf("got %q", got)
	}
}

func TestHostileLines(t *testing.T) {
	long := strings.Repeat("é", logs.MaxLine/2+1)
	for _, tt := range []struct{ name, line, want string }{
		{"empty", "", "\n"},
		{"forged line", "a\r\nb\n", `a\r\nb\n` + "\n"},
		{"terminal escape", "\x1b[2J\x7f\x00", `\x1b[2J\x7f\x00` + "\n"},
		{"tab and UTF-8", "a\tü€", "a\tü€\n"},
		{"long", long, strings.Repeat("é", logs.MaxLine/2-1) + " [cut]\n"},
		{"long, split character", "x" + long, "x" + strings.Repeat("é", logs.MaxLine/2-1) + " [cut]\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			g := open(t, logs.Config{Dir: dir})
			g.Group("a").Write([]byte(tt.line))
			g.Sync()
			if got := read(t, dir, "a.log"); got != tt.want {
				t.Errorf("got %.80q (%d bytes), want %.80q (%d bytes)", got, len(got), tt.want, len(tt.want))
			}
		})
	}
}

func TestDropsAreCountedAndSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var told bytes.Buffer
		g, err := logs.Open(logs.Config{Dir: dir, Log: slog.New(slog.NewTextHandler(&told, nil))})
		if err != nil {
			t.Fatal(err)
		}
		defer closeGroups(t, g)

		// A directory in the file's place stands for a disk that takes nothing.
		if err := os.Mkdir(filepath.Join(dir, "a.log"), 0o700); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			g.Group("a").Write([]byte("lost"))
			g.Sync()
		}
		if g.Dropped() != 5 || strings.Count(told.String(), "\n") != 1 {
			t.Errorf("%d dropped, and told: %s", g.Dropped(), told.String())
		}
		time.Sleep(time.Minute)
		g.Group("a").Write([]byte("lost"))
		g.Sync()
		if strings.Count(told.String(), "\n") != 2 || !strings.Contains(told.String(), "droppedSinceStart=6") {
			t.Errorf("a minute later: %s", told.String())
		}

		if err := os.Remove(filepath.Join(dir, "a.log")); err != nil {
			t.Fatal(err)
		}
		g.Group("a").Write([]byte("kept"))
		g.Sync()
		g.Group("a").Write([]byte("kept"))
		g.Sync()
		want := "2000-01-01T00:01:00.000Z 6 lines were dropped here: the file could not be written\nkept\nkept\n"
		if got := read(t, dir, "a.log"); got != want {
			t.Errorf("got %q", got)
		}
	})
}

// Writers that are faster than the disk lose lines, and every line is either in the file or accounted for.
func TestFloodIsBounded(t *testing.T) {
	dir := t.TempDir()
	g := open(t, logs.Config{Dir: dir, FileSize: 1 << 30})
	const writers, each = 8, 2000
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			line := fmt.Appendf(nil, "writer %d %s", w, strings.Repeat("x", 300))
			for range each {
				g.Group("a").Write(line)
			}
		})
	}
	wg.Wait()
	closeGroups(t, g)
	kept, said := 0, 0
	for line := range strings.Lines(read(t, dir, "a.log")) {
		if strings.HasPrefix(line, "writer ") && len(line) == 310 {
			kept++
			continue
		}
		var at string
		var n int
		if _, err := fmt.Sscanf(line, "%s %d lines were dropped here", &at, &n); err != nil {
			t.Fatalf("damaged line %q", line)
		}
		said += n
	}
	if kept+said != writers*each || uint64(said) != g.Dropped() {
		t.Errorf("%d kept, %d said to be dropped, %d counted; %d were written", kept, said, g.Dropped(), writers*each)
	}
}

func TestNoNameLeavesTheDirectory(t *testing.T) {
	names := []string{
		"../../etc/passwd", "/../x", "..", ".", "", "/", "///", "a/../b", "a/./b", "a\x00b", `a\..\b`, "a b#c", "prod.log/x", "prod", "%2e%2e/x",
		"x.log", "x", "x.log.1", strings.Repeat("a", 400), strings.Repeat("a", 401), strings.Repeat("é", 250), strings.Repeat("a/", 300), "ü",
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	g := open(t, logs.Config{Dir: dir})
	for _, name := range names {
		g.Group(name).Write([]byte(name))
	}
	g.Sync()
	if g.Dropped() != 0 {
		t.Errorf("%d lines were dropped", g.Dropped())
	}
	if outside, _ := os.ReadDir(parent); len(outside) != 1 {
		t.Errorf("something was written beside the directory: %v", outside)
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d.Type().IsRegular() {
			files++
		}
		return err
	})
	// "", "/" and "///" are one group; all others have files of their own.
	if err != nil || files != len(names)-2 {
		t.Errorf("%d names made %d files, %v", len(names), files, err)
	}
}

func TestSymbolicLinksAreNotFollowedOut(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	g := open(t, logs.Config{Dir: dir})
	g.Group("a/b").Write([]byte("x"))
	g.Sync()
	if left, _ := os.ReadDir(outside); len(left) != 0 || g.Dropped() != 1 {
		t.Errorf("outside: %v; dropped %d", left, g.Dropped())
	}
}

func TestOpenFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := logs.Open(logs.Config{Dir: file}); err == nil {
		t.Error("a file is taken for a directory")
	}
}

func TestGroupName(t *testing.T) {
	for _, tt := range []struct{ arn, want string }{
		{"arn:aws:logs:us-east-1:000000000000:log-group:access", "access"},
		{"arn:aws:logs:us-east-1:000000000000:log-group:/aws/a/b:*", "/aws/a/b"},
		{"arn:aws-cn:logs:cn-north-1:000000000000:log-group:x", "x"},
		{"arn:aws:firehose:us-east-1:000000000000:deliverystream/amazon-apigateway-x", ""},
		{"arn:aws:logs:us-east-1:000000000000:log-group:", ""},
		{"arn:aws:logs:us-east-1:000000000000:log-group:a:log-stream:b", ""},
		{"arn:aws:logs:us-east-1:000000000000:log-group:" + strings.Repeat("a", 513), ""},
		{"access", ""},
		{"", ""},
	} {
		if got, ok := logs.GroupName(tt.arn); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%.60s: %q, %v", tt.arn, got, ok)
		}
	}
}

func FuzzGroup(f *testing.F) {
	f.Add("/aws/apigateway/a/b", []byte("line"))
	f.Add("../x", []byte("a\nb"))
	f.Add("%", bytes.Repeat([]byte("\xff"), 300))
	parent := f.TempDir()
	f.Fuzz(func(t *testing.T, name string, line []byte) {
		dir := filepath.Join(parent, "logs")
		g, err := logs.Open(logs.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		g.Group(name).Write(line)
		closeGroups(t, g)
		if g.Dropped() != 0 {
			t.Errorf("the line of %q was dropped", name)
		}
		found := 0
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if d.Type().IsRegular() {
				found += strings.Count(read(t, path), "\n")
			}
			return err
		})
		if found != 1 {
			t.Errorf("%d lines were written", found)
		}
		if outside, _ := os.ReadDir(parent); len(outside) != 1 {
			t.Fatalf("something was written beside the directory: %v", outside)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	g, err := logs.Open(logs.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close(context.Background())
	group := g.Group("a")
	line := bytes.Repeat([]byte("x"), 200)
	b.ReportAllocs()
	for b.Loop() {
		group.Write(line)
	}
}
