package expression_test

import (
	"testing"

	"github.com/sockgate/sockgate/lang/ddb/expression"
)

func FuzzBind(f *testing.F) {
	for _, s := range []string{
		"a = :a AND (b.c[1] <> :b OR NOT contains(#a, :a))", "a between :a and :b", "a IN (:a, size(b))", "((a)).b = :a",
		"SET a = if_not_exists(a, :b) + :b, b.c[0] = list_append(:l, d) REMOVE e[1] ADD f :b DELETE g :s", "a.b, c[1], #a", "", "(", "a = #", "ü",
	} {
		f.Add(s)
	}
	names := map[string]string{"#a": "a", "#b": "b"}
	f.Fuzz(func(t *testing.T, text string) {
		item := decode(t, sample)
		vals := decode(t, `{":a":{"S":"a"},":b":{"N":"1"},":l":{"L":[]},":s":{"SS":["a"]}}`)
		for _, in := range []expression.Texts{{Condition: &text}, {Update: &text}, {Projection: &text}, {KeyCondition: &text}} {
			// Unused parameters are an error, so each is tried with as many as it uses: none, and all of them mentioned.
			for _, with := range []bool{false, true} {
				if with {
					in.Names, in.Values = names, vals
					filter := "attribute_exists(#a.x) AND attribute_exists(#b.x) AND size(:l) > y AND contains(x, :s) AND contains(x, :a) AND x = :b"
					filter = "contains(w, :l) AND " + filter
					in.Filter = &filter
				}
				b, err := expression.NewCache(2).Bind(in)
				if err != nil {
					continue
				}
				b.Condition.Match(item)
				b.Filter.Match(item)
				b.Projection.Project(item)
				if after, err := b.Update.Apply(item); err == nil && b.Update != nil {
					b.Update.Touched(after)
				}
				if string(item.AppendJSON(nil)) != string(decode(t, sample).AppendJSON(nil)) {
					t.Fatal("the item was changed")
				}
			}
		}
	})
}
