package table_test

import (
	"strings"
	"testing"

	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

// scanned returns the keys of a segment in the order in which a scan meets them.
func scanned(t *testing.T, tb *table.Table, segment, total int) []string {
	t.Helper()
	var keys []string
	if err := tb.Walk(tb.Def().All(nil, segment, total), func(stored []byte, _ int) (bool, error) {
		it, err := value.ReadStored(string(stored))
		v, _ := it.Get("h")
		keys = append(keys, v.Text())
		return true, err
	}); err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestScanOrder pins how keys are spread, with the orders that dynalite's tests have from Amazon, and that segments are parts.
func TestScanOrder(t *testing.T) {
	e := open(t, table.Options{Relaxed: true})
	for name, test := range map[string]struct {
		kind     value.Kind
		order    string
		segments map[string]int // of 4096
	}{
		"text":   {value.S, "2 8 9 1 6 hello 0 5 4 äáöü aardman 7 3 zapf", map[string]int{"3635": 0, "228": 0, "1668": 1, "3435": 4}},
		"number": {value.N, "7 999.9 8 3 2 -999.9 9 4 -0.09 6 1 0 0.012345 5", map[string]int{"251": 1, "2388": 4095}},
	} {
		t.Run(name, func(t *testing.T) {
			tb := create(t, e, &table.Definition{Name: name, Billing: table.PayPerRequest, Attributes: []table.Attribute{{Name: "h", Kind: test.kind}}, Key: table.Key{Hash: "h"}})
			put := func(key string) {
				t.Helper()
				v := value.String(key)
				if test.kind == value.N {
					var err error
					if v, err = value.Number(key); err != nil {
						t.Fatal(err)
					}
				}
				if err := e.Write(&table.Write{Table: tb, Item: value.Item{{Name: "h", Value: v}}}); err != nil {
					t.Fatal(err)
				}
			}
			for key := range strings.FieldsSeq(test.order) {
				put(key)
			}
			if got := strings.Join(scanned(t, tb, 0, 1), " "); got != test.order {
				t.Errorf("the order is %s, not %s", got, test.order)
			}
			for key, segment := range test.segments {
				put(key)
				if got := scanned(t, tb, segment, 4096); !strings.Contains(" "+strings.Join(got, " ")+" ", " "+key+" ") {
					t.Errorf("segment %d has %v, not %s", segment, got, key)
				}
			}
			for _, total := range []int{2, 3, 7, 5000} {
				n := 0
				for segment := range total {
					n += len(scanned(t, tb, segment, total))
				}
				if want := 14 + len(test.segments); n != want {
					t.Errorf("%d segments hold %d keys, not %d", total, n, want)
				}
			}
		})
	}
}
