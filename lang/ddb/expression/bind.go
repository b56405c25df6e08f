package expression

import (
	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

// bound is a parsed expression with a request's names and values.
type bound struct {
	*parsed
	paths  []Path
	values []value.Value
}

func (e *bound) fail(format string, args ...any) error {
	return sockgate.Invalidf("Invalid "+e.kind.label()+": "+format, args...)
}

// bind parses an expression, or finds it in the cache, and checks it with the scope's names and values.
func (s *scope) bind(c *Cache, k kind, text string) (*bound, error) {
	p, err := c.parse(k, text)
	if err != nil {
		return nil, err
	}
	e := &bound{parsed: p, paths: make([]Path, len(p.paths)), values: make([]value.Value, len(p.values))}
	missing := e.resolve(s)
	switch k {
	case update:
		err = e.checkUpdate(missing)
	case projection:
		if len(missing.names) > 0 {
			err = e.undefinedName(missing.names[0])
			break
		}
		if err = e.checkDepth(e.paths); err == nil {
			err = e.checkPaths(e.paths)
		}
	default:
		err = e.checkCondition(p.root, missing)
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// missing is what an expression mentions and its request does not define.
type missing struct {
	names  []string
	values []string
}

// resolve puts names and values in their places and notes their use.
func (e *bound) resolve(s *scope) missing {
	var m missing
	for _, name := range e.parsed.names {
		if _, ok := s.texts.Names[name]; ok {
			s.usedNames[name] = true
		} else {
			m.names = append(m.names, name)
		}
	}
	for i, name := range e.parsed.values {
		v, ok := s.texts.Values.Get(name)
		if !ok {
			m.values = append(m.values, name)
			continue
		}
		s.usedValues[name] = true
		e.values[i] = v
	}
	for i := range e.parsed.paths {
		t := &e.parsed.paths[i]
		if t.refs == nil {
			e.paths[i] = t.steps
			continue
		}
		p := make(Path, len(t.steps))
		copy(p, t.steps)
		for j, ref := range t.refs {
			if ref >= 0 {
				p[j].Name = s.texts.Names[e.parsed.names[ref]]
			}
		}
		e.paths[i] = p
	}
	return m
}

func (e *bound) undefinedName(name string) error {
	return e.fail("An expression attribute name used in the document path is not defined; attribute name: %s", name)
}

func (e *bound) undefinedValue(name string) error {
	return e.fail("An expression attribute value used in expression is not defined; attribute value: %s", name)
}

// checkDepth limits how deep paths lead.
func (e *bound) checkDepth(paths []Path) error {
	for _, p := range paths {
		if len(p) > value.MaxDepth {
			return e.fail("The document path has too many nesting levels; nesting levels: %d", len(p))
		}
	}
	return nil
}
