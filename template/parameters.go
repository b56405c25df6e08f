package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

var parameterMembers = strings.Fields("Type Default Description AllowedValues AllowedPattern MinLength MaxLength MinValue " +
	"MaxValue NoEcho ConstraintDescription")

func (t *Template) parameters(m *node, f *faults) {
	if m == nil {
		return
	}
	if len(m.pairs) > maxParameters {
		f.add(m, "over %d parameters", maxParameters)
	}
	for _, p := range m.pairs {
		if !f.logicalID("Parameters", p.key) {
			continue
		}
		if p.value.kind != mapping {
			f.add(p.value, "Template format error: Every Parameters object must be an object with a Type, and %s is %s", p.key.text, p.value.kind)
			continue
		}
		t.Parameters = append(t.Parameters, readParameter(p, f))
	}
}

func readParameter(p pair, f *faults) Parameter {
	out := Parameter{Name: p.key.text, Line: p.key.line, Column: p.key.column}
	scalar := func(v *node) string {
		if !v.isScalar() {
			f.add(v, "Template format error: a member of parameter %s must be text or a number, and this is %s", out.Name, v.kind)
		}
		return v.text
	}
	for _, a := range p.value.pairs {
		v := a.value
		switch a.key.text {
		case "Type":
			out.Type = scalar(v)
			if !knownParameterType(out.Type) {
				f.add(v, "Template format error: Unrecognized parameter type: %s", out.Type)
			}
		case "Default":
			s := scalar(v)
			out.Default = &s
		case "Description":
			out.Description = scalar(v)
		case "ConstraintDescription":
			out.ConstraintDescription = scalar(v)
		case "NoEcho":
			out.NoEcho = strings.EqualFold(scalar(v), "true")
		case "AllowedPattern":
			out.AllowedPattern = scalar(v)
			if _, err := regexp.Compile(anchored(out.AllowedPattern)); err != nil {
				// Looking around, which CloudFormation's patterns may do and ours cannot, is left unchecked rather than refused.
				if syntaxErr, ok := errors.AsType[*syntax.Error](err); !ok || syntaxErr.Code != syntax.ErrInvalidPerlOp {
					f.add(v, "AllowedPattern of %s is not understood: %s", out.Name, err)
				}
				out.AllowedPattern = ""
			}
		case "AllowedValues":
			if v.kind != list {
				f.add(v, "Template format error: AllowedValues of %s must be a list", out.Name)
				continue
			}
			for _, i := range v.items {
				out.AllowedValues = append(out.AllowedValues, scalar(i))
			}
		case "MinLength", "MaxLength":
			n, err := strconv.Atoi(scalar(v))
			if err != nil || n < 0 {
				f.add(v, "Template format error: %s of %s must be a number", a.key.text, out.Name)
			}
			if a.key.text == "MinLength" {
				out.MinLength = &n
			} else {
				out.MaxLength = &n
			}
		case "MinValue", "MaxValue":
			n, err := strconv.ParseFloat(scalar(v), 64)
			if err != nil {
				f.add(v, "Template format error: %s of %s must be a number", a.key.text, out.Name)
			}
			if a.key.text == "MinValue" {
				out.MinValue = &n
			} else {
				out.MaxValue = &n
			}
		default:
			f.add(a.key, "Template format error: unknown member %s of parameter %s%s", a.key.text, out.Name, maybe(Nearest(a.key.text, parameterMembers), ""))
		}
	}
	if out.Type == "" {
		f.add(p.key, "Template format error: Every Parameters object must contain a Type member; %s has none", out.Name)
	}
	return out
}

func anchored(pattern string) string { return "^(?:" + pattern + ")$" }

// knownParameterType: the AWS-specific types are texts here, since the things that they name are not looked up.
func knownParameterType(name string) bool {
	switch name {
	case "String", "Number", "List<Number>", "List<String>", "CommaDelimitedList", "AWS::SSM::Parameter::Name":
		return true
	}
	inner, isList := strings.CutPrefix(name, "List<")
	if isList {
		inner = strings.TrimSuffix(inner, ">")
	}
	return strings.HasPrefix(inner, "AWS::EC2::") || strings.HasPrefix(inner, "AWS::Route53::HostedZone::Id") || isSSM(name)
}

func isSSM(name string) bool { return strings.HasPrefix(name, "AWS::SSM::Parameter::Value<") }

func isListType(name string) bool {
	return name == "CommaDelimitedList" || strings.HasPrefix(name, "List<") ||
		strings.HasPrefix(name, "AWS::SSM::Parameter::Value<List<") || name == "AWS::SSM::Parameter::Value<CommaDelimitedList>"
}

// bootstrap is the parameter by which every template of the AWS CDK asks whether the account was prepared for it. There is nothing to prepare
// here, so it was; the version is one that the CDK's rule accepts, which refuses 1 to 5.
var bootstrap = regexp.MustCompile(`^/cdk-bootstrap/[^/]+/version$`)

