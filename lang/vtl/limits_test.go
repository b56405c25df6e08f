package vtl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sockgate/sockgate/lang/jsonvalue"
	"github.com/sockgate/sockgate/lang/vtl"
)

// TestBombs renders what a hostile or careless author may write. All must end with an error, before they take time or memory.
func TestBombs(t *testing.T) {
	cases := []struct{ name, template, want string }{
		{"rounds", `#foreach($i in [1..1001])#end`, "1000 rounds"},
		{"nested rounds", `#foreach($i in [1..100])#foreach($j in [1..100])#end#end`, "10000 rounds"},
		{"loops that are large together", strings.Repeat(`#foreach($i in [1..900])#end`, 3) + `#foreach($i in [1..40])#foreach($j in [1..40])#end#end`, ""},
		{"a huge range is not made to be looped over", `#foreach($i in [1..2000000000])x#end`, "1000 rounds"},
		{"a huge range in a variable", `#set($r = [1..1000000000])`, "steps"},
		{"a large range in a variable", `#set($r = [1..500000])`, "values are larger"},
		{"a string that doubles", `#set($s = "0123456789")` + strings.Repeat(`#set($s = "$s$s")`, 40), "larger than 4194304 bytes"},
		{"a sum that doubles", `#set($s = "0123456789")` + strings.Repeat(`#set($s = $s + $s)`, 40), "larger than 4194304 bytes"},
		{"concat doubles", `#set($s = "0123456789")` + strings.Repeat(`#set($s = $s.concat($s))`, 40), "larger than 4194304 bytes"},
		{"replaceAll grows", `#set($s = "0123456789")` + strings.Repeat(`#set($s = $s.replaceAll(".", "$0$0$0$0"))`, 20), "matches more than"},
		{"replace grows", `#set($s = "aaaaaaaaaa")` + strings.Repeat(`#set($s = $s.replace("a", "aaaaaaaa"))`, 20), "larger than"},
		{"repeat", `$e.repeat(5)#set($s = "ab")$s.repeat(2000000000)`, "larger than"},
		{"replacing nothing", `#set($s = "0123456789")` + strings.Repeat(`#set($s = $s.replace("", "xxxxxxxxxx"))`, 20), "larger than"},
		{"split into very many", `#set($s = "a,a,a,a,")` + strings.Repeat(`#set($s = "$s$s$s$s")`, 9) + `#set($l = $s.split(","))`, "times"},
		{"many strings kept", `#set($l = [])#set($s = "0123456789")` + strings.Repeat(`#set($s = "$s$s")`, 15) + `#foreach($i in [1..1000])#set($x = $l.add("$s"))#end`, "values are larger"},
		{"a list that contains itself", `#set($l = [1])#set($x = $l.add($l))$l`, "nested deeper"},
		{"a list that contains itself twice", `#set($l = [])#set($x = $l.add($l))#set($x = $l.add($l))$l`, "nested deeper"},
		{"a map that contains itself", `#set($m = {"a":1})#set($m.self = $m)$m`, "nested deeper"},
		{"a document that contains itself", `#set($doc.self = $doc)$doc`, "nested deeper"},
		{"an array that contains itself", `#set($x = $array.add($array))$array`, "nested deeper"},
		{"comparing what contains itself", `#set($a = [])#set($x = $a.add($a))#set($b = [])#set($x = $b.add($b))#if($a == $b)y#end`, "nested deeper"},
		{"comparing what is wide", `#set($a = [1])#set($b = [1])` + strings.Repeat(`#set($a = [$a, $a])#set($b = [$b, $b])`, 40) + `#if($a == $b)y#end`, "steps"},
		{"printing what is wide", `#set($a = [])` + strings.Repeat(`#set($a = [$a, $a])`, 40) + `$a`, "larger than 1048576 bytes"},
		{"a macro calls itself", `#macro(f)#f()#end#f()`, "64 levels"},
		{"macros call each other", `#macro(f)#g()#end#macro(g)#f()#end#f()`, "64 levels"},
		{"an argument that doubles", `#macro(f $x $n)#if($n < 60)#set($n2 = $n + 1)#f("$x$x" $n2)#else$x#end#end#f("a" 0)`, "steps"},
		{"arguments that double", macros(40) + `#m40("a")`, "steps"},
		{"empty arguments that double", macros(40) + `#m40("$!e")`, "steps"},
		{"blocks in each other", `#define($a)$b$b#end#define($b)$a$a#end$a`, ""},
		{"blocks that double", defines(40) + `$d40`, "steps"},
		{"empty blocks that double", `#define($d0)#end` + defines(40)[len(`#define($d0)x#end`):] + `$d40`, "steps"},
		{"output", `#set($s = "0123456789")` + strings.Repeat(`#set($s = "$s$s")`, 16) + `$s$s`, "output is larger"},
		{"a pattern that backtracks elsewhere", `#set($s = "` + strings.Repeat("a", 5000) + `")$s.matches("(a+)+b")`, ""},
		{"a pattern too long", `#set($s = "` + strings.Repeat("a", 5000) + `")$s.matches($s)`, "longer than"},
		{"a pattern too large", `$e.matches("((a{100}){100}){100}")`, "pattern"},
		{"a pattern of many parts", `$e.matches("` + strings.Repeat("a{1000}", 100) + `")`, "pattern is too large"},
		{"a large text and a large pattern", `#set($s = "0123456789")` + strings.Repeat(`#set($s = "$s$s")`, 15) + `$s.matches("(.{0,900}x)")`, "steps"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tmpl, err := vtl.Compile("bomb", c.template)
			if err != nil {
				t.Fatal(err)
			}
			doc, _ := jsonvalue.Parse([]byte(`{"a":1}`))
			array, _ := jsonvalue.Parse([]byte(`[1]`))
			out, err := tmpl.Render(map[string]any{"e": "", "doc": doc, "array": array}, vtl.Limits{})
			if c.want == "" {
				if err != nil {
					t.Errorf("%v", err)
				}
				return
			}
			var fault *vtl.RenderError
			if !errors.As(err, &fault) || !strings.Contains(fault.Text, c.want) {
				t.Errorf("got %d bytes, %v; want an error with %q", len(out), err, c.want)
			}
		})
	}
}

