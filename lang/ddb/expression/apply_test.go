package expression_test

import (
	"strings"
	"testing"

	"github.com/sockgate/sockgate/lang/ddb/number"
)

const (
	errPath    = "The document path provided in the update expression is invalid for update"
	errOperand = "An operand in the update expression has an incorrect data type"
	errAbsent  = "The provided expression refers to an attribute that does not exist in the item"
)

func TestApply(t *testing.T) {
	const item = `{"a":{"S":"k"},"n":{"N":"10"},"ss":{"SS":["1"]},"l":{"L":[{"S":"a"},{"S":"b"},{"S":"c"}]},"m":{"M":{"x":{"N":"1"},"l":{"L":[{"N":"0"}]}}}}`
	deep := `{":v":` + strings.Repeat(`{"M":{"n":`, 31) + `{"S":"leaf"}` + strings.Repeat("}}", 31) + "}"
	for _, c := range []struct {
		name, text, values string
		want               string // of what the update touches, before => after; or an error
	}{
		{"set new", "set v = :v", `{":v":{"S":"x"}}`, `{} => {"v":{"S":"x"}}`},
		{"set old", "set n = :v", `{":v":{"S":"x"}}`, `{"n":{"N":"10"}} => {"n":{"S":"x"}}`},
		{"add up", "set n = n + :v", `{":v":{"N":"0.5"}}`, `{"n":{"N":"10"}} => {"n":{"N":"10.5"}}`},
		{"subtract", "set n = (:v - n)", `{":v":{"N":"1"}}`, `{"n":{"N":"10"}} => {"n":{"N":"-9"}}`},
		{"swap", "set n = ss, ss = n", "", `{"n":{"N":"10"},"ss":{"SS":["1"]}} => {"n":{"SS":["1"]},"ss":{"N":"10"}}`},
		{"if not there", "set c = if_not_exists(c, :v) + :v", `{":v":{"N":"1"}}`, `{} => {"c":{"N":"2"}}`},
		{"if there", "set n = if_not_exists(n, :v) + :v", `{":v":{"N":"1"}}`, `{"n":{"N":"10"}} => {"n":{"N":"11"}}`},
		{"append", "set l = list_append(:v, if_not_exists(zz, l))", `{":v":{"L":[{"NULL":true}]}}`,
			`{"l":{"L":[{"S":"a"},{"S":"b"},{"S":"c"}]}} => {"l":{"L":[{"NULL":true},{"S":"a"},{"S":"b"},{"S":"c"}]}}`},
		{"nested", "set m.x = m.x + :v, m.y = n", `{":v":{"N":"1"}}`, `{"m":{"M":{"x":{"N":"1"}}}} => {"m":{"M":{"x":{"N":"2"},"y":{"N":"10"}}}}`},
		{"element", "set l[1] = :v", `{":v":{"S":"x"}}`, `{"l":{"L":[{"S":"b"}]}} => {"l":{"L":[{"S":"x"}]}}`},
		{"beyond the end", "set m.l[5] = :v, m.l[3] = n", `{":v":{"S":"x"}}`, `{} => {}`},
		{"remove", "remove n, zz", "", `{"n":{"N":"10"}} => {}`},
		{"remove elements", "remove l[0], l[2], l[9]", "", `{"l":{"L":[{"S":"a"},{"S":"c"}]}} => {"l":{"L":[{"S":"b"}]}}`},
		{"remove member", "remove m.x, m.zz", "", `{"m":{"M":{"x":{"N":"1"}}}} => {}`},
		{"add number", "add n :v, c :v", `{":v":{"N":"3"}}`, `{"n":{"N":"10"}} => {"c":{"N":"3"},"n":{"N":"13"}}`},
		{"add members", "add ss :v", `{":v":{"SS":["2","1"]}}`, `{"ss":{"SS":["1"]}} => {"ss":{"SS":["1","2"]}}`},
		{"new set", "add m.s :v", `{":v":{"SS":["2","1"]}}`, `{} => {"m":{"M":{"s":{"SS":["2","1"]}}}}`},
		{"delete members", "delete ss :v", `{":v":{"SS":["2","1"]}}`, `{"ss":{"SS":["1"]}} => {}`},
		{"delete others", "delete ss :v", `{":v":{"SS":["2"]}}`, `{"ss":{"SS":["1"]}} => {"ss":{"SS":["1"]}}`},
		{"delete from nothing", "delete zz :v", `{":v":{"SS":["2"]}}`, `{} => {}`},
		{"all sections", "remove n set v = n add c :v delete ss :w", `{":v":{"N":"1"},":w":{"SS":["1"]}}`, `{"n":{"N":"10"},"ss":{"SS":["1"]}} => {"c":{"N":"1"},"v":{"N":"10"}}`},

		{"absent operand", "set v = zz", "", errAbsent},
		{"absent in sum", "set v = zz + :v", `{":v":{"N":"1"}}`, errAbsent},
		{"absent in append", "set v = list_append(zz, l)", "", errAbsent},
		{"operand before path", "set zz.a = zz", "", errAbsent},
		{"sum of a string", "set v = a + :v", `{":v":{"N":"1"}}`, errOperand},
		{"append to a set", "set v = list_append(ss, if_not_exists(f, :v))", `{":v":{"L":[]}}`, errOperand},
		{"add to a set", "add ss :v", `{":v":{"N":"1"}}`, errOperand},
		{"delete of another type", "delete ss :v", `{":v":{"NS":["1"]}}`, errOperand},
		{"overflow", "set v = :v + :v", `{":v":{"N":"9.9e125"}}`, number.ErrOverflow.Message},
		{"too precise", "add n :v", `{":v":{"N":"1e-50"}}`, number.ErrOverflow.Message},
		{"no parent", "set zz.a = n", "", errPath},
		{"index of nothing", "set zz[1] = n", "", errPath},
		{"index of a map", "set m[1] = n", "", errPath},
		{"member of a list", "set l.a = n", "", errPath},
		{"member of a string", "remove a.b", "", errPath},
		{"removal from nothing", "remove zz[1]", "", errPath},
		{"too deep", "set m.x = :v", deep, "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := bind(t, "update", c.text, "", c.values)
			if err != nil {
				t.Fatal(err)
			}
			before := decode(t, item)
			after, err := b.Update.Apply(before)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = string(b.Update.Touched(before).AppendJSON(nil)) + " => " + string(b.Update.Touched(after).AppendJSON(nil))
			}
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if !before.Equal(decode(t, item)) {
				t.Error("the item before was changed")
			}
		})
	}
}

func TestApplyBeyondTheEnd(t *testing.T) {
	b, err := bind(t, "update", "set l[9] = :v, l[5] = :w remove l[0]", "", `{":v":{"S":"9"},":w":{"S":"5"}}`)
	if err != nil {
		t.Fatal(err)
	}
	after, err := b.Update.Apply(decode(t, `{"l":{"L":[{"S":"0"},{"S":"1"}]}}`))
	if want := `{"l":{"L":[{"S":"1"},{"S":"5"},{"S":"9"}]}}`; err != nil || string(after.AppendJSON(nil)) != want {
		t.Errorf("%s, %v", after.AppendJSON(nil), err)
	}
}

func TestActions(t *testing.T) {
	b, err := bind(t, "update", "set a = :n, b = b + :n, c = if_not_exists(c, :n), d.e = f remove g add h :n", "", `{":n":{"N":"1"}}`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range b.Update.Actions() {
		s := a.Path.String() + a.Kind.String()
		if a.Remove {
			s += "-"
		}
		got = append(got, s)
	}
	if s := strings.Join(got, " "); s != "[a]N [b]N [c]N [d, e] [g]- [h]N" {
		t.Error(s)
	}
}
