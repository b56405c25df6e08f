package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"github.com/sockgate/sockgate/state/store"
)

// The documents of the ledger:
//
//	usage.count.{planId}.{day}.{sheet}   one page: what each of some keys of a plan used on a day, "20260301"; the sheet is of the key's id
//	usage.grant.{planId}.{keyId}         one grant: what a key has beyond its quota in one period
//
// Pages hold many keys, so that a second's counts are few writes. All nodes add to the same pages by compare-and-set.
const (
	ledgerPrefix = "usage."
	pagePrefix   = "usage.count."
	grantPrefix  = "usage.grant."
)

// sheets is how many pages the keys of one plan and day are spread over: 10,000 keys make pages of some 12 KB.
const sheets = 16

// page is a document of counts.
type page struct {
	By    string            `json:"by"`    // the node that wrote it last
	Marks map[string]uint64 `json:"marks"` // of each node, which of its batches is in here: one whose write had no answer is not added twice
	Used  map[string]int64  `json:"used"`  // by key id
}

// pageKey names a page.
type pageKey struct {
	plan  string
	day   day
	sheet byte
}

func pageOf(plan, key string, d day) pageKey {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return pageKey{plan, d, byte(h.Sum32() % sheets)}
}

func (k pageKey) String() string {
	return pagePrefix + k.plan + "." + k.day.String() + "." + strconv.FormatUint(uint64(k.sheet), 16)
}

// ledger keeps counts in the store. What it was told is visible in total at once, and on disk after the next flush.
type ledger struct {
	store store.Store
	node  string // of this process, and of no other

	flushing sync.Mutex

	mu      sync.Mutex
	pending map[pageKey]*batch
	number  uint64 // of the last batch
}

// batch is what is to be added to a page: fresh may grow, sending is being written, and stays as it is until it is known to be there.
type batch struct {
	fresh, sending map[string]int64
	number         uint64
}

func newLedger(s store.Store, node string) *ledger {
	return &ledger{store: s, node: node, pending: make(map[pageKey]*batch)}
}

// add notes n more requests.
func (l *ledger) add(plan, key string, d day, n int64) {
	at := pageOf(plan, key, d)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.pending[at]
	if b == nil {
		b = &batch{}
		l.pending[at] = b
	}
	if b.fresh == nil {
		b.fresh = make(map[string]int64)
	}
	b.fresh[key] += n
}

// total returns what a key used on a day, as far as this node knows. A page that cannot be read counts as nothing.
func (l *ledger) total(plan, key string, d day) int64 {
	at := pageOf(plan, key, d)
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.store.Get(context.Background(), at.String()) // from memory
	var n int64
	if err == nil {
		n = gjson.GetBytes(e.Value, "used."+key).Int()
	}
	if b := l.pending[at]; b != nil {
		n += b.fresh[key]
		if b.sending != nil && gjson.GetBytes(e.Value, "marks."+l.node).Uint() < b.number {
			n += b.sending[key]
		}
	}
	return n
}

// flush writes what is pending, and returns the pages that other nodes had written to meanwhile. What could not be written stays
// for the next flush; the error is of the first of those.
func (l *ledger) flush(ctx context.Context) (others []pageKey, err error) {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	work := make([]pageKey, 0, len(l.pending))
	for at := range l.pending {
		work = append(work, at)
	}
	l.mu.Unlock()
	for _, at := range work {
		other, pageErr := l.flushPage(ctx, at)
		if other {
			others = append(others, at)
		}
		err = errors.Join(err, pageErr)
		if ctx.Err() != nil {
			break
		}
	}
	return others, err
}

