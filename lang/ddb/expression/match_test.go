package expression_test

import (
	"testing"

	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

const sample = `{
	"s":{"S":"apple"},"n":{"N":"10"},"b":{"B":"AQI="},"t":{"BOOL":true},"z":{"NULL":true},"blank":{"S":""},
	"ss":{"SS":["a","b"]},"ns":{"NS":["1","2"]},"bs":{"BS":["AQ=="]},"emoji":{"S":"é😀"},
	"l":{"L":[{"S":"x"},{"N":"2"},{"M":{"k":{"S":"v"}}}]},"m":{"M":{"a":{"M":{"b":{"N":"5"}}},"c":{"S":"apple"}}}}`

const sampleValues = `{":apple":{"S":"apple"},":app":{"S":"app"},":n10":{"N":"1E1"},":n5":{"N":"5"},":n2":{"N":"2"},":n3":{"N":"3"},
	":b":{"B":"AQ=="},":b0":{"B":"AA=="},":ss":{"SS":["b","a"]},":a":{"S":"a"},":t":{"BOOL":true},":z":{"NULL":true},":S":{"S":"S"},":M":{"S":"M"},":l":{"L":[{"S":"x"}]}}`

// used keeps of the sample values those that text mentions.
func used(t *testing.T, text string) string {
	t.Helper()
	all, out := decode(t, sampleValues), value.Item(nil)
	for _, f := range all {
		for i := 0; i+len(f.Name) <= len(text); i++ {
			end := i + len(f.Name)
			if text[i:end] == f.Name && (end == len(text) || text[end] == ' ' || text[end] == ',' || text[end] == ')') {
				out = out.With(f.Name, f.Value)
			}
		}
	}
	if out == nil {
		return ""
	}
	return string(out.AppendJSON(nil))
}

func TestMatch(t *testing.T) {
	for text, want := range map[string]bool{
		"s = :apple":                            true,
		"s = :n10":                              false,
		"s <> :n10":                             true,
		"n = :n10":                              true,
		"nothing = :n10":                        false,
		"nothing <> :n10":                       true,
		"nothing <> nowhere":                    true,
		"nothing = nowhere":                     false,
		"n > :n5 and n <= :n10":                 true,
		"n < s":                                 false,
		"n >= s":                                false,
		"b > :b":                                true,
		"b < :b0":                               false,
		"ss = :ss":                              true,
		"t = :t and z = :z":                     true,
		"s = m.c":                               true,
		"m.a.b = :n5":                           true,
		"l[2].k > :a":                           true,
		"l[3] = :a":                             false,
		"s[0] = :a":                             false,
		"s.a = :a":                              false,
		"n between :n5 and :n10":                true,
		"n between :n2 and :n5":                 false,
		"nothing between :n2 and :n5":           false,
		":n5 between :n2 and n":                 true,
		"n in (:n2, :n10)":                      true,
		"s in (:n2, :a)":                        false,
		"nothing in (nowhere, :a)":              false,
		"attribute_exists(m.a.b)":               true,
		"attribute_exists(m.a.x)":               false,
		"attribute_not_exists(m.x)":             true,
		"attribute_not_exists(s)":               false,
		"attribute_exists(blank)":               true,
		"attribute_type(s, :S)":                 true,
		"attribute_type(m, :M)":                 true,
		"attribute_type(n, :S)":                 false,
		"attribute_type(nothing, :S)":           false,
		"begins_with(s, :app)":                  true,
		"begins_with(b, :b)":                    true,
		"begins_with(n, :app)":                  false,
		"begins_with(nothing, :app)":            false,
		"contains(s, :app)":                     true,
		"contains(ss, :a)":                      true,
		"contains(ss, :app)":                    false,
		"contains(ns, :n2)":                     true,
		"contains(ns, :n3)":                     false,
		"contains(bs, :b)":                      true,
		"contains(b, :b)":                       true,
		"contains(l, :n2)":                      true,
		"contains(l, :a)":                       false,
		"contains(n, :n2)":                      false,
		"contains(:apple, s)":                   true,
		"contains(nothing, :a)":                 false,
		"size(s) = :n5":                         true,
		"size(emoji) = :n3":                     true,
		"size(ss) = :n2 and size(m) = :n2":      true,
		"size(l) = :n3 and size(b) = :n2":       true,
		"size(n) = :n2":                         false,
		"size(n) <> :n2":                        true,
		"not s = :apple":                        false,
		"not s = :apple or n = :n10":            true,
		"NOT (s = :apple AND n = :n5)":          true,
		"s = :a and n = :n5 or n = :n10":        true,
		"s = :a and (n = :n5 or n = :n10)":      false,
		"s = :a or s = :app or s = :apple":      true,
		"n = :n10 AnD nOt n = :n5 oR s = :app":  true,
		"size(nothing) < :n5":                   false,
		"l = :l":                                false,
		"contains(m.c, :app) and l[0] <> l[1]":  true,
		"(m.a).b BETWEEN (:n2) AND (:n10)":      true,
		"attribute_type(z, :S) or not t <> :t ": true,
	} {
		b, err := bind(t, "condition", text, "", used(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := b.Condition.Match(decode(t, sample)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if !(*expression.Condition)(nil).Match(nil) {
		t.Error("no condition is not met")
	}
}

func TestProject(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"s", `{"s":{"S":"apple"}}`},
		{"t, s, nothing", `{"s":{"S":"apple"},"t":{"BOOL":true}}`},
		{"nothing", `{}`},
		{"m.a.b", `{"m":{"M":{"a":{"M":{"b":{"N":"5"}}}}}}`},
		{"m.c, m.a", `{"m":{"M":{"a":{"M":{"b":{"N":"5"}}},"c":{"S":"apple"}}}}`},
		{"m.x", `{}`},
		{"m.x.y, s.x, s[0]", `{}`},
		{"l[2], l[0]", `{"l":{"L":[{"S":"x"},{"M":{"k":{"S":"v"}}}]}}`},
		{"l[2].k, l[7]", `{"l":{"L":[{"M":{"k":{"S":"v"}}}]}}`},
		{"l[7]", `{}`},
		{"m[0]", `{}`},
		{"#1.c", `{"m":{"M":{"c":{"S":"apple"}}}}`},
	} {
		names := ""
		if c.text[0] == '#' {
			names = "#1=m"
		}
		b, err := bind(t, "projection", c.text, names, "")
		if c.text == "m.x.y, s.x, s[0]" {
			if err == nil {
				t.Error("a list and a map at once")
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := string(b.Projection.Project(decode(t, sample)).AppendJSON(nil)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	item := decode(b, sample)
	bound, err := bind(b, "condition", "attribute_exists(s) AND #n >= :n AND NOT begins_with(m.c, :s)", "#n=n", `{":n":{"N":"7"},":s":{"S":"x"}}`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !bound.Condition.Match(item) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkBind(b *testing.B) {
	cache := expression.NewCache(100)
	in := texts(b, "update", "SET #c = if_not_exists(#c, :zero) + :one, t = :t", "#c=count", `{":zero":{"N":"0"},":one":{"N":"1"},":t":{"S":"now"}}`)
	condition := "attribute_exists(pk)"
	in.Condition = &condition
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cache.Bind(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	item := decode(b, sample)
	bound, err := bind(b, "update", "SET n = n + :one, t = :t", "", `{":one":{"N":"1"},":t":{"S":"now"}}`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bound.Update.Apply(item); err != nil {
			b.Fatal(err)
		}
	}
}
