package template

import (
	"bytes"
	"errors"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlReader makes nodes of a YAML syntax tree. It resolves scalars itself, from their text as it was written: the
// digits of a number are kept, and YAML 1.1's booleans are ones.
type yamlReader struct {
	faults  *faults
	anchors map[string]*node // nil while the anchor's own value is being read
	mark    rune             // stands for a colon; see markColons
}

// words takes the marks out of what the library says.
func (r *yamlReader) words(s string) string {
	if r.mark == 0 {
		return s
	}
	return strings.ReplaceAll(s, string(r.mark), ":")
}

// readYAML returns nil when there is no usable document; the faults say why.
func readYAML(src []byte, f *faults) (root *node) {
	defer func() {
		// The YAML library is not ours. A template may be a stranger's, and must not end the program that reads it.
		if p := recover(); p != nil {
			f.add(nil, "not valid YAML: the parser gave up (%v)", p)
			root = nil
		}
	}()
	if !lineLimits(src, f) {
		return nil
	}
	marked, mark := markColons(string(src))
	r := &yamlReader{faults: f, anchors: map[string]*node{}, mark: mark}
	tokens := lexer.Tokenize(marked)
	if t := tooDeep(tokens); t != nil {
		f.add(tokenPlace(t), "nested deeper than %d levels", maxDepth)
		return nil
	}
	if t := tooWide(tokens); t != nil {
		f.add(tokenPlace(t), "an object with over %d keys", maxKeys)
		return nil
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		place, message := (*node)(nil), err.Error()
		if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
			message, place = syntax.Message, tokenPlace(syntax.Token)
		}
		f.add(place, "not valid YAML: %s", r.words(message))
		return nil
	}
	for _, doc := range tree.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if root != nil {
			f.add(nodePlace(doc.Body), "a second YAML document; a template is one")
			return nil
		}
		if root = r.read(doc.Body, 0); root == nil {
			return nil
		}
	}
	return root
}

// tooDeep looks at the nesting before the parser does, which recurses. Indentation alone nests at most by the square root
// of the text's length.
func tooDeep(tokens token.Tokens) *token.Token {
	flow, line, run := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			if t.Position.Line != line {
				line, run = t.Position.Line, 0
			}
			run++
		}
		if flow > maxDepth || run > maxFlowRun {
			return t
		}
	}
	return nil
}

// tooWide counts the keys of block mappings by their columns.
func tooWide(tokens token.Tokens) *token.Token {
	var counts [maxDepth * 4]int // by column; those right of a key begin anew
	for i, t := range tokens {
		if t.Type != token.MappingValueType || i == 0 {
			continue
		}
		column := min(tokens[i-1].Position.Column, len(counts)-1)
		clear(counts[column+1:])
		if counts[column]++; counts[column] > maxKeys {
			return t
		}
	}
	return nil
}

// lineLimits reports whether the text's lines are such that the library is done with them in good time.
func lineLimits(src []byte, f *faults) bool {
	blanks, number := 0, 0
	for line := range bytes.Lines(src) {
		number++
		if len(line) > maxLine {
			f.add(&node{line: number, column: 1}, "a line of over %d KB", maxLine>>10)
			return false
		}
		if len(bytes.TrimSpace(line)) > 0 {
			blanks = 0
		} else if blanks++; blanks > maxBlank {
			f.add(&node{line: number, column: 1}, "over %d empty lines in a row", maxBlank)
			return false
		}
	}
	return true
}

func tokenPlace(t *token.Token) *node {
	if t == nil || t.Position == nil {
		return nil
	}
	return &node{line: t.Position.Line, column: t.Position.Column}
}

func nodePlace(n ast.Node) *node {
	switch n := n.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return nodePlace(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return nodePlace(n.Key)
	}
	if p := tokenPlace(n.GetToken()); p != nil {
		return p
	}
	return &node{}
}