// flushPage writes what is pending for one page: first what an earlier flush could not, then what is fresh. l.flushing is held.
func (l *ledger) flushPage(ctx context.Context, at pageKey) (other bool, err error) {
	l.mu.Lock()
	b := l.pending[at]
	late := b.sending != nil
	l.mu.Unlock()
	if late {
		if other, err = l.writeBatch(ctx, at, b); err != nil {
			return other, err
		}
	}
	l.mu.Lock()
	b.sending, b.fresh = b.fresh, nil
	if b.sending == nil {
		delete(l.pending, at)
		l.mu.Unlock()
		return other, nil
	}
	l.number++
	b.number = l.number
	l.mu.Unlock()
	more, err := l.writeBatch(ctx, at, b)
	if err != nil {
		return other, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.fresh == nil {
		delete(l.pending, at)
	}
	return other || more, nil
}

// writeBatch writes what is being sent, and notes that it is there.
func (l *ledger) writeBatch(ctx context.Context, at pageKey, b *batch) (other bool, err error) {
	if other, err = l.write(ctx, at, b); err != nil {
		return other, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b.sending = nil
	return other, nil
}

// write adds a batch to its page, and reports whether another node had written there last.
func (l *ledger) write(ctx context.Context, at pageKey, b *batch) (other bool, err error) {
	const attempts = 8
	for range attempts {
		var p page
		e, readErr := l.store.Get(ctx, at.String())
		switch {
		case errors.Is(readErr, store.ErrNotFound):
		case readErr != nil:
			return other, fmt.Errorf("read %s: %w", at, readErr)
		default:
			if err := json.Unmarshal(e.Value, &p); err != nil {
				return other, fmt.Errorf("document %q is damaged: %w", at, err)
			}
		}
		other = other || p.By != "" && p.By != l.node
		if p.Marks[l.node] >= b.number {
			return other, nil
		}
		if p.Used == nil {
			p.Used = make(map[string]int64)
		}
		if p.Marks == nil {
			p.Marks = make(map[string]uint64)
		}
		for key, n := range b.sending {
			p.Used[key] += n
		}
		p.By, p.Marks[l.node] = l.node, b.number
		value, encErr := json.Marshal(p)
		if encErr != nil {
			return other, encErr
		}
		if e.Revision == 0 {
			_, err = l.store.Create(ctx, at.String(), value)
		} else {
			_, err = l.store.Update(ctx, at.String(), value, e.Revision)
		}
		if !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	if err != nil {
		return other, fmt.Errorf("write %s: %w", at, err)
	}
	return other, nil
}

// heard says which page a change of the store is of, if another node wrote it.
func (l *ledger) heard(ch store.Change) (at pageKey, ok bool) {
	name, ok := strings.CutPrefix(ch.Key, pagePrefix)
	if !ok || ch.Deleted || gjson.GetBytes(ch.Value, "by").String() == l.node {
		return at, false
	}
	return parsePage(name)
}

// parsePage reads "{planId}.{day}.{sheet}".
func parsePage(name string) (at pageKey, ok bool) {
	parts := strings.Split(name, ".")
	if len(parts) != 3 {
		return at, false
	}
	d, err := parseDay(parts[1])
	sheet, sheetErr := strconv.ParseUint(parts[2], 16, 8)
	return pageKey{parts[0], d, byte(sheet)}, err == nil && sheetErr == nil
}

// grant is what a key has beyond its quota in one period.
type grant struct {
	Period string `json:"period"`
	First  string `json:"first"` // the period's first day
	Extra  int64  `json:"extra"` // may be less than nothing
}

// extra returns what a key was granted in the period that begins on first.
func (l *ledger) extra(plan, key, period string, first day) int64 {
	e, err := l.store.Get(context.Background(), grantPrefix+plan+"."+key) // from memory
	if err != nil {
		return 0
	}
	var g grant
	if json.Unmarshal(e.Value, &g) != nil || g.Period != period || g.First != first.String() {
		return 0
	}
	return g.Extra
}

// grant stores a grant in the place of an earlier one.
func (l *ledger) grant(ctx context.Context, plan, key string, g grant) error {
	value, err := json.Marshal(g)
	if err != nil {
		return err
	}
	const attempts = 8
	name := grantPrefix + plan + "." + key
	for range attempts {
		e, getErr := l.store.Get(ctx, name)
		switch {
		case errors.Is(getErr, store.ErrNotFound):
			_, err = l.store.Create(ctx, name, value)
		case getErr != nil:
			return getErr
		default:
			_, err = l.store.Update(ctx, name, value, e.Revision)
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}

// How long pages and grants are kept: pages for longer than GetUsage can ask, grants for longer than a period.
const (
	keepPages  = 400
	keepGrants = 62
)

// prune removes what is too old to be asked for.
func (l *ledger) prune(ctx context.Context, today day) error {
	entries, err := l.store.List(ctx, ledgerPrefix)
	if err != nil {
		return err
	}
	for _, e := range entries {
		old := false
		if name, ok := strings.CutPrefix(e.Key, pagePrefix); ok {
			at, ok := parsePage(name)
			old = ok && at.day < today-keepPages
		} else {
			first, err := parseDay(gjson.GetBytes(e.Value, "first").String())
			old = err == nil && first < today-keepGrants
		}
		if !old {
			continue
		}
		if err := l.store.Delete(ctx, e.Key, e.Revision); err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}
