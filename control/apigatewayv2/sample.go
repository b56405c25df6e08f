package apigatewayv2

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Bounds of a generated sample: a schema may refer to itself, and may do so more than once at each level.
const (
	maxSampleDepth = 16
	maxSampleSize  = 256 << 10
)

// sampleTemplate returns a mapping template that makes a message which fits the schema: GetModelTemplate's answer.
// The placeholders are AWS's ("foo", 42), an enum's first value when there is one.
func sampleTemplate(schema string) (string, error) {
	w := &sampler{}
	if err := json.Unmarshal([]byte(schema), &w.root); err != nil {
		return "", err
	}
	w.out.WriteString("#set($inputRoot = $input.path('$'))\n")
	w.value(w.root, "$inputRoot", "", maxSampleDepth)
	return w.out.String(), nil
}

type sampler struct {
	root any
	out  bytes.Buffer
}

// value writes one value. path is the reference that holds it in the input, indent what its lines begin with.
func (w *sampler) value(schema any, path, indent string, depth int) {
	s, _ := schema.(map[string]any)
	if s = w.resolve(s); depth == 0 || w.out.Len() > maxSampleSize {
		w.out.WriteString("null")
		return
	}
	if values, ok := s["enum"].([]any); ok && len(values) > 0 {
		w.literal(values[0])
		return
	}
	switch typeOf(s) {
	case "object":
		w.object(s, path, indent, depth)
	case "array":
		w.array(s, path, indent, depth)
	case "string":
		w.out.WriteString(`"foo"`)
	case "integer":
		w.out.WriteString("42")
	case "number":
		w.out.WriteString("42.0")
	case "boolean":
		w.out.WriteString("true")
	case "null":
		w.out.WriteString("null")
	default:
		w.out.WriteString("{ }")
	}
}

func (w *sampler) object(s map[string]any, path, indent string, depth int) {
	properties, _ := s["properties"].(map[string]any)
	if len(properties) == 0 {
		w.out.WriteString("{ }")
		return
	}
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	w.out.WriteString("{\n")
	for i, name := range names {
		w.out.WriteString(indent + "  ")
		w.literal(name)
		w.out.WriteString(" : ")
		w.value(properties[name], path+"."+name, indent+"  ", depth-1)
		if i < len(names)-1 {
			w.out.WriteByte(',')
		}
		w.out.WriteByte('\n')
	}
	w.out.WriteString(indent + "}")
}

func (w *sampler) array(s map[string]any, path, indent string, depth int) {
	items := s["items"]
	if tuple, ok := items.([]any); ok && len(tuple) > 0 {
		items = tuple[0]
	}
	// Each level has an element name of its own, so that an inner loop does not hide the outer one's.
	elem := fmt.Sprintf("$elem%d", maxSampleDepth-depth)
	fmt.Fprintf(&w.out, "[\n%s  #foreach(%s in %s)\n%s    ", indent, elem, path, indent)
	w.value(items, elem, indent+"    ", depth-1)
	fmt.Fprintf(&w.out, "#if($foreach.hasNext),#end\n%s  #end\n%s]", indent, indent)
}

func (w *sampler) literal(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it came from JSON
	}
	w.out.Write(text)
}

// resolve follows references within the document, and takes the first of what several schemas allow.
func (w *sampler) resolve(s map[string]any) map[string]any {
	for range maxSampleDepth {
		if ref, ok := s["$ref"].(string); ok {
			s = w.lookup(ref)
			continue
		}
		next := first(s, "allOf", "oneOf", "anyOf")
		if next == nil || typeOf(s) != "" {
			return s
		}
		s = next
	}
	return nil
}

// lookup finds a JSON pointer ("#/definitions/x"). Other documents are not looked up.
func (w *sampler) lookup(ref string) map[string]any {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	at := w.root
	for _, part := range strings.Split(pointer, "/")[1:] {
		m, _ := at.(map[string]any)
		at = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	found, _ := at.(map[string]any)
	return found
}

func first(s map[string]any, keywords ...string) map[string]any {
	for _, k := range keywords {
		if list, ok := s[k].([]any); ok && len(list) > 0 {
			m, _ := list[0].(map[string]any)
			return m
		}
	}
	return nil
}

// typeOf returns the schema's type, or what its other keywords imply, or "".
func typeOf(s map[string]any) string {
	switch t := s["type"].(type) {
	case string:
		return t
	case []any:
		if len(t) > 0 {
			name, _ := t[0].(string)
			return name
		}
	}
	switch {
	case s["properties"] != nil:
		return "object"
	case s["items"] != nil:
		return "array"
	}
	return ""
}
