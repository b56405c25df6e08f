package template

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// evaluator holds what a bound template's functions read. It does not change once Bind is done.
type evaluator struct {
	file       string
	env        Env
	parameters map[string]any
	mappings   *node
	conditions map[string]bool
	resources  map[string]bool   // by id: whether its condition holds
	aliases    map[string]string // "Function.Alias" and the like of SAM → the generated resource
}

// evaluate makes a plain value of n. Every fault found is told.
func (e *evaluator) evaluate(n *node, s Scope) (any, error) {
	r := &run{evaluator: e, scope: s, faults: &faults{file: e.file}}
	v := r.value(n)
	if err := r.faults.err(); err != nil {
		return nil, err
	}
	if v == any(removed{}) {
		v = nil
	}
	return v, nil
}

func (e *evaluator) fault(n *node, format string, args ...any) error {
	f := &faults{file: e.file}
	f.add(n, format, args...)
	return f.err()
}

// Values that stand in a tree for a moment only.
type (
	removed struct{} // AWS::NoValue
	failed  struct{} // a fault, which has been told
)

// run is one evaluation.
type run struct {
	*evaluator
	scope   Scope
	faults  *faults
	early   string       // what is evaluated before there are any resources; "" later
	made    int          // bytes of text put together
	refers  func(string) // told of each resource that is referred to; may be nil
	imports func(string) // told of each name of Fn::ImportValue; may be nil
}

func (r *run) fail(n *node, format string, args ...any) any {
	r.faults.add(n, format, args...)
	return failed{}
}

func (r *run) value(n *node) any {
	switch n.kind {
	case text:
		return r.checked(n, n.text)
	case boolean:
		return n.text == "true"
	case number:
		return json.Number(n.text)
	case list:
		out := make([]any, 0, len(n.items))
		for _, i := range n.items {
			if v := r.value(i); v != any(removed{}) {
				out = append(out, v)
			}
		}
		return out
	case mapping:
		if name, argument, ok := n.function(); ok {
			return r.call(n, name, argument)
		}
		out := make(map[string]any, len(n.pairs))
		for _, p := range n.pairs {
			if v := r.value(p.value); v != any(removed{}) {
				out[p.key.text] = v
			}
		}
		return out
	}
	return nil
}

// checked refuses a dynamic reference, which would otherwise reach a service as it is written.
func (r *run) checked(n *node, s string) any {
	if _, rest, ok := strings.Cut(s, "{{resolve:"); ok {
		if name, _, closed := strings.Cut(rest, "}}"); closed {
			return r.fail(n, "dynamic reference {{resolve:%s}} is not supported; use a parameter", name)
		}
	}
	if r.made += len(s); r.made > maxText {
		return r.fail(nil, "the template makes over %d MB of text", maxText>>20)
	}
	return s
}

func (r *run) call(n *node, name string, argument *node) any {
	if f := functions[name]; f.max > 0 && (argument.kind != list || len(argument.items) < f.min || len(argument.items) > f.max) {
		return r.fail(n, "Template error: %s takes a list of %s", name, countText(f.min, f.max))
	}
	switch name {
	case "Ref":
		return r.ref(n, argument.text)
	case "Fn::GetAtt":
		return r.getAttCall(n, argument)
	case "Fn::Sub":
		return r.sub(n, argument)
	case "Fn::Join":
		return r.join(n, argument.items[0], argument.items[1])
	case "Fn::Select":
		return r.selectOne(n, argument.items[0], argument.items[1])
	case "Fn::Split":
		return r.split(n, argument.items[0], argument.items[1])
	case "Fn::If":
		if r.conditions[argument.items[0].text] {
			return r.value(argument.items[1])
		}
		return r.value(argument.items[2])
	case "Fn::FindInMap":
		return r.findInMap(n, argument.items)
	case "Fn::Base64":
		return r.base64(n, argument)
	case "Fn::ImportValue":
		return r.importValue(n, argument)
	case "Fn::GetAZs":
		return r.zones(n, argument)
	case "Fn::Cidr":
		return r.cidr(n, argument.items)
	case "Fn::Length":
		return r.length(n, argument)
	case "Fn::ToJsonString":
		return r.toJSON(n, argument)
	}
	return r.fail(n, "Template error: %s cannot stand here", name)
}

// text evaluates n to text. ok=false: instead is what the caller returns, an Unknown or failed.
func (r *run) text(n *node, function, what string) (s string, instead any, ok bool) {
	v := r.value(n)
	switch v := v.(type) {
	case Unknown, failed:
		return "", v, false
	}
	s, ok = plainText(v)
	if !ok {
		return "", r.fail(n, "Template error: %s of %s must be text, and this is %s", what, function, typeName(v)), false
	}
	return s, nil, true
}

// list evaluates n to a list, in which there may be Unknowns.
func (r *run) list(n *node, function string) (items []any, instead any, ok bool) {
	v := r.value(n)
	switch v := v.(type) {
	case Unknown, failed:
		return nil, v, false
	case []any:
		return v, nil, true
	}
	return nil, r.fail(n, "Template error: %s needs a list, and this is %s", function, typeName(v)), false
}

// plainText writes a scalar as CloudFormation does where text is wanted.
func plainText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

