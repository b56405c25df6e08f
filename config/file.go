package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/sockgate/sockgate/internal/nearest"
)

// maxFile bounds the configuration file, in bytes. A complete one is about 3 KB.
const maxFile = 256 << 10

func (l *loader) readFile(path string) {
	data, err := readBounded(path)
	if err != nil {
		l.fault(path, err.Error())
		return
	}
	l.setFile(filepath.Base(path), data)
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		// The path is said by the caller already.
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		return nil, fmt.Errorf("cannot read the configuration file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("is over %d KiB; this cannot be a configuration file", maxFile>>10)
	}
	return data, nil
}

// setFile takes the settings from a YAML document. It walks the syntax tree itself, since it knows then on which line each
// value stands, and sees scalars as they were written: 000000000000 is no octal number here.
func (l *loader) setFile(name string, data []byte) {
	tree, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		origin, text := name, err.Error()
		if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
			text = syntax.Message
			if syntax.Token != nil && syntax.Token.Position != nil {
				origin = fmt.Sprintf("%s:%d", name, syntax.Token.Position.Line)
			}
		}
		l.fault(origin, "not valid YAML: "+text)
		return
	}
	first := true
	for _, doc := range tree.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if !first {
			l.fault(line(name, doc.Body), "a second YAML document; the configuration is one")
			return
		}
		first = false
		l.setMapping(name, "", doc.Body)
	}
}

// setMapping takes the settings of one group; the top's key is empty.
func (l *loader) setMapping(file, group string, node ast.Node) {
	var pairs []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	case *ast.NullNode: // everything below is commented out
		return
	default:
		what := "the configuration"
		if group != "" {
			what = group
		}
		l.fault(line(file, node), fmt.Sprintf("%s must be a mapping of keys to values, and this is %s", what, typeName(node)))
		return
	}
	seen := map[string]int{}
	for _, pair := range pairs {
		key, plain := scalar(pair.Key)
		if !plain {
			l.fault(line(file, pair.Key), "a key must be a plain word, and this is "+typeName(pair.Key))
			continue
		}
		if before, dup := seen[key]; dup {
			l.fault(line(file, pair.Key), fmt.Sprintf("key %q stands on line %d already; keep one of them", key, before))
			continue
		}
		seen[key] = pair.Key.GetToken().Position.Line
		l.setPair(file, group, key, pair)
	}
}

func (l *loader) setPair(file, group, key string, pair *ast.MappingValueNode) {
	full := key
	if group != "" {
		full = group + "." + key
	} else if l.isGroup(key) {
		l.setMapping(file, key, pair.Value)
		return
	}
	if i := slices.IndexFunc(l.lists, func(it items) bool { return group == "" && it.key == key }); i >= 0 {
		l.setItems(file, l.lists[i], pair.Value)
		return
	}
	// A dotted key at the top is no key, although a setting goes by that name.
	s, ok := l.settings[full]
	if !ok || (group == "" && strings.Contains(key, ".")) {
		l.fault(line(file, pair.Key), fmt.Sprintf("unknown key %q%s", key, nearest.Maybe(l.nearestKey(group, key), `"`)))
		return
	}
	text, plain := scalar(pair.Value)
	if named, ok := s.target.(*Map); ok && !plain {
		l.setMap(file, full, named, pair.Value)
		return
	}
	if list, ok := pair.Value.(*ast.SequenceNode); ok {
		if _, takes := s.target.(*List); takes {
			l.setList(file, s, list)
			return
		}
	}
	if !plain {
		l.fault(line(file, pair.Key), fmt.Sprintf("%s takes one plain value, and this is %s", full, typeName(pair.Value)))
		return
	}
	l.set(s, text, line(file, pair.Value))
}

// setList takes values from a list.
func (l *loader) setList(file string, s *Setting, node *ast.SequenceNode) {
	values := make([]string, 0, len(node.Values))
	for _, n := range node.Values {
		value, plain := scalar(n)
		if !plain || value == "" || strings.Contains(value, ",") {
			l.fault(line(file, n), s.Key+" takes plain values without commas")
			return
		}
		values = append(values, value)
	}
	if len(values) > 0 {
		l.set(s, strings.Join(values, ","), line(file, node))
	}
}

// setMap takes named values from a mapping.
func (l *loader) setMap(file, full string, to *Map, node ast.Node) {
	var pairs []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		l.fault(line(file, node), fmt.Sprintf("%s takes a mapping of names to values, and this is %s", full, typeName(node)))
		return
	}
	m := Map{}
	for _, pair := range pairs {
		name, plainName := scalar(pair.Key)
		value, plainValue := scalar(pair.Value)
		_, twice := m[name]
		switch {
		case !plainName || !plainValue || value == "":
			l.fault(line(file, pair.Key), full+" takes plain names and values")
		case twice:
			l.fault(line(file, pair.Key), fmt.Sprintf("%s: %q stands there twice; keep one of them", full, name))
		}
		m[name] = value
	}
	*to = m
	l.origins[full] = line(file, node)
}

func (l *loader) isGroup(key string) bool {
	for _, s := range l.order {
		if g, _, nested := strings.Cut(s.Key, "."); nested && g == key {
			return true
		}
	}
	return false
}

// nearestKey looks among the keys of the same group first, and then for a key of that name in all groups.
func (l *loader) nearestKey(group, key string) string {
	var same, all []string
	for _, it := range l.lists {
		if group == "" {
			same = append(same, it.key)
		}
	}
	for _, s := range l.order {
		g, leaf, nested := strings.Cut(s.Key, ".")
		switch {
		case !nested && group == "":
			same = append(same, s.Key)
		case nested && group == "":
			same = append(same, g)
		case nested && group == g:
			same = append(same, leaf)
		}
		all = append(all, s.Key)
		if nearest.Same(leaf, key) && g != group {
			return s.Key
		}
	}
	if found := nearest.Name(key, same); found != "" {
		return found
	}
	return nearest.Name(key, all)
}

// scalar returns a plain value's text as it was written, without quotes.
func scalar(n ast.Node) (text string, ok bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func typeName(n ast.Node) string {
	switch n.Type() {
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	case ast.SequenceType:
		return "a list"
	case ast.NullType:
		return "nothing"
	case ast.AnchorType, ast.AliasType, ast.TagType, ast.MergeKeyType, ast.DirectiveType:
		return "YAML's " + strings.ToLower(n.Type().String()) + ", which is not supported here"
	case ast.MappingKeyType:
		return "a complex key"
	}
	return "plain text"
}

func line(file string, n ast.Node) string {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return fmt.Sprintf("%s:%d", file, t.Position.Line)
	}
	return file
}
