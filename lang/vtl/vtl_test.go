package vtl_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/sockgate/sockgate/lang/jsonvalue"
	"github.com/sockgate/sockgate/lang/vtl"
)

// input stands for the Objects of a gateway.
type input struct{}

func (input) Property(name string) (any, bool) {
	if name == "body" {
		return "payload", true
	}
	return nil, false
}

var errInput = errors.New("that cannot be")

func (input) Call(method string, args []any) (any, error) {
	switch method {
	case "echo":
		return args[0], nil
	case "nothing":
		return vtl.Blank{}, nil
	case "fail":
		return nil, errInput
	}
	return nil, nil
}

func (input) String() string { return "INPUT" }

func TestObjects(t *testing.T) {
	headers := &vtl.Map{}
	headers.Set("X", "1")
	vars := map[string]any{"input": input{}, "headers": headers, "list": &vtl.List{Items: []any{1, "b", nil}}, "none": nil, "i32": int32(3), "f": 2.0}
	for _, c := range []struct{ name, template, want string }{
		{"an object prints itself", `$input`, "INPUT"},
		{"property", `$input.body ${input.body}`, "payload payload"},
		{"index is a property", `$input["body"]$input['nope']`, "payload$input['nope']"},
		{"no property", `$input.nope $!input.nope|`, "$input.nope |"},
		{"method", `$input.echo("a").length()`, "1"},
		{"arguments are values", `$input.echo([1, {"a":$input}])`, "[1, {a=INPUT}]"},
		{"no method", `$input.nope()`, "$input.nope()"},
		{"blank prints nothing", `[$input.nothing()][$input.nothing().x]`, "[][$input.nothing().x]"},
		{"blank is null", `#if($input.nothing())y#else n#end#if($input.nothing() == $undefined)y#end`, " ny"},
		{"blank does not assign", `#set($a = 1)#set($a = $input.nothing())$a`, "1"},
		{"a block is a text to an object", `#define($b)x$input.body#end$input.echo($b).length()`, "8"},
		{"maps of the caller", `$headers $headers.X $headers.get("X") $headers.nope`, "{X=1} 1 1 $headers.nope"},
		{"lists of the caller", `$list $list[0] $list.get(1)`, "[1, b, null] 1 b"},
		{"nil is undefined", `$none`, "$none"},
		{"Go's numbers", `$i32 $f#set($x = $i32 + $f) $x`, "3 2.0 5.0"},
		{"carriage returns", "#if(true)\r\na\r\n#end\r\nb## c\r\nd", "a\r\nbd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tmpl, err := vtl.Compile("t", c.template)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tmpl.Render(vars, vtl.Limits{})
			if err != nil || string(got) != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestErrorsOfObjects(t *testing.T) {
	tmpl, err := vtl.Compile("request template", "a\nbé$input.fail(1)")
	if err != nil {
		t.Fatal(err)
	}
	_, err = tmpl.Render(map[string]any{"input": input{}}, vtl.Limits{})
	var fault *vtl.RenderError
	if !errors.As(err, &fault) || !errors.Is(err, errInput) {
		t.Fatalf("got %v", err)
	}
	if fault.Name != "request template" || fault.Line != 2 || fault.Column != 9 {
		t.Errorf("the error is at %s:%d:%d", fault.Name, fault.Line, fault.Column)
	}
	var syntax *vtl.SyntaxError
	if _, err := vtl.Compile("n", "ab\n  #set($x 1)"); !errors.As(err, &syntax) || syntax.Line != 2 || syntax.Column != 11 {
		t.Errorf("got %v", err)
	}
}

func TestText(t *testing.T) {
	doc, err := jsonvalue.Parse([]byte(`{"a":[1,"x",{"b":null}],"c":{"d":1e3},"e":"\""}`))
	if err != nil {
		t.Fatal(err)
	}
	loop := &vtl.List{}
	loop.Items = []any{loop}
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, "null"}, {"s", "s"}, {true, "true"}, {7, "7"}, {int64(-7), "-7"}, {1.0, "1.0"}, {1e10, "1.0E10"}, {1e-5, "1.0E-5"},
		{json.Number("1.50"), "1.5"}, {json.Number("-0"), "0"}, {json.Number("1e400"), "Infinity"}, {&jsonvalue.Array{Items: []any{json.Number("1e400")}}, "[null]"}, {json.Number("12345678901234567890"), "12345678901234567890"}, {vtl.Blank{}, ""}, {input{}, "INPUT"},
		{doc, `{a=[1,"x",{"b":null}], c={d=1000.0}, e="}`},
		{&vtl.List{Items: []any{doc}}, `[{a=[1,"x",{"b":null}], c={d=1000.0}, e="}]`},
		{&jsonvalue.Array{Items: []any{doc, &vtl.List{Items: []any{"q"}}}}, `[{"a":[1,"x",{"b":null}],"c":{"d":1000.0},"e":"\""},["q"]]`},
	} {
		if got := vtl.Text(c.v); got != c.want {
			t.Errorf("Text(%v) = %s, want %s", c.v, got, c.want)
		}
	}
	if got := vtl.Text(loop); !strings.HasPrefix(got, "[[[") || len(got) > 10000 {
		t.Errorf("a list that contains itself prints as %d bytes", len(got))
	}
}

func TestTextWithoutMarksIsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := strings.NewReplacer("$", "", "#", "").Replace(rapid.String().Draw(t, "source"))
		tmpl, err := vtl.Compile("t", source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tmpl.Render(nil, vtl.Limits{}); err != nil || string(got) != source {
			t.Fatalf("%q became %q, %v", source, got, err)
		}
	})
}