func typeName(v any) string {
	switch v.(type) {
	case nil, removed:
		return "nothing"
	case string:
		return "text"
	case bool:
		return "a boolean"
	case json.Number, int, int64, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("%T", v)
}

func (r *run) join(n, delimiterAt, listAt *node) any {
	if delimiterAt.kind != text && delimiterAt.kind != number {
		return r.fail(n, "Template error: the first value of Fn::Join is the delimiter, and must be text")
	}
	items, instead, ok := r.list(listAt, "Fn::Join")
	if !ok {
		return instead
	}
	var texts []string
	var unknown any
	for _, i := range items {
		switch i := i.(type) {
		case failed:
			return i
		case Unknown:
			if unknown == nil {
				unknown = i
			}
			continue
		}
		s, isText := plainText(i)
		if !isText {
			return r.fail(n, "Template error: Fn::Join joins texts, and there is %s among them", typeName(i))
		}
		if r.made += len(s) + len(delimiterAt.text); r.made > maxText {
			return r.checked(n, "")
		}
		texts = append(texts, s)
	}
	if unknown != nil {
		return unknown
	}
	return r.checked(n, strings.Join(texts, delimiterAt.text))
}

func (r *run) selectOne(n, indexAt, listAt *node) any {
	s, instead, ok := r.text(indexAt, "Fn::Select", "the index")
	if !ok {
		return instead
	}
	items, instead, ok := r.list(listAt, "Fn::Select")
	if !ok {
		return instead
	}
	index, err := strconv.Atoi(s)
	if err != nil {
		return r.fail(indexAt, "Template error: the index of Fn::Select must be a number, and this is %q", s)
	}
	if index < 0 || index >= len(items) {
		return r.fail(n, "Template error: Fn::Select cannot select nonexistent value at index %d", index)
	}
	if items[index] == nil {
		return r.fail(n, "Template error: Fn::Select cannot select null values; index %d is one", index)
	}
	return items[index]
}

func (r *run) split(n, delimiterAt, valueAt *node) any {
	if delimiterAt.kind != text && delimiterAt.kind != number || delimiterAt.text == "" {
		return r.fail(n, "Template error: the first value of Fn::Split is the delimiter, and must be text")
	}
	s, instead, ok := r.text(valueAt, "Fn::Split", "the second value")
	if !ok {
		return instead
	}
	if r.made += len(s) + 16*strings.Count(s, delimiterAt.text); r.made > maxText {
		return r.checked(n, "")
	}
	out := []any{}
	for part := range strings.SplitSeq(s, delimiterAt.text) {
		out = append(out, part)
	}
	return out
}

func (r *run) base64(n, argument *node) any {
	s, instead, ok := r.text(argument, "Fn::Base64", "the value")
	if !ok {
		return instead
	}
	return r.checked(n, base64.StdEncoding.EncodeToString([]byte(s)))
}

func (r *run) findInMap(n *node, arguments []*node) any {
	var names [3]string
	for i := range names {
		s, instead, ok := r.text(arguments[i], "Fn::FindInMap", "a name")
		if !ok {
			if u, isUnknown := instead.(Unknown); isUnknown {
				return r.fail(arguments[i], "Template error: Fn::FindInMap cannot use the resource %s", u.ID)
			}
			return instead
		}
		names[i] = s
	}
	found := r.mappings.get(names[0])
	if found == nil {
		return r.fail(n, "Template error: Mapping named '%s' is not present in the 'Mappings' section of template.", names[0])
	}
	if leaf := found.get(names[1]).get(names[2]); leaf != nil {
		return r.value(leaf)
	}
	if len(arguments) == 4 && arguments[3].get("DefaultValue") != nil {
		return r.value(arguments[3].get("DefaultValue"))
	}
	return r.fail(n, "Template error: Unable to get mapping for %s::%s::%s", names[0], names[1], names[2])
}

func (r *run) importValue(n, argument *node) any {
	name, instead, ok := r.text(argument, "Fn::ImportValue", "the name")
	if !ok {
		if u, isUnknown := instead.(Unknown); isUnknown {
			return r.fail(argument, "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs; it depends on %s", u.ID)
		}
		return instead
	}
	if r.imports != nil {
		r.imports(name)
	}
	if r.env.Imports != nil {
		if v, found := r.env.Imports(name); found {
			return v
		}
	}
	return r.fail(n, "No export named %s found.", name)
}

func (r *run) length(n, argument *node) any {
	v := r.value(argument)
	switch v := v.(type) {
	case Unknown, failed:
		return v
	case []any:
		return json.Number(strconv.Itoa(len(v)))
	}
	return r.fail(n, "Template error: Fn::Length needs a list, and this is %s", typeName(v))
}

func (r *run) toJSON(n, argument *node) any {
	v := r.value(argument)
	switch instead := within(v); instead.(type) {
	case Unknown, failed:
		return instead
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return r.fail(n, "Template error: Fn::ToJsonString: %s", err)
	}
	return r.checked(n, strings.TrimSuffix(out.String(), "\n"))
}

// within finds the first Unknown or failed value in a tree, or nil.
func within(v any) any {
	switch v := v.(type) {
	case Unknown, failed:
		return v
	case []any:
		for _, i := range v {
			if found := within(i); found != nil {
				return found
			}
		}
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			if found := within(v[k]); found != nil {
				return found
			}
		}
	}
	return nil
}
