package table_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sockgate/sockgate/service/table"
)

// BenchmarkWrite measures writes that are on disk when they are acknowledged, by callers at once.
func BenchmarkWrite(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			e := open(b, table.Options{})
			d := definition("t")
			d.Indexes, d.Streams = nil, nil
			tb := create(b, e, d)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range callers {
				wg.Go(func() {
					for {
						i := int(next.Add(1))
						if i > b.N {
							return
						}
						if err := e.Write(&table.Write{Table: tb, Item: fields("h", fmt.Sprint(i%1000), "r", i, "z", "some text that makes the item a little longer")}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}
