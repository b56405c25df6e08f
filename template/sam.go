package template

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
)

// sam replaces AWS::Serverless resources by what SAM makes of them.
//
// Conditions and parameters are known by now, so an Fn::If is followed at once; other functions stay for the evaluation.
// Types of SAM that stand for services beside WebSocket APIs (HttpApi, StateMachine, Application …) pass through under their
// own name, like any other type that nobody here knows.
// Source: AWS SAM Developer Guide, "AWS SAM resources and properties" and "Generated CloudFormation resources".
type sam struct {
	*run
	globals *node
	out     *Bound
	made    []*resource
}

// expand returns the template's resources with SAM's replaced by what they stand for.
func (t *Template) expand(r *run, out *Bound) []*resource {
	if !t.Serverless {
		return t.resources
	}
	s := &sam{run: r, out: out, globals: t.globals}
	s.checkGlobals()
	for _, one := range t.resources {
		if one.connectors != nil {
			for _, c := range one.connectors.pairs {
				s.skip(one, c.key, "connector "+c.key.text)
			}
		}
		switch one.typ {
		case "AWS::Serverless::Function":
			s.function(one)
		case "AWS::Serverless::WebSocketApi":
			s.webSocketAPI(one)
		case "AWS::Serverless::SimpleTable":
			s.simpleTable(one)
		case "AWS::Serverless::LayerVersion":
			s.layer(one)
		default:
			s.made = append(s.made, one)
		}
	}
	slices.SortStableFunc(out.Skipped, func(a, b Skipped) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return s.made
}

func (s *sam) skip(r *resource, at *node, what string) {
	if r.condition != "" && !s.conditions[r.condition] {
		return
	}
	s.out.Skipped = append(s.out.Skipped, Skipped{ID: r.id, What: what, Line: at.line, Column: at.column})
}

var globalSections = strings.Fields("Function Api HttpApi SimpleTable StateMachine LayerVersion CapacityProvider WebSocketApi")

func (s *sam) checkGlobals() {
	if s.globals == nil {
		return
	}
	for _, p := range s.globals.pairs {
		if found := Nearest(p.key.text, globalSections); found != p.key.text {
			s.fail(p.key, "'Globals' section is invalid. '%s' is not supported%s", p.key.text, maybe(found, ""))
		} else if p.value.kind != mapping && p.value.kind != null {
			s.fail(p.value, "'Globals' section is invalid. Value of '%s' must be an object", p.key.text)
		}
	}
}

// properties merges what Globals say into the resource's own and checks the names. It never returns nil.
func (s *sam) properties(r *resource, section string, names []string) *node {
	own := r.properties
	if own == nil {
		own = r.key.place().node(mapping)
	}
	if general := s.globals.get(section); general != nil && general.kind == mapping {
		own = merged(general, own)
	}
	for _, p := range own.pairs {
		if found := Nearest(p.key.text, names); found != p.key.text {
			s.fail(p.key, "Resource with id [%s] is invalid. property %s not defined for resource of type %s%s", r.id, p.key.text, r.typ, maybe(found, ""))
		}
	}
	return own
}

// merged lays a resource's value over the general one: objects member by member, lists one after the other, the resource's
// own value for everything else. Source: AWS SAM Developer Guide, "Globals section", "Overridable properties".
func merged(general, own *node) *node {
	_, _, generalCall := general.function()
	_, _, ownCall := own.function()
	switch {
	case generalCall || ownCall:
		return own
	case general.kind == mapping && own.kind == mapping:
		out := *own
		out.pairs = nil
		for _, p := range general.pairs {
			if v := own.get(p.key.text); v != nil {
				p = pair{own.key(p.key.text), merged(p.value, v)}
			}
			out.pairs = append(out.pairs, p)
		}
		for _, p := range own.pairs {
			if general.get(p.key.text) == nil {
				out.pairs = append(out.pairs, p)
			}
		}
		return &out
	case general.kind == list && own.kind == list:
		out := *own
		out.items = append(append([]*node{}, general.items...), own.items...)
		return &out
	}
	return own
}

func (n *node) key(name string) *node {
	for _, p := range n.pairs {
		if p.key.text == name {
			return p.key
		}
	}
	return nil
}

// reduce follows Fn::If. It returns nil for AWS::NoValue and for nothing.
func (s *sam) reduce(n *node) *node {
	for n.isFunction("Fn::If") {
		items := n.pairs[0].value.items
		if s.conditions[items[0].text] {
			n = items[1]
		} else {
			n = items[2]
		}
	}
	if n == nil || n.kind == null || n.isFunction("Ref") && n.pairs[0].value.text == "AWS::NoValue" {
		return nil
	}
	return n
}

// items returns the members of a list, or the one value that stands for a list of one.
func (s *sam) items(n *node) []*node {
	n = s.reduce(n)
	if n == nil {
		return nil
	}
	if n.kind != list {
		return []*node{n}
	}
	var out []*node
	for _, i := range n.items {
		if i = s.reduce(i); i != nil {
			out = append(out, i)
		}
	}
	return out
}

// static evaluates to text what must be known before anything is made. ok=false: n is nil, or a fault was told.
func (s *sam) static(n *node, what string) (string, bool) {
	n = s.reduce(n)
	if n == nil {
		return "", false
	}
	early := &run{evaluator: s.evaluator, faults: s.faults, early: what}
	v, _, ok := early.text(n, what, "the value")
	return v, ok
}

// add makes a resource for another, whose condition and policies it shares.
func (s *sam) add(from *resource, id, typ string, properties *node) *resource {
	key := *from.key
	key.text = id
	r := &resource{
		id: id, key: &key, typ: typ, typeAt: from.typeAt, condition: from.condition,
		deletion: from.deletion, replacement: from.replacement, properties: properties,
	}
	if id != from.id {
		r.from = from.id
	}
	s.made = append(s.made, r)
	return r
}

// addAt is add for what a part of the resource stands for.
func (s *sam) addAt(place at, from *resource, id, typ string, properties *node) {
	key := s.add(from, id, typ, properties).key
	key.line, key.column = place.line, place.column
}

// base makes the resource that keeps the id of the one in the template, and its place in the order of things.
func (s *sam) base(from *resource, id, typ string, properties *node) *resource {
	r := s.add(from, id, typ, properties)
	r.dependsOn, r.metadata = from.dependsOn, from.metadata
	return r
}

// take copies the named properties as they are.
func take(from *node, names ...string) *node {
	out := *from
	out.pairs = nil
	for _, p := range from.pairs {
		for _, name := range names {
			if p.key.text == name {
				out.pairs = append(out.pairs, p)
			}
		}
	}
	return &out
}

// set adds a property that was named otherwise; nothing for a nil value.
func (n *node) set(name string, value *node) {
	if value != nil {
		n.pairs = append(n.pairs, pair{value.place().text(name), value})
	}
}

// tagList turns SAM's object of tags into CloudFormation's list, after SAM's own mark.
func (s *sam) tagList(r *resource, tags *node, mark string) *node {
	place := r.key.place()
	out := place.list()
	if mark != "" {
		out.items = append(out.items, place.object("Key", mark, "Value", "SAM"))
	}
	tags = s.reduce(tags)
	if tags == nil {
		return out
	}
	if _, _, call := tags.function(); call || tags.kind != mapping {
		s.fail(tags, "Resource with id [%s] is invalid. Tags must be an object of names and values", r.id)
		return out
	}
	for _, p := range tags.pairs {
		out.items = append(out.items, p.key.place().object("Key", p.key, "Value", p.value))
	}
	return out
}

// shortHash is what SAM puts at the end of ids: ten digits of a SHA-256.
func shortHash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))[:10]
}

