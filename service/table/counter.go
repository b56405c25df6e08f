package table

import (
	"encoding/binary"
	"errors"
	"io"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// counter is how many entries a table or index has and how many bytes they take, by DynamoDB's measure of an item's size.
// Pebble holds the truth, as merged differences; memory holds the sum, because reading thousands of unmerged differences would
// make DescribeTable slow.
type counter struct{ items, bytes atomic.Int64 }

func (c *counter) add(items, bytes int64) {
	c.items.Add(items)
	c.bytes.Add(bytes)
}

func appendCount(b []byte, items, bytes int64) []byte {
	return binary.AppendVarint(binary.AppendVarint(b, items), bytes)
}

var errCount = errors.New("a counter's record is damaged")

func readCount(b []byte) (items, bytes int64, err error) {
	items, n := binary.Varint(b)
	if n <= 0 {
		return 0, 0, errCount
	}
	bytes, m := binary.Varint(b[n:])
	if m <= 0 {
		return 0, 0, errCount
	}
	return items, bytes, nil
}

// sum adds up the differences of one counter. Addition does not care for their order.
type sum struct{ items, bytes int64 }

func (s *sum) MergeNewer(b []byte) error {
	items, bytes, err := readCount(b)
	s.items += items
	s.bytes += bytes
	return err
}

func (s *sum) MergeOlder(b []byte) error { return s.MergeNewer(b) }

func (s *sum) Finish(bool) ([]byte, io.Closer, error) {
	return appendCount(nil, s.items, s.bytes), nil, nil
}

// newMerger returns the operator by which Pebble adds up counters. Its name is recorded in the files.
func newMerger() *pebble.Merger {
	return &pebble.Merger{
		Name: "sockgate.count.v1",
		Merge: func(_, b []byte) (pebble.ValueMerger, error) {
			s := new(sum)
			return s, s.MergeNewer(b)
		},
	}
}

// readCounter returns a counter's durable sum.
func readCounter(r pebble.Reader, table uint32, index uint16) (items, bytes int64, err error) {
	v, closer, err := r.Get(appendIndexSpace(nil, counterKey, table, index))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	defer closer.Close()
	return readCount(v)
}
