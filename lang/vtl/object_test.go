package vtl_test

import (
	"strings"
	"testing"

	"github.com/sockgate/sockgate/lang/vtl"
)

// table is an Object that is a map too, with a method of its own.
type table map[string]string

func (o table) Property(name string) (any, bool) { v, ok := o[name]; return v, ok }

func (o table) Call(method string, args []any) (any, error) {
	if method == "take" {
		return "", nil
	}
	return nil, nil
}

func (o table) Map() *vtl.Map {
	m := &vtl.Map{}
	for name, v := range o {
		m.Set(name, v)
	}
	return m
}

func (o table) String() string { return vtl.Text(o.Map()) }

func renderTable(t *testing.T, template string) (string, error) {
	t.Helper()
	compiled, err := vtl.Compile("t", template)
	if err != nil {
		t.Fatal(err)
	}
	out, err := compiled.Render(map[string]any{"o": table{"k": "v"}}, vtl.Limits{})
	return string(out), err
}

func TestTable(t *testing.T) {
	const template = `$o $o.k $o['k'] $o.get('k') $o.keySet() $o.size() $o.containsKey('k') #foreach($v in $o)$v#end [$o.take()] $o.none() #set($o.x = 1)$o.x [$o]`
	const want = `{k=v} v v v [k] 1 true v [] $o.none()$o.x [{k=v}]`
	if got, err := renderTable(t, template); got != want || err != nil {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

// What an Object does with a text takes time that only its length tells.
func TestTextsForObjectsCount(t *testing.T) {
	text := strings.Repeat("x", 100_000)
	if _, err := renderTable(t, `#set($s = "`+text+`")#foreach($i in [1..20])$o.take($s)#end`); err != nil {
		t.Errorf("twenty times: %v", err)
	}
	if _, err := renderTable(t, `#set($s = "`+text+`")#foreach($i in [1..1000])$o.take($s)#end`); err == nil || !strings.Contains(err.Error(), "steps") {
		t.Errorf("a thousand times: %v", err)
	}
}
