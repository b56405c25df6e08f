package expression_test

import (
	"fmt"

	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

func Example() {
	cache := expression.NewCache(1000) // one for the process
	update, condition := "SET visits = visits + :one", "attribute_exists(visits)"
	bound, err := cache.Bind(expression.Texts{
		Update:    &update,
		Condition: &condition,
		Values:    value.Item{}.With(":one", value.Integer(1)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	item := value.Item{}.With("pk", value.String("a")).With("visits", value.Integer(41))
	if bound.Condition.Match(item) {
		after, err := bound.Update.Apply(item)
		fmt.Println(string(after.AppendJSON(nil)), err)
	}
	// Output: {"pk":{"S":"a"},"visits":{"N":"42"}} <nil>
}
