package table_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate/service/table"
)

// crashDir tells the test binary that it is the child which writes until it is killed.
const crashDir = "SOCKGATE_TABLE_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := writeUntilKilled(dir, os.Getenv("SOCKGATE_TABLE_CRASH_ROUND")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled puts items from several goroutines and prints each key once it is acknowledged.
func writeUntilKilled(dir, round string) error {
	e, err := table.Open(table.Options{Dir: dir, Settle: time.Millisecond})
	if err != nil {
		return err
	}
	go e.Run(context.Background()) // ended by the kill
	if _, err := e.Lookup("t"); err != nil {
		if _, err := e.Create(definition("t")); err != nil {
			return err
		}
	}
	for {
		if d, err := e.Describe(context.Background(), "t"); err != nil || d.Status == table.Active {
			break
		}
	}
	tb, err := e.Table("t")
	if err != nil {
		return err
	}
	var out sync.Mutex
	failed := make(chan error)
	for worker := range 8 {
		go func() {
			for i := 0; ; i++ {
				it := fields("h", fmt.Sprintf("%s-%d", round, worker), "r", i, "g", fmt.Sprint(i%10), "l", fmt.Sprint(i))
				if err := e.Write(&table.Write{Table: tb, Item: it}); err != nil {
					failed <- err
					return
				}
				if i%5 == 4 { // some are deleted again
					if err := e.Write(&table.Write{Table: tb, Op: table.Delete, Item: fields("h", fmt.Sprintf("%s-%d", round, worker), "r", i-4)}); err != nil {
						failed <- err
						return
					}
				}
				out.Lock()
				fmt.Printf("%s-%d %d\n", round, worker, i)
				out.Unlock()
			}
		}()
	}
	return <-failed
}

// TestKill: a process that is killed while it writes loses nothing that it acknowledged, and what it leaves agrees with itself.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]int{} // the last number by worker
	for round := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("SOCKGATE_TABLE_CRASH_ROUND=%d", round))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if n == 300+200*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			var worker string
			var i int
			if _, err := fmt.Sscan(lines.Text(), &worker, &i); err == nil && strings.HasPrefix(worker, fmt.Sprint(round)) {
				acknowledged[worker] = i
			}
		}
		_ = cmd.Wait() // it was killed
		e, stop := run(t, table.Options{Dir: dir})
		sound(t, e)
		tb := active(t, e, "t")
		for worker, last := range acknowledged {
			for i := range last + 1 {
				if i%5 == 0 && i+4 == last+1 {
					continue // its deletion may have been carried out and not told
				}
				deleted := i%5 == 0 && i+4 <= last
				if there := get(t, tb, fields("h", worker, "r", i)) != nil; there == deleted {
					t.Errorf("item %s %d of %d: there is %v", worker, i, last, there)
				}
			}
		}
		records, _, err := tb.Records(tb.Def().Stream(), 0, 1<<30)
		if err != nil || len(records) == 0 {
			t.Errorf("%d change records, %v", len(records), err)
		}
		stop()
	}
}
