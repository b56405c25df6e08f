package table

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options say where and how an Engine works.
type Options struct {
	Dir     string           // made when it is not there
	Relaxed bool             // acknowledge before the disk has it: a crash may lose the writes since the last Sweep
	Clock   func() time.Time // nil means time.Now
	Log     *slog.Logger
	// Settle is how long creating, updating and deleting a table show; 0 means 100 ms.
	Settle time.Duration
	// Sweep is how often expired items are looked for; 0 means 2 s.
	Sweep time.Duration
	FS    vfs.FS // nil means the disk
}

const (
	defaultSettle = 100 * time.Millisecond
	defaultSweep  = 2 * time.Second

	memtableSize = 16 << 20
	cacheSize    = 64 << 20
	stripes      = 1024 // locks of items
)

// Engine holds the tables of one directory. Its methods may be called by many goroutines.
type Engine struct {
	db    *pebble.DB
	disk  *disk
	late  sync.WaitGroup // commits that nobody may be waiting for any more
	o     Options
	sync  *pebble.WriteOptions
	locks [stripes]sync.Mutex // by item; a transaction takes several, in ascending order

	admin  sync.Mutex // changes of definitions, one at a time
	tables atomic.Pointer[map[string]*Table]
	next   uint32 // the last table number given; guarded by admin

	commits atomic.Int64
	warmed  bool          // used by Run alone
	wake    chan struct{} // something is due for Run
	changed chan struct{} // closed and replaced when a table's status changes
	watch   sync.Mutex    // guards changed
}

// Table is a table that items can be asked of. A handle stays valid: once the table is deleted, it answers NotFound.
type Table struct {
	e   *Engine
	def atomic.Pointer[Definition]
	// gate is held for reading by every write from looking at the definition until its batch is applied, and taken for writing to
	// change the definition, so that no write goes by an older definition after the change.
	gate     sync.RWMutex
	counts   map[uint16]*counter // 0 is the table's; replaced under gate, never changed
	sequence *sequencer
}

// Def returns the table's definition at this moment.
func (t *Table) Def() *Definition { return t.def.Load() }

// Open opens the tables in o.Dir, or makes an empty directory of tables there. It starts nothing of its own: Run does.
func Open(o Options) (*Engine, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Settle == 0 {
		o.Settle = defaultSettle
	}
	if o.Sweep == 0 {
		o.Sweep = defaultSweep
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{o: o, sync: pebble.Sync, wake: make(chan struct{}, 1), changed: make(chan struct{})}
	if o.Relaxed {
		e.sync = pebble.NoSync
	}
	if o.FS == nil {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("open tables: %w", err)
		}
	}
	if e.disk = (&disk{FS: o.FS}); o.FS == nil {
		e.disk.FS = vfs.Default
	}
	e.disk.look(o.Dir)
	db, err := pebble.Open(filepath.Clean(o.Dir), pebbleOptions(o, e.disk))
	if err != nil {
		return nil, fmt.Errorf("open tables in %s: %w", o.Dir, err)
	}
	e.db = db
	if err := e.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("read tables in %s: %w", o.Dir, err), db.Close())
	}
	return e, nil
}

func pebbleOptions(o Options, fs vfs.FS) *pebble.Options {
	p := &pebble.Options{
		CacheSize:                   cacheSize,
		MemTableSize:                memtableSize,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       2,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               64 << 20,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		Merger:                      newMerger(),
		Logger:                      pebbleLog{o.Log},
		FormatMajorVersion:          pebble.FormatNewest,
	}
	p.FS = fs
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return p
}

// load reads the definitions and counters.
func (e *Engine) load() error {
	tables := make(map[string]*Table)
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: []byte{definitionKey}, UpperBound: []byte{definitionKey + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		d := new(Definition)
		if err := json.Unmarshal(it.Value(), d); err != nil {
			return fmt.Errorf("definition %x: %w", it.Key(), err)
		}
		t, err := e.newTable(d)
		if err != nil {
			return err
		}
		tables[d.Name] = t
		e.next = max(e.next, d.ID)
	}
	e.tables.Store(&tables)
	return it.Error()
}

