package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// document is what a policy's text says, before anything is known about whether it makes sense.
type document struct {
	version    string // "" when there is none
	statements []rawStatement
}

// rawStatement is one statement as written. A nil list is an element that is not there.
type rawStatement struct {
	sid, effect         string
	action, notAction   []string
	resource, notAny    []string // notAny is NotResource
	principal, notThese []rawPrincipal
	conditions          []rawCondition
	// seen are the names of the elements that are there.
	seen map[string]bool
}

// rawPrincipal is one name of one kind. The kind is "" for the text "*".
type rawPrincipal struct{ kind, name string }

// rawCondition is one key of one operator.
type rawCondition struct {
	operator, key string
	values        []string
}

// reader reads a document element by element. Its depth is that of the grammar, not of the text.
type reader struct {
	*json.Decoder
	kind kind
}

// readDocument reads a document. Errors say what was found and where; for the peer they are all one (see parse).
func readDocument(text []byte, k kind) (*document, error) {
	r := reader{json.NewDecoder(bytes.NewReader(text)), k}
	r.UseNumber()
	d := &document{}
	hasStatement := false
	err := r.object(func(name string) (err error) {
		switch name {
		case "Version":
			if d.version, err = r.text(); err == nil && d.version != "2008-10-17" && d.version != "2012-10-17" {
				err = fmt.Errorf("unknown version %q", d.version)
			}
		case "Id":
			_, err = r.text()
		case "Statement":
			hasStatement = true
			d.statements, err = r.statements()
		default:
			err = errors.New("unknown element")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, err := r.Token(); err != io.EOF {
		return nil, errors.New("text after the document")
	}
	if !hasStatement {
		return nil, errors.New("no Statement")
	}
	return d, nil
}

func (r *reader) statements() ([]rawStatement, error) {
	list := []rawStatement{}
	one := func(first json.Token) error {
		s, err := r.statement(first)
		if err != nil {
			return fmt.Errorf("statement %d: %w", len(list), err)
		}
		list = append(list, s)
		return nil
	}
	first, err := r.Token()
	if err != nil {
		return nil, err
	}
	if first != json.Delim('[') {
		return list, one(first)
	}
	return list, r.items(one)
}

func (r *reader) statement(first json.Token) (rawStatement, error) {
	s := rawStatement{seen: map[string]bool{}}
	err := r.members(first, func(name string) (err error) {
		s.seen[name] = true
		switch name {
		case "Sid":
			s.sid, err = r.text()
		case "Effect":
			s.effect, err = r.text()
		case "Action":
			s.action, err = r.list(false)
		case "NotAction":
			s.notAction, err = r.list(false)
		case "Resource":
			s.resource, err = r.list(false)
		case "NotResource":
			s.notAny, err = r.list(false)
		case "Principal", "NotPrincipal":
			if r.kind == authorizer {
				return r.skip()
			}
			var p []rawPrincipal
			if p, err = r.principals(); name == "Principal" {
				s.principal = p
			} else {
				s.notThese = p
			}
		case "Condition":
			s.conditions, err = r.conditions()
		default:
			err = errors.New("unknown element")
		}
		return err
	})
	if err != nil {
		return s, err
	}
	for _, name := range [...]string{"Action", "Resource", "Principal"} {
		if s.seen[name] && s.seen["Not"+name] {
			return s, fmt.Errorf("both %s and Not%s", name, name)
		}
	}
	return s, nil
}

func (r *reader) principals() ([]rawPrincipal, error) {
	first, err := r.Token()
	if err != nil {
		return nil, err
	}
	if text, ok := first.(string); ok {
		if text != "*" {
			return nil, fmt.Errorf("%q is neither \"*\" nor an object", text)
		}
		return []rawPrincipal{{"", "*"}}, nil
	}
	list := []rawPrincipal{}
	err = r.members(first, func(name string) error {
		switch name {
		case "AWS", "Service", "Federated", "CanonicalUser":
		default:
			return errors.New("unknown kind of principal")
		}
		names, err := r.list(false)
		for _, n := range names {
			list = append(list, rawPrincipal{name, n})
		}
		return err
	})
	return list, err
}

func (r *reader) conditions() ([]rawCondition, error) {
	var list []rawCondition
	err := r.object(func(operator string) error {
		_, _, _, known := parseOperator(operator)
		return r.object(func(key string) error {
			values, err := r.list(true)
			if err == nil && !known { // IAM lets an unknown operator without keys pass
				err = errors.New("unknown operator")
			}
			list = append(list, rawCondition{operator, key, values})
			return err
		})
	})
	return list, err
}

// object reads an object, calling member at each value.
func (r *reader) object(member func(name string) error) error {
	first, err := r.Token()
	if err != nil || r.absent(first) {
		return err
	}
	return r.members(first, member)
}

// members is object for one whose first token has been read. A name may stand there once. Errors of member get the name.
func (r *reader) members(first json.Token, member func(name string) error) error {
	if first != json.Delim('{') {
		return fmt.Errorf("%v is not an object", first)
	}
	seen := map[string]bool{}
	for r.More() {
		t, err := r.Token()
		if err != nil {
			return err
		}
		name := t.(string)
		if seen[name] {
			return fmt.Errorf("%s: more than once", name)
		}
		seen[name] = true
		if err := member(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err := r.Token()
	return err
}

// items reads an array whose bracket has been read, calling item with the first token of each value.
func (r *reader) items(item func(first json.Token) error) error {
	for r.More() {
		t, err := r.Token()
		if err != nil {
			return err
		}
		if err := item(t); err != nil {
			return err
		}
	}
	_, err := r.Token()
	return err
}

// absent reports whether a value counts as not there: the null that some languages' serializers write for a member that is not set
// passes in an authorizer's output. That AWS is as lenient is UNCONFIRMED.
func (r *reader) absent(t json.Token) bool { return t == nil && r.kind == authorizer }

// text reads a string.
func (r *reader) text() (string, error) {
	t, err := r.Token()
	if err != nil || r.absent(t) {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("%v is not a string", t)
	}
	return s, nil
}

// list reads a string or an array of strings; with scalars, numbers and booleans too, which become their text. It is not nil.
func (r *reader) list(scalars bool) ([]string, error) {
	list := []string{}
	one := func(t json.Token) error {
		switch v := t.(type) {
		case string:
			list = append(list, v)
			return nil
		case json.Number:
			if scalars {
				list = append(list, v.String())
				return nil
			}
		case bool:
			if scalars {
				list = append(list, fmt.Sprint(v))
				return nil
			}
		}
		return fmt.Errorf("%v is not a string", t)
	}
	t, err := r.Token()
	switch {
	case err != nil:
		return nil, err
	case r.absent(t):
	case t == json.Delim('['):
		err = r.items(one)
	default:
		err = one(t)
	}
	return list, err
}

// skip reads over any value.
func (r *reader) skip() error {
	for depth := 0; ; {
		t, err := r.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}
