// Package expression compiles DynamoDB's expressions and their older equivalents, checks them as DynamoDB does, with its
// words, and evaluates them on items: conditions, filters, key conditions, updates, projections.
//
// An expression's text is parsed once and remembered (Cache); with each request it is bound to that request's names and
// values, which is when names, values and their types are checked. Nothing here does I/O or knows a table; what depends on a
// table's schema takes a Schema.
//
//	condition  = or
//	or         = and *( "OR" and )
//	and        = not *( "AND" not )
//	not        = "NOT" not / predicate
//	predicate  = operand comparator operand
//	           / operand "BETWEEN" operand "AND" operand
//	           / operand "IN" "(" operand *( "," operand ) ")"
//	           / call / "(" or ")"
//	operand    = path / value / call / "(" operand ")"
//	update     = 1*( "SET" set / "REMOVE" paths / ("ADD" / "DELETE") pairs )
//	set        = path "=" sum *( "," path "=" sum )
//	sum        = operand [ ("+" / "-") operand ] / "(" sum ")"
//	pairs      = path value *( "," path value )
//	paths      = path *( "," path )
//	call       = identifier "(" operand *( "," operand ) ")"
//	path       = element *( "." element / "[" number "]" )
//	element    = identifier / "#" name
//	value      = ":" name
//
// All errors are *sockgate.Error of kind Invalid (ValidationException) unless said otherwise. Single-item writes put
// "1 validation error detected: " before some of them in the service's newer regions; that is for the caller to add.
package expression

import (
	"sort"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/ddb/value"
)

// Limits. Source: Developer Guide, "Service, account, and table quotas", Expression parameters.
const (
	maxSize      = 4096
	maxOperators = 300
	maxIn        = 100
	maxParameter = 255 // bytes of a "#name" or ":name"
	maxIndex     = 1<<31 - 1
)

// Texts is what a request says in expressions. A nil field was not given; an empty text was, and is an error.
type Texts struct {
	Update, Condition, KeyCondition, Filter, Projection *string

	Names  map[string]string // ExpressionAttributeNames: "#n" to attribute name; nil when not given
	Values value.Item        // ExpressionAttributeValues: ":v" to value; nil when not given, empty but not nil when {}

	// Current takes the newer wording of broken values, without a wrapper: see value.Value.ErrCurrent.
	Current bool
}

// Bound is the compiled form of a request's expressions. A nil field was not given. It shares the request's values and
// remembers nothing between evaluations, so that many goroutines may use it.
type Bound struct {
	Update       *Update
	Condition    *Condition
	KeyCondition *KeyCondition
	Filter       *Condition
	Projection   *Projection
}

// scope is what a request's expressions are bound with: its names and values, and which of them were used.
type scope struct {
	texts      Texts
	usedNames  map[string]bool
	usedValues map[string]bool
}

// Bind checks and compiles all of a request's expressions in DynamoDB's order: names and values themselves, each expression
// (update, condition, key condition, filter, projection), and that no name or value is left unused.
func (c *Cache) Bind(t Texts) (Bound, error) {
	var b Bound
	if err := checkParameters(t); err != nil {
		return b, err
	}
	s := &scope{texts: t, usedNames: make(map[string]bool, len(t.Names)), usedValues: make(map[string]bool, len(t.Values))}
	err := s.bindAll(c, &b)
	if err != nil {
		return Bound{}, err
	}
	return b, nil
}

func (s *scope) bindAll(c *Cache, b *Bound) error {
	t := s.texts
	if t.Update != nil {
		e, err := s.bind(c, update, *t.Update)
		if err != nil {
			return err
		}
		if b.Update, err = e.newUpdate(); err != nil {
			return err
		}
	}
	if t.Condition != nil {
		e, err := s.bind(c, condition, *t.Condition)
		if err != nil {
			return err
		}
		b.Condition = e.newCondition()
	}
	var key *bound
	if t.KeyCondition != nil {
		e, err := s.bind(c, keyCondition, *t.KeyCondition)
		if err != nil {
			return err
		}
		key = e
	}
	if t.Filter != nil {
		e, err := s.bind(c, filter, *t.Filter)
		if err != nil {
			return err
		}
		b.Filter = e.newCondition()
	}
	if t.Projection != nil {
		e, err := s.bind(c, projection, *t.Projection)
		if err != nil {
			return err
		}
		b.Projection = e.newProjection()
	}
	if err := s.unused(); err != nil {
		return err
	}
	if key != nil {
		k, err := key.newKeyCondition()
		if err != nil {
			return err
		}
		b.KeyCondition = k
	}
	return nil
}

// checkParameters checks names and values by themselves.
func checkParameters(t Texts) error {
	if t.Names != nil {
		if len(t.Names) == 0 {
			return sockgate.Invalidf("ExpressionAttributeNames must not be empty")
		}
		for _, name := range sortedNames(t.Names) {
			if err := checkParameter("ExpressionAttributeNames", '#', name); err != nil {
				return err
			}
			if t.Names[name] == "" {
				return sockgate.Invalidf("ExpressionAttributeNames contains invalid value: Empty attribute name for key %s", name)
			}
		}
	}
	if t.Values != nil {
		if len(t.Values) == 0 {
			return sockgate.Invalidf("ExpressionAttributeValues must not be empty")
		}
		for i := range t.Values {
			if err := checkParameter("ExpressionAttributeValues", ':', t.Values[i].Name); err != nil {
				return err
			}
		}
		for i := range t.Values {
			v := &t.Values[i]
			if t.Current {
				if err := v.Value.ErrCurrent(); err != nil {
					return err
				}
			} else if err := v.Value.Err(); err != nil {
				return sockgate.Invalidf("ExpressionAttributeValues contains invalid value: %s for key %s", err, v.Name)
			}
		}
	}
	return nil
}

// checkParameter checks the spelling of a "#name" or ":name" where it is defined.
func checkParameter(of string, sign byte, name string) error {
	if len(name) > maxParameter {
		return sockgate.Invalidf("%s contains invalid key: The expression attribute map contains a key that is too long; size of key: %d", of, len(name))
	}
	ok := len(name) > 1 && name[0] == sign
	for i := 1; i < len(name) && ok; i++ {
		ok = identifierPart(name[i])
	}
	if !ok {
		return sockgate.Invalidf("%s contains invalid key: Syntax error; key: \"%s\"", of, name)
	}
	return nil
}

func sortedNames(names map[string]string) []string {
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	return sorted
}

// unused complains about names and values that no expression mentions.
func (s *scope) unused() error {
	if len(s.usedNames) < len(s.texts.Names) {
		var left []string
		for _, name := range sortedNames(s.texts.Names) {
			if !s.usedNames[name] {
				left = append(left, name)
			}
		}
		return sockgate.Invalidf("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", strings.Join(left, ", "))
	}
	if len(s.usedValues) < len(s.texts.Values) {
		var left []string
		for _, v := range s.texts.Values {
			if !s.usedValues[v.Name] {
				left = append(left, v.Name)
			}
		}
		return sockgate.Invalidf("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", strings.Join(left, ", "))
	}
	return nil
}