func (e *Engine) newTable(d *Definition) (*Table, error) {
	t := &Table{e: e, counts: make(map[uint16]*counter)}
	ids := []uint16{0}
	for _, x := range d.Indexes {
		ids = append(ids, x.ID)
	}
	for _, id := range ids {
		items, bytes, err := readCounter(e.db, d.ID, id)
		if err != nil {
			return nil, fmt.Errorf("counter of table %s: %w", d.Name, err)
		}
		c := new(counter)
		c.add(items, bytes)
		t.counts[id] = c
	}
	last, err := e.lastSequence(d)
	if err != nil {
		return nil, err
	}
	t.sequence = newSequencer(last)
	t.def.Store(d)
	return t, nil
}

// Close closes the tables. Run must have returned, and no other call be under way. On a full disk the files stay open, and the next
// Open finds what was acknowledged in the log.
func (e *Engine) Close() error {
	if e.disk.full() {
		return errFull()
	}
	e.late.Wait()
	return e.db.Close()
}

// Run does what is due in the background: it settles the status of tables, writes the entries of new indexes, deletes expired
// items and forgets old stream records. It returns when ctx ends and everything that it began has.
func (e *Engine) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var swept time.Time
	for {
		if !e.warmed && e.commits.Load() >= warmAfter {
			if e.warmed = true; !e.disk.low.Load() {
				e.warm()
			}
		}
		if e.disk.full() { // what is due must write
			timer.Reset(retryEvery)
			select {
			case <-ctx.Done():
				return nil
			case <-timer.C:
			}
			continue
		}
		next := e.settle(ctx)
		if now := time.Now(); now.Sub(swept) >= e.o.Sweep {
			e.disk.look(e.o.Dir)
			e.sweep(ctx)
			if e.o.Relaxed {
				_ = e.db.LogData(nil, pebble.Sync) // so that no more than the writes of one interval are at risk
			}
			swept = now
		}
		timer.Reset(min(next, e.o.Sweep))
		select {
		case <-ctx.Done():
			return nil
		case <-e.wake:
		case <-timer.C:
		}
	}
}

const (
	// warmAfter is how many commits show that the store is in earnest use.
	warmAfter = 1000
	// logSize is how much of a log is written before it is put aside, in bytes: some more than a memtable's records take.
	logSize = memtableSize + 2<<20
)

// warm gives the store a log file that is as long as it will need. Pebble uses old logs again, and a sync of a file that need not
// grow takes half the time (measured: 0.22 ms instead of 0.52); without this, that begins after 16 MB of writes.
func (e *Engine) warm() {
	filler := make([]byte, 1<<20)
	for written := 0; written < logSize; written += len(filler) {
		if err := e.db.LogData(filler, pebble.NoSync); err != nil {
			return // whoever writes next is told
		}
	}
	for range 2 { // the long log is put aside, then taken up again
		if err := e.db.Set([]byte{warmKey}, nil, pebble.NoSync); err != nil {
			return
		}
		if err := e.db.Flush(); err != nil {
			return
		}
	}
}

// Table returns the table called name, whose items may be read and written. Errors: NotFound, also while it is created or
// deleted.
func (e *Engine) Table(name string) (*Table, error) {
	t := (*e.tables.Load())[name]
	if t == nil || !t.Def().usable() {
		return nil, errNotFound()
	}
	return t, nil
}

// find returns the table called name in any status, or nil.
func (e *Engine) find(name string) *Table { return (*e.tables.Load())[name] }

// Names returns the names of all tables, sorted.
func (e *Engine) Names() []string {
	tables := *e.tables.Load()
	names := make([]string, 0, len(tables))
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// poke makes Run look at what is due.
func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// pebbleLog passes on what Pebble says; its reports of routine work are debug lines.
type pebbleLog struct{ log *slog.Logger }

func (l pebbleLog) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("tables: " + strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

func (l pebbleLog) Errorf(format string, args ...any) {
	l.log.Error("tables: " + strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// Fatalf is called when the log or the manifest cannot be written: nothing can be promised any more, so the process ends.
func (l pebbleLog) Fatalf(format string, args ...any) {
	text := "tables: " + strings.TrimSpace(fmt.Sprintf(format, args...))
	l.log.Error(text)
	panic(text)
}
