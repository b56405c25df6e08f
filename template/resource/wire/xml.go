package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// maxDepth bounds how deep elements may be nested.
const maxDepth = 64

// decodeXML returns the content of the first element called name as a tree: text for an element without children, a map for one
// with, and a list under "member" for lists. An answer without such an element is empty.
func decodeXML(body []byte, name string) (map[string]any, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	seen := false
	for {
		token, err := dec.Token()
		if err == io.EOF {
			if !seen {
				return nil, fmt.Errorf("decode answer: no XML")
			}
			return map[string]any{}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decode answer: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		seen = true
		if start.Name.Local == name {
			v, err := element(dec, 0)
			if err != nil {
				return nil, fmt.Errorf("decode answer: %w", err)
			}
			tree, _ := v.(map[string]any)
			if tree == nil {
				tree = map[string]any{}
			}
			return tree, nil
		}
	}
}

// element reads up to the end of the element that has just begun.
func element(dec *xml.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("elements are nested too deep")
	}
	var text strings.Builder
	var tree map[string]any
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if tree == nil {
				return text.String(), nil
			}
			return tree, nil
		case xml.StartElement:
			v, err := element(dec, depth+1)
			if err != nil {
				return nil, err
			}
			if tree == nil {
				tree = map[string]any{}
			}
			if name := t.Name.Local; name == "member" {
				list, _ := tree[name].([]any)
				tree[name] = append(list, v)
			} else {
				tree[name] = v
			}
		}
	}
}

// At returns what a tree has at a path of keys, or nil.
func At(tree any, path ...string) any {
	for _, key := range path {
		m, ok := tree.(map[string]any)
		if !ok {
			return nil
		}
		tree = m[key]
	}
	return tree
}

// Text returns the text at a path, or "".
func Text(tree any, path ...string) string {
	switch v := At(tree, path...).(type) {
	case string:
		return v
	case fmt.Stringer: // json.Number
		return v.String()
	}
	return ""
}

// List returns the list at a path: a JSON array, or the members of a list of the query protocol.
func List(tree any, path ...string) []any {
	v := At(tree, path...)
	if m, ok := v.(map[string]any); ok {
		v = m["member"]
	}
	list, _ := v.([]any)
	return list
}
