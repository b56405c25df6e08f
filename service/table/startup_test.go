package table_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sockgate/sockgate/service/table"
)

// BenchmarkStart measures how long a store of a million items takes to open after it was not closed: its files as a kill leaves them.
//
//	SOCKGATE_TABLE_START=1 go test ./service/table -run - -bench Start -benchtime 1x
func BenchmarkStart(b *testing.B) {
	if os.Getenv("SOCKGATE_TABLE_START") == "" {
		b.Skip("fills a store for a while; set SOCKGATE_TABLE_START to measure")
	}
	dir := b.TempDir()
	e, err := table.Open(table.Options{Dir: dir, Relaxed: true, Settle: time.Millisecond})
	if err != nil {
		b.Fatal(err)
	}
	go e.Run(b.Context())
	tb := create(b, e, definition("t"))
	for i := range 1000000 {
		if err := e.Write(&table.Write{Table: tb, Item: fields("h", fmt.Sprint(i%1000), "r", i, "g", fmt.Sprint(i%100), "z", "some text that makes the item a little longer")}); err != nil {
			b.Fatal(err)
		}
	}
	copied := b.TempDir() // the lock is this process's
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		begin := time.Now()
		again, err := table.Open(table.Options{Dir: copied})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "ms/start")
		b.StopTimer()
		again.Close()
		b.StartTimer()
	}
}