// read returns nil after a fault that makes the rest useless.
func (r *yamlReader) read(n ast.Node, depth int) *node {
	made := *nodePlace(n)
	out := &made
	if depth > maxDepth {
		r.faults.add(out, "nested deeper than %d levels", maxDepth)
		return nil
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.mapping(out, n.Values, depth)
	case *ast.MappingValueNode:
		return r.mapping(out, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		return r.sequence(out, n.Values, depth)
	case *ast.TagNode:
		return r.tagged(out, n, depth)
	case *ast.AnchorNode:
		return r.anchor(n, depth)
	case *ast.AliasNode:
		return r.alias(out, n)
	case *ast.StringNode:
		out.kind, out.text = text, r.words(n.Value)
		if t := n.GetToken(); t.Type != token.SingleQuoteType && t.Type != token.DoubleQuoteType {
			plain(out, out.text)
		}
	case *ast.LiteralNode:
		out.kind, out.text = text, n.Value.Value
	case *ast.NullNode:
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		plain(out, n.GetToken().Value)
	default:
		r.faults.add(out, "YAML's %s is not understood here", strings.ToLower(n.Type().String()))
		return nil
	}
	return r.weigh(out)
}

var (
	integers = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	decimals = regexp.MustCompile(`^[-+]?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
)

// plain resolves a scalar without quotes. See the package's comment for what differs from YAML 1.2.
func plain(n *node, s string) {
	n.kind, n.text = text, s
	switch s {
	case "", "~", "null", "Null", "NULL":
		n.kind, n.text = null, ""
		return
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
		n.kind, n.text, n.raw = boolean, "true", s
		return
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		n.kind, n.text, n.raw = boolean, "false", s
		return
	}
	switch {
	case integers.MatchString(s):
		n.kind, n.text = number, strings.TrimPrefix(s, "+")
	case decimals.MatchString(s):
		// JSON wants a digit on both sides of the point.
		s = strings.TrimPrefix(s, "+")
		s = strings.Replace(s, "-.", "-0.", 1)
		if s[0] == '.' {
			s = "0" + s
		}
		whole, rest, _ := strings.Cut(s, ".")
		if rest == "" || rest[0] == 'e' || rest[0] == 'E' {
			rest = "0" + rest
		}
		n.kind, n.text = number, whole+"."+rest
	}
}

// weigh sums up a finished node, and refuses one that has become too heavy.
func (r *yamlReader) weigh(n *node) *node {
	n.size = 1 + len(n.text)/100
	for _, i := range n.items {
		n.size += i.size
	}
	for _, p := range n.pairs {
		n.size += p.key.size + p.value.size
	}
	if n.size > maxWeight {
		r.faults.add(n, "the template has too many parts when its aliases are written out (over %d)", maxWeight)
		return nil
	}
	return n
}

func (r *yamlReader) sequence(out *node, values []ast.Node, depth int) *node {
	out.kind = list
	for _, v := range values {
		item := r.read(v, depth+1)
		if item == nil {
			return nil
		}
		out.items = append(out.items, item)
	}
	return r.weigh(out)
}

func (r *yamlReader) mapping(out *node, pairs []*ast.MappingValueNode, depth int) *node {
	out.kind = mapping
	seen := map[string]*node{}
	var merged []*node
	for _, p := range pairs {
		if p.Key.IsMergeKey() {
			m := r.merge(p.Value, depth)
			if m == nil {
				return nil
			}
			merged = append(merged, m...)
			continue
		}
		key, value := r.key(p.Key), r.read(p.Value, depth+1)
		if key == nil || value == nil {
			return nil
		}
		if before := seen[key.text]; before != nil {
			r.faults.add(key, "duplicate key %q; it stands on line %d already", key.text, before.line)
			continue
		}
		seen[key.text] = key
		out.pairs = append(out.pairs, pair{key, named(key.text, value)})
	}
	// A merged key gives way to one that stands here, and an earlier merged mapping comes before a later one.
	for _, m := range merged {
		for _, p := range m.pairs {
			if seen[p.key.text] == nil {
				seen[p.key.text] = p.key
				out.pairs = append(out.pairs, p)
			}
		}
	}
	return r.weigh(out)
}

func (r *yamlReader) key(n ast.MapKeyNode) *node {
	out := *nodePlace(n)
	out.kind = text
	switch n := n.(type) {
	case *ast.StringNode:
		out.text = r.words(n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		out.text = n.GetToken().Value
	default:
		r.faults.add(&out, "a key must be a plain word")
		return nil
	}
	return r.weigh(&out)
}

func (r *yamlReader) merge(value ast.Node, depth int) []*node {
	m := r.read(value, depth+1)
	if m == nil {
		return nil
	}
	all := []*node{m}
	if m.kind == list {
		all = m.items
	}
	for _, one := range all {
		if one.kind != mapping {
			r.faults.add(m, "a merge key (<<) takes an object or a list of objects, and this is %s", one.kind)
			return nil
		}
	}
	if all == nil {
		all = []*node{}
	}
	return all
}

func (r *yamlReader) anchor(n *ast.AnchorNode, depth int) *node {
	name := n.Name.GetToken().Value
	r.anchors[name] = nil
	value := r.read(n.Value, depth)
	r.anchors[name] = value
	return value
}

func (r *yamlReader) alias(out *node, n *ast.AliasNode) *node {
	name := n.Value.GetToken().Value
	value, known := r.anchors[name]
	switch {
	case !known:
		r.faults.add(out, "alias *%s has no anchor before it", name)
	case value == nil:
		r.faults.add(out, "alias *%s stands inside its own anchor", name)
	}
	return value
}

// conditionFunctions and valueFunctions are the functions that have a short tag, which is their name without "Fn::".
var shortTags = strings.Fields("And Base64 Cidr Contains EachMemberEquals EachMemberIn Equals FindInMap GetAtt GetAZs If " +
	"ImportValue Join Length Not Or RefAll Select Split Sub ToJsonString Transform ValueOf ValueOfAll")

func (r *yamlReader) tagged(out *node, n *ast.TagNode, depth int) *node {
	tag := n.Start.Value
	if n.Value == nil {
		n.Value = ast.Null(n.Start)
	}
	value := r.read(n.Value, depth+1)
	if value == nil {
		return nil
	}
	switch tag {
	case "!Ref", "!Condition":
		return r.call(out, tag[1:], value)
	case "!":
		return value
	case "!!str":
		if !value.isScalar() && value.kind != null {
			break
		}
		out.kind, out.text = text, value.text
		if scalar, ok := n.Value.(ast.ScalarNode); ok && value.kind != text {
			out.text = scalar.GetToken().Value
		}
		return r.weigh(out)
	case "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return value
	}
	name := strings.TrimPrefix(tag, "!")
	for _, known := range shortTags {
		if name == known {
			return r.call(out, "Fn::"+name, value)
		}
	}
	r.faults.add(out, "unknown tag %s%s", tag, maybe(Nearest(name, append([]string{"Ref", "Condition"}, shortTags...)), "!"))
	return nil
}

// call writes a short tag out.
func (r *yamlReader) call(out *node, name string, argument *node) *node {
	key := &node{kind: text, text: name, line: out.line, column: out.column, size: 1}
	out.kind, out.pairs = mapping, []pair{{key, named(name, argument)}}
	return r.weigh(out)
}

// named lets things be called No or On: keys are read as they are written, so the names that lead to them must be too.
func named(key string, value *node) *node {
	switch {
	case (key == "Ref" || key == "Condition" || key == "DependsOn") && value.kind == boolean:
		v := *value
		v.kind, v.text = text, value.raw
		return &v
	case (key == "Fn::If" || key == "DependsOn") && value.kind == list && len(value.items) > 0 && value.items[0].kind == boolean:
		v := *value
		v.items = append([]*node{}, value.items...)
		v.items[0] = named("Ref", value.items[0])
		return &v
	}
	return value
}
