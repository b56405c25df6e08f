package dynamodb_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/dynamodb"
)

// An answer stays as it is while others are put together, whether it is small, as large as the memory that calls share, or larger.
func TestAnswersAreTheirOwn(t *testing.T) {
	h := start(t)
	h.create(t, hashTable("tab"))
	service := dynamodb.New(dynamodb.Config{Tables: h.engine, Account: account, Region: region})
	call := func(target, body string) []byte {
		resp, err := service.Serve(context.Background(), &awswire.Request{Method: "POST", Body: []byte(body), Principal: &sockgate.Principal{Root: true},
			Header: http.Header{"X-Amz-Target": {items + target}, "Content-Type": {"application/x-amz-json-1.0"}}})
		if err != nil {
			t.Error(err)
			return nil
		}
		return resp.Body
	}
	sizes := []int{0, 100, 5_000, 60_000, 120_000, 130_000, 300_000}
	for i, size := range sizes {
		call("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"id":{"S":"%d"},"text":{"S":%q}}}`, i, strings.Repeat(string(rune('a'+i)), size)))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var kept, copies [][]byte
			for n := range 10 * len(sizes) {
				body := call("GetItem", fmt.Sprintf(`{"TableName":"tab","Key":{"id":{"S":"%d"}}}`, n*3%len(sizes)))
				kept, copies = append(kept, body), append(copies, bytes.Clone(body))
			}
			for i := range kept {
				at := i * 3 % len(sizes)
				if !bytes.Equal(kept[i], copies[i]) || bytes.Count(kept[i], []byte{byte('a' + at)}) < sizes[at] {
					t.Errorf("the answer of %d bytes has changed", len(kept[i]))
				}
			}
		})
	}
	wg.Wait()
}
