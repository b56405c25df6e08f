package table_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

// open opens an engine and runs it until the test ends.
func open(t testing.TB, o table.Options) *table.Engine {
	t.Helper()
	e, stop := run(t, o)
	t.Cleanup(stop)
	return e
}

func run(t testing.TB, o table.Options) (*table.Engine, func()) {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Settle == 0 {
		o.Settle = time.Millisecond
	}
	e, err := table.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	return e, func() {
		cancel()
		if err := errors.Join(<-done, e.Close()); err != nil {
			t.Error(err)
		}
	}
}

// definition is a table with a range key, one local and one global index, and a stream.
func definition(name string) *table.Definition {
	return &table.Definition{
		Name: name, Billing: table.PayPerRequest,
		Attributes: []table.Attribute{{Name: "h", Kind: value.S}, {Name: "r", Kind: value.N}, {Name: "l", Kind: value.S}, {Name: "g", Kind: value.S}},
		Key:        table.Key{Hash: "h", Range: "r"},
		Indexes: []table.Index{
			{Name: "local", Key: table.Key{Hash: "h", Range: "l"}, Projection: "KEYS_ONLY"},
			{Name: "global", Global: true, Key: table.Key{Hash: "g"}, Projection: "ALL"},
		},
		Streams: []table.Stream{{View: "NEW_AND_OLD_IMAGES"}},
	}
}

func create(t testing.TB, e *table.Engine, d *table.Definition) *table.Table {
	t.Helper()
	if _, err := e.Create(d); err != nil {
		t.Fatal(err)
	}
	return active(t, e, d.Name)
}

