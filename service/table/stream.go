package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

// sequencer gives a table's change records their numbers. Numbers are taken under the lock of an item, so the records of one item
// are in order; batches of different items may still be applied out of order, so a reader goes no further than the last number
// before the first that is still open.
type sequencer struct {
	mu   sync.Mutex
	last uint64
	open []uint64 // ascending
}

func newSequencer(last uint64) *sequencer { return &sequencer{last: last} }

func (s *sequencer) begin() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.open = append(s.open, s.last)
	return s.last
}

func (s *sequencer) end(at uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := slices.BinarySearch(s.open, at); ok {
		s.open = slices.Delete(s.open, i, i+1)
	}
}

// visible returns the number up to which all records are there.
func (s *sequencer) visible() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) > 0 {
		return s.open[0] - 1
	}
	return s.last
}

// lastSequence returns a number that no record of the table is above, now or before a restart: records are forgotten after a day,
// so the time in microseconds is what keeps the numbers ascending.
func (e *Engine) lastSequence(d *Definition) (uint64, error) {
	last := uint64(e.now().UnixMicro())
	space := appendSpace(nil, streamKey, d.ID)
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: space, UpperBound: after(space)})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	if it.Last() {
		last = max(last, binary.BigEndian.Uint64(it.Key()[len(space)+4:]))
	}
	return last, it.Error()
}

// Sequence writes a sequence number as DynamoDB does, in 21 digits.
func Sequence(n uint64) string { return fmt.Sprintf("1%020d", n) }

// ParseSequence reads what Sequence wrote.
func ParseSequence(s string) (uint64, bool) {
	var n uint64
	if len(s) != 21 || s[0] != '1' {
		return 0, false
	}
	_, err := fmt.Sscanf(s[1:], "%d", &n)
	return n, err == nil
}

// The events of a stream.
const (
	Insert = "INSERT"
	Modify = "MODIFY"
	Remove = "REMOVE"
)

// Record is one change of an item.
type Record struct {
	Sequence uint64
	Time     time.Time // to the second
	Event    string
	Expired  bool // removed by its time to live
	Keys     value.Item
	Old, New value.Item // nil when there was none, or when the view does not show it
}

// Size is how many bytes the record counts for.
func (r *Record) Size() int { return r.Keys.Size() + r.Old.Size() + r.New.Size() }

func streamSpace(table, stream uint32) []byte {
	return binary.BigEndian.AppendUint32(appendSpace(make([]byte, 0, 20), streamKey, table), stream)
}

// stageChange stages the change record of a write.
func (s *stage) stageChange(t *Table, d *Definition, stream *Stream, w *Write, before value.Item) error {
	at := t.sequence.begin()
	s.open = append(s.open, opened{t.sequence, at})
	event := byte('M')
	switch {
	case !w.Existed:
		event = 'I'
	case w.New == nil:
		event = 'R'
	}
	expired := byte(0)
	if w.expired {
		expired = 1
	}
	key := binary.BigEndian.AppendUint64(streamSpace(d.ID, stream.ID), at)
	b := append(s.record[:0], 1, event, expired)
	b = binary.AppendVarint(b, s.e.now().Unix())
	keys := w.New
	if keys == nil {
		keys = before
	}
	b = appendImage(b, d.KeyOf(keys))
	b = appendImage(b, pick(before, stream.View, "OLD_IMAGE"))
	b = appendImage(b, pick(w.New, stream.View, "NEW_IMAGE"))
	s.record = b
	return s.batch.Set(key, b, nil)
}

// pick returns the image when the view shows it.
func pick(item value.Item, view, image string) value.Item {
	if view == image || view == "NEW_AND_OLD_IMAGES" {
		return item
	}
	return nil
}

func appendImage(b []byte, item value.Item) []byte {
	if item == nil {
		return binary.AppendUvarint(b, 0)
	}
	stored := item.AppendStored(nil)
	return append(binary.AppendUvarint(b, uint64(len(stored))), stored...)
}

