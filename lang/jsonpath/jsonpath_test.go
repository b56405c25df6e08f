package jsonpath_test

import (
	"flag"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/jsonpath"
	"github.com/sockgate/sockgate/lang/jsonvalue"
)

var update = flag.Bool("update", false, "rewrite the results in testdata")

func TestGet(t *testing.T) {
	const file = "testdata/get.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	document, cases := "", 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		path, _, isCase := strings.Cut(line, " => ")
		switch {
		case strings.HasPrefix(line, "< "):
			document = line[2:]
		case document != "" && isCase:
			line = path + " => " + outcome(path, document)
			cases++
		}
		got.WriteString(line + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if cases < 120 {
		t.Errorf("only %d cases", cases)
	}
}

func outcome(path, document string) string {
	p, err := jsonpath.Compile(path)
	if err != nil {
		if sockgate.KindOf(err) != sockgate.Invalid {
			return "wrong kind of error: " + err.Error()
		}
		return err.Error()
	}
	doc, err := jsonvalue.Parse([]byte(document))
	if err != nil {
		return "bad document: " + err.Error()
	}
	kind := "I "
	if p.Definite() {
		kind = "D "
	}
	value, found := p.Get(doc)
	if !found {
		return kind + "nothing"
	}
	b, err := jsonvalue.Append(nil, value)
	if err != nil {
		return "bad value: " + err.Error()
	}
	return kind + string(b)
}

func compile(t testing.TB, path string) *jsonpath.Path {
	t.Helper()
	p, err := jsonpath.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parse(t testing.TB, document string) any {
	t.Helper()
	v, err := jsonvalue.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLimits(t *testing.T) {
	deep := strings.Repeat("(", jsonpath.MaxNesting+1)
	for name, path := range map[string]string{
		"long":        "$." + strings.Repeat("a", jsonpath.MaxLength),
		"parentheses": "$[?(" + deep + "@.a" + strings.Repeat(")", jsonpath.MaxNesting+1) + ")]",
		"negations":   "$[?(" + strings.Repeat("!", 2000) + "(@.a))]",
		"filters":     strings.Repeat("$[?(", 200) + "@.a" + strings.Repeat(")]", 200),
		"arrays":      "$[?(@.a == " + strings.Repeat("[", 1500) + strings.Repeat("]", 1500) + ")]",
		"arguments":   strings.Repeat("$.sum(", 300) + "$.a" + strings.Repeat(")", 300),
	} {
		if _, err := jsonpath.Compile(path); sockgate.KindOf(err) != sockgate.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	list := "[" + strings.TrimSuffix(strings.Repeat("[1,2],", 2000), ",") + "]"
	doc := parse(t, list)
	for name, path := range map[string]string{
		"results":          "$..*" + strings.Repeat("..*", 20),
		"visits":           "$[?($..[?($..[?(@ == 3)])])]",
		"many comparisons": "$[?($[?($[?(1 == 2)] size 0)] size 0)]",
	} {
		if v, found := compile(t, path).Get(doc); found && len(v.(*jsonvalue.Array).Items) > jsonpath.MaxResults {
			t.Errorf("%s: %d results", name, len(v.(*jsonvalue.Array).Items))
		}
	}
	wide := &jsonvalue.Array{Items: make([]any, jsonpath.MaxResults+1)}
	if _, found := compile(t, "$[*]").Get(wide); found {
		t.Error("more results than MaxResults")
	}
	wide.Items = wide.Items[1:]
	if _, found := compile(t, "$[*]").Get(wide); !found {
		t.Error("as many results as MaxResults were refused")
	}
	numbers := parse(t, "["+strings.TrimSuffix(strings.Repeat("1,", 5000), ",")+"]")
	for _, path := range []string{
		"$[?(2 in $)]", "$[?($ == $)]", "$[?($ subsetof $)]", "$[?($ =~ /x/)]", "$[*].sum($)", `$[*].concat($[*])`, "$[?($ contains 2)]", "$[?($[?($ noneof [2])])]",
	} {
		if _, found := compile(t, path).Get(numbers); found {
			t.Errorf("%s was worked through to the end", path)
		}
	}
	circle := &jsonvalue.Array{}
	circle.Items = []any{circle}
	for _, path := range []string{"$..*", "$..a", "$[?(@ == $)]"} {
		compile(t, path).Get(circle)
	}
}

func TestValuesOfTemplates(t *testing.T) {
	o := &jsonvalue.Object{}
	o.Set("list", &jsonvalue.Array{Items: []any{1, int64(2), 2.5, int32(4)}})
	doc := any(o)
	for path, want := range map[string]string{
		"$.list.sum()": "9.5", "$.list[?(@ > 2)]": "[2.5,4]", "$.list[?(@ == 2)]": "[2]", "$.list[?(@ in [1, 2.5])]": "[1,2.5]",
	} {
		v, _ := compile(t, path).Get(doc)
		if b, err := jsonvalue.Append(nil, v); err != nil || string(b) != want {
			t.Errorf("%s is %s (%v), want %s", path, b, err, want)
		}
	}
}

func TestConcurrent(t *testing.T) {
	p := compile(t, "$..a[?(@.b =~ /x+/i || @.c in [1,2])].length()")
	doc := parse(t, `{"a":[{"b":"XX"},{"c":2}],"d":{"a":[{"b":"y"}]}}`)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 100 {
				if v, found := p.Get(doc); !found {
					t.Errorf("%v, %v", v, found)
				}
			}
		})
	}
	wait.Wait()
}

func BenchmarkGet(b *testing.B) {
	doc := parse(b, `{"store":{"book":[{"t":"A","price":8.95},{"t":"B","price":12.99},{"t":"C","price":3}]}}`)
	for _, path := range []string{"$.store.book[1].t", "$..price", "$.store.book[?(@.price < 10)].t"} {
		p := compile(b, path)
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Get(doc)
			}
		})
	}
}