// source is a text that is the same for equal nodes.
func (n *node) source() string {
	h := sha256.New()
	n.hash(h)
	return hex.EncodeToString(h.Sum(nil))
}

func (n *node) hash(h hash.Hash) {
	if n == nil {
		h.Write([]byte("nil"))
		return
	}
	h.Write([]byte{'(', byte(n.kind)})
	h.Write([]byte(n.text))
	for _, i := range n.items {
		i.hash(h)
	}
	for _, p := range n.pairs {
		p.key.hash(h)
		p.value.hash(h)
	}
	h.Write([]byte{')'})
}

// code turns a CodeUri or ContentUri into what CloudFormation has in its place: an S3 object; or, for a folder or file
// beside the template, its path as plain text.
func (s *sam) code(r *resource, uri *node, bucket, key, version string) *node {
	uri = s.reduce(uri)
	switch {
	case uri == nil:
		// As the SAM CLI does.
		return r.key.place().text(".")
	case uri.kind == text && strings.HasPrefix(uri.text, "s3://"):
		name, object, ok := strings.Cut(uri.text[len("s3://"):], "/")
		if !ok || name == "" || object == "" {
			s.fail(uri, "Resource with id [%s] is invalid. %q is no valid S3 Uri of the form 's3://bucket/key'", r.id, uri.text)
		}
		object, v, versioned := strings.Cut(object, "?versionId=")
		out := uri.place().object(bucket, name, key, object)
		if versioned {
			out.set(version, uri.place().text(v))
		}
		return out
	case uri.kind == mapping && uri.get("Bucket") != nil:
		return uri.place().object(bucket, uri.get("Bucket"), key, uri.get("Key"), version, uri.get("Version"))
	}
	if _, _, call := uri.function(); !call && uri.kind != text {
		s.fail(uri, "Resource with id [%s] is invalid. the code's place is a path or an S3 object, and this is %s", r.id, uri.kind)
	}
	return uri
}

// codeHash is the part of an id that changes with the code.
func (s *sam) codeHash(code *node) string {
	if code.kind == text && s.env.CodeHash != nil {
		return s.env.CodeHash(code.text)
	}
	return code.source()
}