const bootstrapVersion = "30"

// bindParameters checks the given values against the declared parameters.
func (t *Template) bindParameters(given map[string]string, f *faults) map[string]any {
	values := map[string]any{}
	var missing, names []string
	var missingAt *node
	for i := range t.Parameters {
		p := &t.Parameters[i]
		names = append(names, p.Name)
		raw, ok := given[p.Name]
		if !ok && p.Default != nil {
			raw, ok = *p.Default, true
		}
		if !ok {
			missing = append(missing, p.Name)
			if missingAt == nil {
				missingAt = p.at()
			}
			continue
		}
		// A value from Systems Manager is read at its time, and there is none here. What is given stands for the value itself;
		// a default is the name of a parameter, which is not the value that the template means.
		if _, isGiven := given[p.Name]; isSSM(p.Type) && !isGiven {
			if bootstrap.MatchString(raw) {
				values[p.Name] = bootstrapVersion
				continue
			}
			f.add(p.at(), "parameter %s reads %q from Systems Manager, which is not available; give its value: --parameters %s=VALUE", p.Name, raw, p.Name)
			continue
		}
		v, err := p.value(raw)
		if err != nil {
			f.add(p.at(), "%s", err)
			continue
		}
		values[p.Name] = v
	}
	if missing != nil {
		f.add(missingAt, "Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	var unknown []string
	for name := range given {
		if !slices.Contains(names, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		f.add(nil, "Parameters: [%s] do not exist in the template%s", name, maybe(Nearest(name, names), ""))
	}
	return values
}

func (p *Parameter) at() *node { return &node{line: p.Line, column: p.Column} }

// value checks one raw value and gives it its shape.
func (p *Parameter) value(raw string) (any, error) {
	if len(raw) > maxValue {
		return nil, fmt.Errorf("Parameter '%s' must contain at most %d bytes", p.Name, maxValue)
	}
	items := []string{raw}
	if isListType(p.Type) {
		items = strings.Split(raw, ",")
		for i := range items {
			items[i] = strings.TrimSpace(items[i])
		}
		if raw == "" {
			items = nil
		}
	}
	out := []any{}
	for _, item := range items {
		if err := p.check(item); err != nil {
			return nil, err
		}
		if p.Type == "Number" || p.Type == "List<Number>" {
			out = append(out, numberOr(item))
			continue
		}
		out = append(out, item)
	}
	if isListType(p.Type) {
		return out, nil
	}
	return out[0], nil
}

// numberOr keeps the digits as they were given, when JSON can take them.
func numberOr(s string) any {
	n := &node{}
	if plain(n, s); n.kind == number {
		return json.Number(n.text)
	}
	return s
}

func (p *Parameter) check(item string) error {
	if p.Type == "Number" || p.Type == "List<Number>" {
		n, err := strconv.ParseFloat(item, 64)
		switch {
		case err != nil || math.IsNaN(n) || math.IsInf(n, 0):
			return p.refuse("Parameter '%s' must be a number", p.Name)
		case p.MinValue != nil && n < *p.MinValue:
			return p.refuse("Parameter '%s' must be a number not less than %v", p.Name, *p.MinValue)
		case p.MaxValue != nil && n > *p.MaxValue:
			return p.refuse("Parameter '%s' must be a number not greater than %v", p.Name, *p.MaxValue)
		}
	}
	length := len([]rune(item))
	switch {
	case p.AllowedValues != nil && !slices.Contains(p.AllowedValues, item):
		return p.refuse("Parameter '%s' must be one of AllowedValues", p.Name)
	case p.MinLength != nil && length < *p.MinLength:
		return p.refuse("Parameter '%s' must contain at least %d characters", p.Name, *p.MinLength)
	case p.MaxLength != nil && length > *p.MaxLength:
		return p.refuse("Parameter '%s' must contain at most %d characters", p.Name, *p.MaxLength)
	case p.AllowedPattern != "":
		// It was compiled once by Parse, so it is well-formed.
		if !regexp.MustCompile(anchored(p.AllowedPattern)).MatchString(item) {
			return p.refuse("Parameter '%s' must match pattern %s", p.Name, p.AllowedPattern)
		}
	}
	return nil
}

// refuse says ConstraintDescription in place of the rule, as CloudFormation does.
func (p *Parameter) refuse(format string, args ...any) error {
	if p.ConstraintDescription != "" {
		return fmt.Errorf("Parameter '%s' failed to satisfy constraint: %s", p.Name, p.ConstraintDescription)
	}
	if p.AllowedValues != nil {
		return fmt.Errorf(format+" (%s)", append(args, strings.Join(p.AllowedValues, ", "))...)
	}
	return fmt.Errorf(format, args...)
}
