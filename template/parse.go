package template

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// The transforms that are known.
const (
	serverlessTransform = "AWS::Serverless-2016-10-31"
	languageTransform   = "AWS::LanguageExtensions"
)

// resource is one entry of the Resources section, or one that SAM made.
type resource struct {
	id           string
	key          *node // where the id is written
	typ          string
	typeAt       *node
	condition    string // "" for none
	conditionAt  *node
	dependsOn    []*node // texts
	properties   *node   // a mapping, or nil
	metadata     *node
	deletion     *node
	replacement  *node
	connectors   *node
	from         string // the SAM resource that it was made for
	skipExisting bool   // two SAM resources may make the same one (a domain name); the first stays
}

// Parse reads a template. file names it in errors. src is YAML or JSON, UTF-8, at most 1 MB; it is not kept.
//
// What depends on parameters, and references to resources (which SAM may generate), is checked by Bind.
func Parse(file string, src []byte) (*Template, error) {
	t := &Template{file: file}
	f := &faults{file: file}
	root := readSource(file, src, f)
	if root != nil {
		t.read(root, f)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return t, nil
}

func readSource(file string, src []byte, f *faults) *node {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if len(src) > maxSource {
		f.add(nil, "the template is over 1 MB (%d bytes)", len(src))
		return nil
	}
	if at := invalidUTF8(src); at >= 0 {
		place := &node{}
		place.line, place.column = where(src, lineStarts(src), at)
		f.add(place, "the template is not UTF-8 text")
		return nil
	}
	body := bytes.TrimLeft(src, " \t\r\n")
	var root *node
	// JSON is read as JSON, since YAML takes neither its tabs nor all of its escapes. A YAML flow mapping may begin alike.
	if len(body) > 0 && body[0] == '{' && (json.Valid(src) || strings.HasSuffix(strings.ToLower(file), ".json")) {
		root = readJSON(src, f)
	} else {
		root = readYAML(src, f)
	}
	switch {
	case len(f.list) > 0:
	case root == nil || root.kind == null:
		f.add(nil, "the template is empty")
	case root.kind != mapping:
		f.add(root, "a template is an object with a section Resources, and this is %s", root.kind)
	default:
		return root
	}
	return nil
}

func invalidUTF8(src []byte) int {
	if utf8.Valid(src) {
		return -1
	}
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

var sections = strings.Fields("AWSTemplateFormatVersion Description Metadata Parameters Rules Mappings Conditions Transform " +
	"Globals Hooks Resources Outputs")

func (t *Template) read(root *node, f *faults) {
	for _, p := range root.pairs {
		t.section(p, f)
	}
	if root.get("Resources") == nil {
		f.add(root, "Template format error: At least one Resources member must be defined.")
	}
	if t.globals != nil && !t.Serverless {
		f.add(t.globals, "Globals needs \"Transform: %s\"", serverlessTransform)
	}
	c := checker{t: t, faults: f}
	c.template()
}

func (t *Template) section(p pair, f *faults) {
	switch name, v := p.key.text, p.value; name {
	case "AWSTemplateFormatVersion":
		if v.text != "2010-09-09" {
			f.add(v, "Template format error: unsupported value for AWSTemplateFormatVersion; it is 2010-09-09")
		}
	case "Description":
		if v.kind != text {
			f.add(v, "Template format error: Description must be text")
		}
		t.Description = v.text
	case "Metadata":
		t.metadata = f.object(name, v)
	case "Transform":
		t.transforms(v, f)
	case "Parameters":
		t.parameters(f.object(name, v), f)
	case "Mappings":
		t.mappings = f.object(name, v)
		checkMappings(t.mappings, f)
	case "Conditions":
		t.conditions = f.named(name, v)
	case "Rules":
		t.rules = f.named(name, v)
	case "Globals":
		t.globals = f.object(name, v)
	case "Resources":
		t.readResources(v, f)
	case "Outputs":
		t.outputs = f.named(name, v)
		if len(t.outputs) > maxOutputs {
			f.add(v, "over %d outputs", maxOutputs)
		}
	case "Hooks":
		f.add(p.key, "Hooks are not supported")
	default:
		if strings.HasPrefix(name, "Fn::") {
			f.add(p.key, "%s is not supported", name)
			return
		}
		f.add(p.key, "Template format error: unknown section %s%s", name, maybe(Nearest(name, sections), ""))
	}
}

// object returns v if it is a mapping (a missing value is an empty one), or nil and a fault.
func (f *faults) object(what string, v *node) *node {
	switch v.kind {
	case mapping:
		return v
	case null:
		return &node{kind: mapping, line: v.line, column: v.column}
	}
	f.add(v, "Template format error: %s must be an object, and this is %s", what, v.kind)
	return nil
}

// named returns the members of a section whose names must be alphanumeric.
func (f *faults) named(section string, v *node) []pair {
	m := f.object(section, v)
	if m == nil {
		return nil
	}
	for _, p := range m.pairs {
		f.logicalID(section, p.key)
	}
	return m.pairs
}

func (f *faults) logicalID(section string, key *node) bool {
	switch {
	case strings.HasPrefix(key.text, "Fn::ForEach"):
		f.add(key, "Fn::ForEach is not supported; write the loop out")
	case strings.HasPrefix(key.text, "Fn::"):
		f.add(key, "%s is not supported in %s", key.text, section)
	case !alphanumeric(key.text):
		f.add(key, "Template format error: name %q in %s is not alphanumeric", key.text, section)
	case len(key.text) > maxLogicalID:
		f.add(key, "Template format error: a name in %s is over %d characters", section, maxLogicalID)
	default:
		return true
	}
	return false
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}

func (t *Template) transforms(v *node, f *faults) {
	all := []*node{v}
	if v.kind == list {
		all = v.items
	}
	for _, one := range all {
		switch one.text {
		case serverlessTransform:
			t.Serverless = true
		case languageTransform:
			t.LanguageExtensions = true
		default:
			name := one.text
			if one.kind == mapping {
				name = one.get("Name").textOr("Fn::Transform")
			}
			f.add(one, "transform %s is not supported; %s and %s are", name, serverlessTransform, languageTransform)
		}
	}
}

func (n *node) textOr(other string) string {
	if n == nil || n.kind != text {
		return other
	}
	return n.text
}

func checkMappings(m *node, f *faults) {
	if m == nil {
		return
	}
	if len(m.pairs) > maxMappings {
		f.add(m, "over %d mappings", maxMappings)
	}
	for _, top := range m.pairs {
		if !f.logicalID("Mappings", top.key) {
			continue
		}
		if top.value.kind != mapping {
			f.add(top.value, "Template format error: Every Mappings member must be an object of objects, and %s is %s", top.key.text, top.value.kind)
			continue
		}
		for _, second := range top.value.pairs {
			if second.value.kind != mapping {
				f.add(second.value, "Template format error: Every Mappings attribute must be an object, and %s.%s is %s", top.key.text, second.key.text, second.value.kind)
				continue
			}
			for _, leaf := range second.value.pairs {
				checkLeaf(top.key.text, leaf.value, f)
			}
		}
	}
}

func checkLeaf(name string, v *node, f *faults) {
	ok := v.isScalar()
	if v.kind == list {
		ok = true
		for _, i := range v.items {
			ok = ok && i.isScalar()
		}
	}
	if !ok {
		f.add(v, "Template format error: a value in mapping %s must be text or a list of texts; functions do not work there", name)
	}
}

var attributes = strings.Fields("Type Properties DependsOn Condition Metadata CreationPolicy UpdatePolicy DeletionPolicy " +
	"UpdateReplacePolicy Connectors Description Version")

func (t *Template) readResources(v *node, f *faults) {
	m := f.object("Resources", v)
	if m == nil {
		return
	}
	if len(m.pairs) == 0 {
		f.add(v, "Template format error: At least one Resources member must be defined.")
	}
	if len(m.pairs) > maxResources {
		f.add(v, "Template format error: Number of resources, %d, is greater than maximum allowed, %d", len(m.pairs), maxResources)
		return
	}
	for _, p := range m.pairs {
		if !f.logicalID("Resources", p.key) {
			continue
		}
		if p.value.kind != mapping {
			f.add(p.value, "Template format error: Any Resources member must be an object, and %s is %s", p.key.text, p.value.kind)
			continue
		}
		t.resources = append(t.resources, readResource(p, f))
	}
}

func readResource(p pair, f *faults) *resource {
	r := &resource{id: p.key.text, key: p.key}
	for _, a := range p.value.pairs {
		switch v := a.value; a.key.text {
		case "Type":
			r.typ, r.typeAt = v.text, v
			if v.kind != text || !strings.Contains(v.text, "::") {
				f.add(v, "Template format error: [/Resources/%s/Type] must be the name of a resource type, like AWS::Lambda::Function", r.id)
			}
		case "Properties":
			r.properties = f.object("Properties of "+r.id, v)
		case "DependsOn":
			r.dependsOn = texts(r.id+".DependsOn", v, f)
		case "Condition":
			r.condition, r.conditionAt = v.text, v
			if v.kind != text {
				f.add(v, "Template format error: Condition of %s must be the name of a condition", r.id)
			}
		case "Metadata":
			r.metadata = f.object("Metadata of "+r.id, v)
		case "DeletionPolicy":
			r.deletion = v
		case "UpdateReplacePolicy":
			r.replacement = v
		case "Connectors":
			r.connectors = f.object("Connectors of "+r.id, v)
		case "Description", "Version":
		case "CreationPolicy", "UpdatePolicy": // they wait for signals of instances, and there are none
		default:
			f.add(a.key, "Template format error: unknown attribute %s of resource %s%s", a.key.text, r.id, maybe(Nearest(a.key.text, attributes), ""))
		}
	}
	if r.typeAt == nil {
		f.add(p.key, "Template format error: [/Resources/%s] Every Resources object must contain a Type member.", r.id)
	}
	return r
}

// texts takes one text or a list of them.
func texts(what string, v *node, f *faults) []*node {
	all := []*node{v}
	if v.kind == list {
		all = v.items
	}
	for _, one := range all {
		if one.kind != text {
			f.add(one, "Template format error: %s must be text or a list of texts", what)
			return nil
		}
	}
	return all
}