var errRecord = errors.New("a change record is damaged")

func readRecord(at uint64, b []byte) (r Record, err error) {
	events := map[byte]string{'I': Insert, 'M': Modify, 'R': Remove}
	if len(b) < 4 || b[0] != 1 || events[b[1]] == "" {
		return r, errRecord
	}
	r.Sequence, r.Event, r.Expired = at, events[b[1]], b[2] == 1
	seconds, n := binary.Varint(b[3:])
	if n <= 0 {
		return r, errRecord
	}
	r.Time = time.Unix(seconds, 0).UTC()
	rest := string(b[3+n:])
	for _, image := range [...]*value.Item{&r.Keys, &r.Old, &r.New} {
		if *image, rest, err = readImage(rest); err != nil {
			return r, err
		}
	}
	return r, nil
}

func readImage(b string) (item value.Item, rest string, err error) {
	size, n := binary.Uvarint([]byte(b[:min(len(b), binary.MaxVarintLen64)]))
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, "", errRecord
	}
	b = b[n:]
	if size > 0 {
		item, err = value.ReadStored(b[:size])
	}
	return item, b[size:], err
}

// StreamOf returns the table and stream that a stream's ARN is about: its part behind "table/" is "{name}/stream/{label}".
// Errors: NotFound.
func (e *Engine) StreamOf(path string) (*Table, *Stream, error) {
	name, label, ok := strings.Cut(path, "/stream/")
	if t := e.find(name); ok && t != nil {
		d := t.Def()
		for i := range d.Streams {
			if d.Streams[i].Label == label {
				return t, &d.Streams[i], nil
			}
		}
	}
	return nil, nil, sockgate.NotFoundf("Requested resource not found: Stream: %s not found", path)
}

// Visible returns the number of the stream's newest record that can be read, or a number below which nothing more will appear.
func (t *Table) Visible() uint64 { return t.sequence.visible() }

// Trimmed reports whether a change with this number may have been forgotten, as it is older than what the stream still has.
func (t *Table) Trimmed(s *Stream, at uint64) (bool, error) {
	first, ok, err := t.First(s)
	if err != nil || !ok {
		return false, err
	}
	return at < first, nil
}

// First returns the number of the stream's oldest record; ok is false when it has none.
func (t *Table) First(s *Stream) (at uint64, ok bool, err error) {
	rs, _, err := t.Records(s, 0, 1)
	if err != nil || len(rs) == 0 {
		return 0, false, err
	}
	return rs[0].Sequence, true, nil
}

// Records returns at most limit records with numbers above behind, and no more than 1 MB of them but always one, and the number
// behind which to go on.
func (t *Table) Records(s *Stream, behind uint64, limit int) (rs []Record, next uint64, err error) {
	visible := t.sequence.visible()
	d := t.Def()
	space := streamSpace(d.ID, s.ID)
	lower := binary.BigEndian.AppendUint64(slices.Clone(space), behind+1)
	upper := binary.BigEndian.AppendUint64(slices.Clone(space), visible+1)
	next = max(behind, visible)
	if behind >= visible {
		return nil, behind, nil
	}
	it, err := t.e.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, 0, damaged("read a stream", err)
	}
	defer it.Close()
	size := 0
	oldest := t.e.now().Add(-streamWindow)
	for it.First(); it.Valid(); it.Next() {
		if len(rs) == limit || size >= MaxPage {
			next = rs[len(rs)-1].Sequence
			break
		}
		r, err := readRecord(binary.BigEndian.Uint64(it.Key()[len(space):]), it.Value())
		if err != nil {
			return nil, 0, damaged("read a stream", err)
		}
		if r.Time.Before(oldest) {
			continue
		}
		size += r.Size()
		rs = append(rs, r)
	}
	if err := it.Error(); err != nil {
		return nil, 0, damaged("read a stream", err)
	}
	return rs, next, nil
}
