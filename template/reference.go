package template

import (
	"strings"
)

// ref is the value of a name: a pseudo parameter, a parameter, or a resource.
func (r *run) ref(n *node, name string) any {
	if v, ok := r.pseudo(name); ok {
		return v
	}
	if v, ok := r.parameters[name]; ok {
		return v
	}
	if made := r.aliases[name]; made != "" {
		name = made
	}
	if instead := r.resource(n, name); instead != nil {
		return instead
	}
	if r.scope != nil {
		if v, ok := r.scope.Ref(name); ok {
			return r.given(n, v)
		}
	}
	return Unknown{ID: name}
}

// given takes a value from the scope.
func (r *run) given(n *node, v any) any {
	if err, ok := v.(error); ok {
		return r.fail(n, "%s", err)
	}
	return v
}

// resource returns nil when the named resource is there.
func (r *run) resource(n *node, id string) any {
	active, known := r.resources[id]
	switch {
	case r.early != "":
		return r.fail(n, "Template validation error: Unresolved dependencies [%s]. Cannot reference resources in %s", id, r.early)
	case !known:
		return r.fail(n, "%s", r.unresolved(id))
	case !active:
		return r.fail(n, "Template format error: Unresolved resource dependencies [%s] in the Resources block of the template; the condition of %s is false", id, id)
	}
	if r.refers != nil {
		r.refers(id)
	}
	return nil
}

func (e *evaluator) unresolved(id string) string {
	s := "Template format error: Unresolved resource dependencies [" + id + "] in the Resources block of the template"
	switch id {
	case "ServerlessRestApi", "ServerlessHttpApi":
		return s + "; SAM makes it of functions' events, and REST and HTTP APIs are not supported"
	}
	if strings.HasPrefix(id, "AWS::") {
		return s + maybe(Nearest(id, pseudoNames), "")
	}
	names := make([]string, 0, len(e.resources)+len(e.parameters))
	for name := range e.resources {
		names = append(names, name)
	}
	for name := range e.parameters {
		names = append(names, name)
	}
	return s + maybe(nearestSorted(id, names), "")
}

var pseudoNames = strings.Fields("AWS::AccountId AWS::NoValue AWS::NotificationARNs AWS::Partition AWS::Region AWS::StackId " +
	"AWS::StackName AWS::URLSuffix")

func (r *run) pseudo(name string) (any, bool) {
	switch name {
	case "AWS::AccountId":
		return r.env.AccountID, true
	case "AWS::NoValue":
		return removed{}, true
	case "AWS::NotificationARNs":
		out := []any{}
		for _, arn := range r.env.NotificationARNs {
			out = append(out, arn)
		}
		return out, true
	case "AWS::Partition":
		if r.env.Partition == "" {
			return "aws", true
		}
		return r.env.Partition, true
	case "AWS::Region":
		return r.env.Region, true
	case "AWS::StackId":
		return r.env.StackID, true
	case "AWS::StackName":
		return r.env.StackName, true
	case "AWS::URLSuffix":
		if r.env.URLSuffix == "" {
			return "amazonaws.com", true
		}
		return r.env.URLSuffix, true
	}
	return nil, false
}

func (r *run) getAttCall(n, argument *node) any {
	if argument.kind == text {
		return r.getAtt(n, argument.text)
	}
	if argument.kind != list || len(argument.items) != 2 {
		return r.fail(n, "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	}
	attribute, instead, ok := r.text(argument.items[1], "Fn::GetAtt", "the attribute")
	if !ok {
		if u, isUnknown := instead.(Unknown); isUnknown {
			return r.fail(argument.items[1], "Template error: the attribute of Fn::GetAtt cannot be taken from the resource %s", u.ID)
		}
		return instead
	}
	return r.getAtt(n, argument.items[0].text+"."+attribute)
}

// getAtt takes "Id.Attribute", whose attribute may have dots. SAM's "Id.Property.Attribute" leads to the generated one.
func (r *run) getAtt(n *node, path string) any {
	id, attribute := r.split2(path)
	if instead := r.resource(n, id); instead != nil {
		return instead
	}
	if attribute == "" {
		return r.fail(n, "Template error: Fn::GetAtt %s names no attribute", path)
	}
	if r.scope != nil {
		if v, ok := r.scope.GetAtt(id, attribute); ok {
			return r.given(n, v)
		}
	}
	return Unknown{ID: id, Attribute: attribute}
}

func (e *evaluator) split2(path string) (id, attribute string) {
	id, attribute, _ = strings.Cut(path, ".")
	property, rest, more := strings.Cut(attribute, ".")
	if made := e.aliases[id+"."+property]; made != "" && more {
		return made, rest
	}
	if made := e.aliases[id]; made != "" {
		return made, attribute
	}
	return id, attribute
}

// sub is Fn::Sub.
func (r *run) sub(n, argument *node) any {
	body, variables := argument, (*node)(nil)
	if argument.kind == list && len(argument.items) == 2 {
		body, variables = argument.items[0], argument.items[1]
	}
	parts, fault := subParts(body.text)
	if body.kind != text || fault != "" {
		return r.fail(n, "Template error: Fn::Sub takes a string; %s", fault)
	}
	given := map[string]any{}
	if variables != nil {
		for _, p := range variables.pairs {
			given[p.key.text] = r.value(p.value)
		}
	}
	var out strings.Builder
	var unknown any
	for _, p := range parts {
		if p.name == "" {
			out.WriteString(p.literal)
			continue
		}
		v, isGiven := given[p.name]
		switch {
		case isGiven:
		case strings.Contains(p.name, ".") && r.aliases[p.name] == "":
			v = r.getAtt(body, p.name)
		default:
			v = r.ref(body, p.name)
		}
		switch v := v.(type) {
		case failed:
			return v
		case Unknown:
			if unknown == nil {
				unknown = v
			}
			continue
		}
		s, isText := plainText(v)
		if !isText {
			return r.fail(body, "Template error: variable %s in Fn::Sub expression does not resolve to a string, but to %s", p.name, typeName(v))
		}
		if r.made += len(s); r.made > maxText {
			return r.checked(n, "")
		}
		out.WriteString(s)
	}
	if unknown != nil {
		return unknown
	}
	return r.checked(n, out.String())
}

// subPart is a stretch of literal text, or the name of a variable.
type subPart struct{ literal, name string }

// subParts cuts the text of an Fn::Sub.
//
//	text     = *( literal / variable / escaped )
//	variable = "${" name "}"           ; a name has letters, digits, "_", ".", ":"
//	escaped  = "${!" literal "}"       ; stands for "${" literal "}"
//
// A "${" that is never closed is literal.
func subParts(s string) (parts []subPart, fault string) {
	for s != "" {
		start := strings.Index(s, "${")
		if start < 0 {
			break
		}
		length := strings.IndexByte(s[start:], '}')
		if length < 0 {
			break
		}
		if start > 0 {
			parts = append(parts, subPart{literal: s[:start]})
		}
		inside := s[start+2 : start+length]
		s = s[start+length+1:]
		if escaped, ok := strings.CutPrefix(inside, "!"); ok {
			parts = append(parts, subPart{literal: "${" + escaped + "}"})
			continue
		}
		name := strings.TrimSpace(inside)
		if !subName(name) {
			return nil, "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons; ${" +
				inside + "} does not (write ${!" + inside + "} for the literal text)"
		}
		parts = append(parts, subPart{name: name})
	}
	if s != "" {
		parts = append(parts, subPart{literal: s})
	}
	return parts, ""
}

func subName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && c != '.' && c != ':' && !alphanumeric(s[i:i+1]) {
			return false
		}
	}
	return s != ""
}
