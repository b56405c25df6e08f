package natskv_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const writerVariable = "SOCKGATE_TEST_WRITER"

func writerDir() string { return os.Getenv(writerVariable) }

// writeUntilKilled is the writing process of TestKill. It tells each write before it begins and once it is acknowledged.
func writeUntilKilled(path string) {
	fail := func(err error) {
		fmt.Println("error", err)
		os.Exit(1)
	}
	s, err := tryOpen(path)
	if err != nil {
		fail(err)
	}
	for lane := range 4 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("lane%d.%d", lane, rand.IntN(8))
				// Some values are so large that a kill can cut them short.
				value := fmt.Sprintf("%d.%d.%s", os.Getpid(), i, strings.Repeat("x", rand.IntN(8)*rand.IntN(64<<10)))
				e, err := s.Get(context.Background(), key)
				fmt.Printf("begin %s %s\n", key, value[:min(len(value), 24)])
				switch {
				case err != nil:
					_, err = s.Create(context.Background(), key, []byte(value))
				case i%4 == 3:
					value = ""
					fmt.Printf("begin %s -\n", key)
					err = s.Delete(context.Background(), key, e.Revision)
				default:
					_, err = s.Update(context.Background(), key, []byte(value), e.Revision)
				}
				if err != nil {
					fail(err)
				}
				if value == "" {
					value = "-"
				}
				fmt.Printf("done %s %s\n", key, value[:min(len(value), 24)])
			}
		}()
	}
	select {}
}

func TestKill(t *testing.T) {
	t.Parallel()
	const rounds = 6
	path := t.TempDir()
	acknowledged := make(map[string]string) // key → start of its value, "-" when deleted
	begun := make(map[string]string)        // a write whose end was not told
	for round := range rounds {
		for key, value := range runWriter(t, path, 20+rand.IntN(40), acknowledged) {
			begun[key] = value
		}
		s := open(t, path)
		entries, err := s.List(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		found := make(map[string]string)
		for _, e := range entries {
			found[e.Key] = string(e.Value[:min(len(e.Value), 24)])
		}
		for key, want := range acknowledged {
			got, ok := found[key]
			if !ok {
				got = "-"
			}
			if got != want && got != begun[key] {
				t.Errorf("round %d: %s is %q; %q was acknowledged and %q begun", round, key, got, want, begun[key])
			}
			acknowledged[key] = got
		}
		for key, got := range found {
			acknowledged[key] = got
		}
		clear(begun)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runWriter runs a writing process and kills it after some acknowledged writes. It returns the writes that may have
// happened without being acknowledged.
func runWriter(t *testing.T, path string, writes int, acknowledged map[string]string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), writerVariable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	begun := make(map[string]string)
	done := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || fields[0] == "error" {
			t.Errorf("the writer said %q", lines.Text())
			break
		}
		switch fields[0] {
		case "begin":
			begun[fields[1]] = fields[2]
		case "done":
			delete(begun, fields[1])
			acknowledged[fields[1]] = fields[2]
			if done++; done == writes {
				if err := cmd.Process.Kill(); err != nil {
					t.Error(err)
				}
			}
		}
	}
	_ = cmd.Wait() // killed
	if done < writes {
		t.Fatalf("the writer ended after %d writes", done)
	}
	return begun
}