// The variables of a rendering are its own, so many can use one template.
func TestManyRenderings(t *testing.T) {
	tmpl, err := vtl.Compile("t", `#macro(f $x)<$x>#end#define($d)$n#end#foreach($i in [1..50])#set($s = "$!s$n,")#end$s.replaceAll("(\d+)", "[$1]")#f($n)$d`)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			want := strings.Repeat(fmt.Sprintf("[%d],", n), 50) + fmt.Sprintf("<%d>%d", n, n)
			for range 20 {
				got, err := tmpl.Render(map[string]any{"n": n}, vtl.Limits{})
				if err != nil || string(got) != want {
					t.Errorf("got %q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func ExampleTemplate_Render() {
	tmpl, err := vtl.Compile("greeting", "#foreach($n in $names)Hello, $n!#if($foreach.hasNext) #end#end")
	if err != nil {
		panic(err)
	}
	out, err := tmpl.Render(map[string]any{"names": &vtl.List{Items: []any{"Ada", "Alan"}}}, vtl.Limits{})
	fmt.Println(string(out), err)
	// Output: Hello, Ada! Hello, Alan! <nil>
}

const typical = `{
  "connectionId": "$context.connectionId",
  "domain": "$context.domainName",
  "stage": "$context.stage",
  "table": "$stageVariables.tableName",
#if($body.action == "send")
  "text": "$body.data.text",
#end
  "items": [#foreach($i in $body.items)"$i"#if($foreach.hasNext),#end#end],
  "user": "$!{body.user}", "n": $body.n
}`

func typicalVars(t testing.TB) map[string]any {
	return variables(t, `{"context":{"connectionId":"abc=","domainName":"x.example","stage":"prod"},"stageVariables":{"tableName":"t1"},
		"body":{"action":"send","data":{"text":"hello"},"items":["a","b"],"n":17}}`)
}

func BenchmarkRender(b *testing.B) {
	vars := typicalVars(b)
	tmpl, err := vtl.Compile("t", typical)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render(vars, vtl.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vtl.Compile("t", typical); err != nil {
			b.Fatal(err)
		}
	}
}
