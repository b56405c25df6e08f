package table_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

// step is what a client asked of one item: to read it, or to set it from one value to another.
type step struct {
	key      int
	read     bool
	from, to int // from -1: only if it is not there
}

// outcome is what it was told: the value read (-1: not there), or whether the condition held.
type outcome struct {
	value int
	held  bool
}

// register is what one item should be: a value that a condition compares and swaps.
var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[int][]porcupine.Operation{}
		for _, o := range history {
			k := o.Input.(step).key
			byKey[k] = append(byKey[k], o)
		}
		var parts [][]porcupine.Operation
		for _, p := range byKey {
			parts = append(parts, p)
		}
		return parts
	},
	Init: func() any { return -1 },
	Step: func(state, input, output any) (bool, any) {
		is, in, out := state.(int), input.(step), output.(outcome)
		if in.read {
			return out.value == is, is
		}
		if is == in.from {
			return out.held, in.to
		}
		return !out.held, is
	},
}

// TestLinearizable: conditional updates of a few items by many clients, with reads between them, have one order that explains all
// answers.
func TestLinearizable(t *testing.T) {
	for _, relaxed := range []bool{true, false} {
		t.Run(fmt.Sprintf("relaxed %v", relaxed), func(t *testing.T) {
			e := open(t, table.Options{Relaxed: relaxed})
			d := definition("t")
			tb := create(t, e, d)
			var mu sync.Mutex
			var history []porcupine.Operation
			var wg sync.WaitGroup
			begin := time.Now()
			cache := expression.NewCache(10)
			for client := range 8 {
				wg.Go(func() {
					random := rand.New(rand.NewPCG(7, uint64(client)))
					for range 100 {
						in := step{key: random.IntN(3), read: random.IntN(3) == 0, from: random.IntN(4) - 1, to: random.IntN(3)}
						o := porcupine.Operation{ClientId: client, Input: in, Call: int64(time.Since(begin))}
						out, err := do(e, tb, cache, in)
						if err != nil {
							t.Error(err)
							return
						}
						o.Output, o.Return = out, int64(time.Since(begin))
						mu.Lock()
						history = append(history, o)
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if r := porcupine.CheckOperationsTimeout(register, history, 30*time.Second); r != porcupine.Ok {
				t.Errorf("the history is %s", r)
			}
			sound(t, e)
		})
	}
}

func do(e *table.Engine, tb *table.Table, cache *expression.Cache, in step) (outcome, error) {
	key := fields("h", "k", "r", in.key)
	if in.read {
		out := outcome{value: -1}
		err := tb.Get(key, func(stored []byte, _ int) error {
			it, err := value.ReadStored(string(stored))
			v, _ := it.Get("v")
			_, scanErr := fmt.Sscan(v.Text(), &out.value)
			return errors.Join(err, scanErr)
		})
		return out, err
	}
	update, cond := "SET v = :to, g = :g", "v = :from"
	values := fields(":to", in.to, ":g", fmt.Sprint(in.to), ":from", in.from)
	if in.from < 0 {
		cond, values = "attribute_not_exists(v)", values.Without(":from")
	}
	b, err := cache.Bind(expression.Texts{Update: &update, Condition: &cond, Values: values})
	if err != nil {
		return outcome{}, err
	}
	err = e.Write(&table.Write{Table: tb, Op: table.Update, Item: key, Update: b.Update, Condition: b.Condition})
	if _, failed := errors.AsType[*table.ConditionFailed](err); failed {
		return outcome{}, nil
	}
	return outcome{held: true}, err
}