// macros defines m0 to mN, each of which uses its argument twice in the call of the next lower one.
func macros(n int) string {
	var b strings.Builder
	b.WriteString(`#macro(m0 $x)$x#end`)
	for i := 1; i <= n; i++ {
		b.WriteString(`#macro(m` + itoa(i) + ` $x)#m` + itoa(i-1) + `("$x$x")#end`)
	}
	return b.String()
}

func defines(n int) string {
	var b strings.Builder
	b.WriteString(`#define($d0)x#end`)
	for i := 1; i <= n; i++ {
		b.WriteString(`#define($d` + itoa(i) + `)$d` + itoa(i-1) + `$d` + itoa(i-1) + `#end`)
	}
	return b.String()
}

func itoa(i int) string { return vtl.Text(i) }

func TestLimits(t *testing.T) {
	cases := []struct {
		name, template string
		limits         vtl.Limits
		want           string // of the error; empty: none
	}{
		{"as many rounds as allowed", `#foreach($i in [1..3])#end`, vtl.Limits{Rounds: 3}, ""},
		{"one round more", `#foreach($i in [1..4])#end`, vtl.Limits{Rounds: 3}, "t:1:1: #foreach takes more than 3 rounds"},
		{"each loop has rounds of its own", "#foreach($i in [1..2])#end\n#foreach($i in [1..2])#end", vtl.Limits{Rounds: 3}, ""},
		{"but ten times as many are enough for all", strings.Repeat("#foreach($i in [1..3])#end\n", 11), vtl.Limits{Rounds: 3}, "t:11:1: all #foreach together take more than 30 rounds"},
		{"as much output as allowed", "abcd", vtl.Limits{Output: 4}, ""},
		{"one byte more", "abcde", vtl.Limits{Output: 4}, "t:1:1: the output is larger than 4 bytes"},
		{"numbers count too", "é\n$n$n", vtl.Limits{Output: 5}, "t:2:3: the output is larger than 5 bytes"},
		{"depth", `#macro(f)x#end#macro(g)#f()#end#g()`, vtl.Limits{Depth: 1}, "t:1:24: macros and blocks are nested deeper than 1 levels"},
		{"value", `#set($a = "xxx$n")`, vtl.Limits{Value: 4}, "t:1:15: the output is larger than 4 bytes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tmpl, err := vtl.Compile("t", c.template)
			if err != nil {
				t.Fatal(err)
			}
			_, err = tmpl.Render(map[string]any{"n": 12}, c.limits)
			if got := text(err); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestDeepSource(t *testing.T) {
	for name, source := range map[string]string{
		"parentheses": "#set($a = " + strings.Repeat("(", 100000),
		"lists":       "#set($a = " + strings.Repeat("[", 100000),
		"maps":        "#set($a = " + strings.Repeat("{1:", 100000),
		"blocks":      strings.Repeat("#if(true)", 100000),
		"not":         "#if(" + strings.Repeat("!", 100000),
		"indexes":     strings.Repeat("$a[", 100000),
		"arguments":   strings.Repeat("$a.b(", 100000),
	} {
		_, err := vtl.Compile("t", source)
		if _, ok := errors.AsType[*vtl.SyntaxError](err); !ok || !strings.Contains(err.Error(), "nested deeper") {
			t.Errorf("%s: %.100v", name, err)
		}
	}
	for name, source := range map[string]string{
		"a long sum":   "#set($a = 1" + strings.Repeat(" + 1", 50000) + ")$a",
		"a long chain": "$a" + strings.Repeat(".b", 50000),
		"elseifs":      "#if(false)" + strings.Repeat("#elseif(false)", 50000) + "#end",
	} {
		tmpl, err := vtl.Compile("t", source)
		if err != nil {
			t.Errorf("%s: %.100v", name, err)
			continue
		}
		if _, err := tmpl.Render(nil, vtl.Limits{}); err != nil {
			t.Errorf("%s: %.100v", name, err)
		}
	}
}