func active(t testing.TB, e *table.Engine, name string) *table.Table {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		d, err := e.Describe(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if d.Status == table.Active {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the table is %s", d.Status)
		}
		time.Sleep(time.Millisecond)
	}
	tb, err := e.Table(name)
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func fields(pairs ...any) value.Item {
	var fs []value.Field
	for i := 0; i < len(pairs); i += 2 {
		v := value.Value{}
		switch x := pairs[i+1].(type) {
		case string:
			v = value.String(x)
		case int:
			v = value.Integer(int64(x))
		}
		fs = append(fs, value.Field{Name: pairs[i].(string), Value: v})
	}
	return value.MakeItem(fs)
}

func get(t testing.TB, tb *table.Table, key value.Item) value.Item {
	t.Helper()
	var it value.Item
	err := tb.Get(key, func(stored []byte, _ int) (err error) {
		it, err = value.ReadStored(string(stored))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func sound(t testing.TB, e *table.Engine) {
	t.Helper()
	if _, err := e.Check(t.Context(), func(name, problem string) { t.Errorf("%s: %s", name, problem) }); err != nil {
		t.Fatal(err)
	}
}

// TestRandomWrites: whatever is written in whatever order, the indexes, counters, expiry and streams agree with the items, also after a
// restart.
func TestRandomWrites(t *testing.T) {
	o := table.Options{Dir: t.TempDir(), Relaxed: true}
	e, stop := run(t, o)
	tb := create(t, e, definition("t"))
	if _, err := e.Change("t", func(d *table.Definition) error {
		d.Expiry = table.Expiry{Attribute: "x", Enabled: true}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	model := map[string]value.Item{}
	for range 3000 {
		key := fields("h", fmt.Sprint(random.IntN(5)), "r", random.IntN(30)-15)
		w := &table.Write{Table: tb, Op: table.Delete, Item: key}
		name := string(key.AppendStored(nil))
		delete(model, name)
		if random.IntN(3) > 0 {
			it := key
			for _, attribute := range []string{"l", "g", "z"} {
				if random.IntN(2) == 0 {
					it = it.With(attribute, value.String(fmt.Sprint(random.IntN(4))))
				}
			}
			if random.IntN(4) == 0 {
				it = it.With("x", value.Integer(time.Now().Unix()+int64(1000+random.IntN(10))))
			}
			w.Op, w.Item = table.Put, it
			model[name] = it
		}
		if err := e.Write(w); err != nil {
			t.Fatal(err)
		}
	}
	verify := func(e *table.Engine) {
		t.Helper()
		sound(t, e)
		tb := active(t, e, "t")
		items, _ := e.Counts(tb.Def(), 0)
		if int(items) != len(model) {
			t.Errorf("%d items are counted, of %d", items, len(model))
		}
		for _, want := range model {
			if got := get(t, tb, tb.Def().KeyOf(want)); !value.Equal(value.Map(got), value.Map(want)) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	}
	verify(e)
	stop()
	e = open(t, o)
	verify(e)
}

// TestNewIndex: an index that is made of items that are there, while they change, is whole in the end.
func TestNewIndex(t *testing.T) {
	e := open(t, table.Options{Relaxed: true})
	d := definition("t")
	d.Indexes = d.Indexes[:1]
	d.Attributes = d.Attributes[:3]
	tb := create(t, e, d)
	for i := range 3000 {
		if err := e.Write(&table.Write{Table: tb, Item: fields("h", fmt.Sprint(i%7), "r", i, "g", fmt.Sprint(i%3))}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Change("t", func(d *table.Definition) error {
		d.Attributes = append(d.Attributes, table.Attribute{Name: "g", Kind: value.S})
		d.NewIndex(table.Index{Name: "global", Key: table.Key{Hash: "g"}, Projection: "ALL"})
		e.Settling(d)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		w := &table.Write{Table: tb, Op: table.Delete, Item: fields("h", fmt.Sprint(i%7), "r", i)}
		if i%3 != 0 {
			w.Op, w.Item = table.Put, w.Item.With("g", value.String(fmt.Sprint(i%5)))
		}
		if err := e.Write(w); err != nil {
			t.Fatal(err)
		}
	}
	tb = active(t, e, "t")
	sound(t, e)
	if items, _ := e.Counts(tb.Def(), tb.Def().Index("global").ID); items != 2000 {
		t.Errorf("the index counts %d entries, not 2000", items)
	}
	if _, err := e.Change("t", func(d *table.Definition) error {
		d.Index("global").Status = table.Deleting
		e.Settling(d)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if tb = active(t, e, "t"); tb.Def().Index("global") != nil {
		t.Error("the index is still there")
	}
	sound(t, e)
}

// TestExpiry: items are deleted when their time has come, and the stream says by whom.
func TestExpiry(t *testing.T) {
	now := time.Now()
	e := open(t, table.Options{Relaxed: true, Sweep: time.Millisecond, Clock: func() time.Time { return now }})
	tb := create(t, e, definition("t"))
	put := func(r int, expires int64) {
		it := fields("h", "a", "r", r).With("x", value.Integer(expires))
		if err := e.Write(&table.Write{Table: tb, Item: it}); err != nil {
			t.Fatal(err)
		}
	}
	put(1, now.Unix()-10)             // before it was switched on
	put(2, now.Unix()+1000)           // later
	put(3, now.Unix()-6*365*24*60*60) // too long ago to be meant
	if _, err := e.Change("t", func(d *table.Definition) error {
		d.Expiry = table.Expiry{Attribute: "x", Enabled: true}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	put(4, now.Unix()-1)
	deadline := time.Now().Add(10 * time.Second)
	for {
		if items, _ := e.Counts(tb.Def(), 0); items == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing expires")
		}
		time.Sleep(time.Millisecond)
	}
	for r, there := range map[int]bool{1: false, 2: true, 3: true, 4: false} {
		if got := get(t, tb, fields("h", "a", "r", r)) != nil; got != there {
			t.Errorf("item %d is there: %v", r, got)
		}
	}
	rs, _, err := tb.Records(tb.Def().Stream(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	expired := 0
	for _, r := range rs {
		if r.Expired {
			expired++
			if r.Event != table.Remove || r.Old == nil {
				t.Errorf("%+v", r)
			}
		}
	}
	if expired != 2 {
		t.Errorf("%d records of expiry, not 2", expired)
	}
	sound(t, e)
}

// TestTransactions: concurrent transfers between a few accounts lose nothing, and readers see all of a transaction or nothing.
func TestTransactions(t *testing.T) {
	e := open(t, table.Options{Relaxed: true})
	d := definition("t")
	d.Attributes, d.Key, d.Indexes = d.Attributes[:1], table.Key{Hash: "h"}, nil
	tb := create(t, e, d)
	cache := expression.NewCache(10)
	add := func(account string, by int) *table.Write {
		text := "ADD v :v"
		b, err := cache.Bind(expression.Texts{Update: &text, Values: fields(":v", by)})
		if err != nil {
			t.Error(err)
		}
		return &table.Write{Table: tb, Op: table.Update, Item: fields("h", account), Update: b.Update}
	}
	stop := make(chan struct{})
	done := make(chan error, 5)
	for i := range 4 {
		go func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range 200 {
				a, b := random.IntN(4), random.IntN(4)
				if a == b {
					continue
				}
				if _, err := e.Transact([]*table.Write{add(fmt.Sprint(a), -1), add(fmt.Sprint(b), 1)}, nil); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	reader := make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				reader <- nil
				return
			default:
			}
			if sum, err := total(e, tb); err != nil || sum != 0 {
				reader <- fmt.Errorf("a reader sees the sum %d, %w", sum, err)
				return
			}
		}
	}()
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-reader; err != nil {
		t.Error(err)
	}
	sound(t, e)
}

func total(e *table.Engine, tb *table.Table) (sum int, err error) {
	s := e.Snapshot()
	defer s.Close()
	for i := range 4 {
		err := s.Get(tb, fields("h", fmt.Sprint(i)), func(stored []byte, _ int) error {
			it, err := value.ReadStored(string(stored))
			v, _ := it.Get("v")
			var n int
			fmt.Sscan(v.Text(), &n)
			sum += n
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// TestToken: a transaction with a token is carried out once, for ten minutes, over a restart.
func TestToken(t *testing.T) {
	var ahead atomic.Int64
	o := table.Options{Dir: t.TempDir(), Clock: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}
	e, stop := run(t, o)
	create(t, e, definition("t"))
	transact := func(digest byte) (bool, error) {
		tb, err := e.Table("t")
		if err != nil {
			t.Fatal(err)
		}
		return e.Transact([]*table.Write{{Table: tb, Item: fields("h", "a", "r", 1)}}, &table.Token{Text: "x", Digest: [32]byte{digest}})
	}
	if done, err := transact(1); done || err != nil {
		t.Fatal(done, err)
	}
	stop()
	e = open(t, o)
	active(t, e, "t")
	if done, err := transact(1); !done || err != nil {
		t.Error("again:", done, err)
	}
	if _, err := transact(2); !errors.Is(err, table.TokenReused{}) {
		t.Error("another:", err)
	}
	ahead.Store(int64(11 * time.Minute))
	if done, err := transact(2); done || err != nil {
		t.Error("later:", done, err)
	}
}

func TestLifecycle(t *testing.T) {
	e := open(t, table.Options{Settle: 20 * time.Millisecond})
	if _, err := e.Create(definition("t")); err != nil {
		t.Fatal(err)
	}
	var inUse *table.InUse
	if _, err := e.Create(definition("t")); !errors.As(err, &inUse) || err.Error() != "Table already exists: t" {
		t.Error("created twice:", err)
	}
	if _, err := e.Delete("t"); !errors.As(err, &inUse) {
		t.Error("deleted while it is created:", err)
	}
	if _, err := e.Table("t"); sockgate.KindOf(err) != sockgate.NotFound {
		t.Error("used while it is created:", err)
	}
	tb := active(t, e, "t")
	if err := e.Write(&table.Write{Table: tb, Item: fields("h", "a", "r", 1)}); err != nil {
		t.Error(err)
	}
	if _, err := e.Delete("t"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Describe(t.Context(), "t"); sockgate.KindOf(err) != sockgate.NotFound {
		t.Error("after its deletion:", err)
	}
	if err := e.Write(&table.Write{Table: tb, Item: fields("h", "a", "r", 1)}); sockgate.KindOf(err) != sockgate.NotFound {
		t.Error("written to after its deletion:", err)
	}
	again := create(t, e, definition("t"))
	if items, _ := e.Counts(again.Def(), 0); items != 0 || get(t, again, fields("h", "a", "r", 1)) != nil {
		t.Error("the new table has the old one's item")
	}
}
