package expression

import (
	"fmt"
	"slices"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// checkCondition checks each comparison and call in turn, as DynamoDB does.
func (e *bound) checkCondition(n *node, m missing) error {
	if n.kind == nAnd || n.kind == nOr || n.kind == nNot {
		for _, arg := range n.args {
			if err := e.checkCondition(arg, m); err != nil {
				return err
			}
		}
		return nil
	}
	if len(m.names)+len(m.values) > 0 {
		if err := e.checkDefined(n, m); err != nil {
			return err
		}
	}
	for _, check := range []func(*node) error{e.checkOperands, e.checkDistinct, e.checkTypes} {
		if err := check(n); err != nil {
			return err
		}
	}
	return nil
}

// checkDefined finds the first undefined name or value in n.
func (e *bound) checkDefined(n *node, m missing) error {
	switch n.kind {
	case nPath:
		for _, ref := range e.parsed.paths[n.slot].refs {
			if ref >= 0 && slices.Contains(m.names, e.parsed.names[ref]) {
				return e.undefinedName(e.parsed.names[ref])
			}
		}
	case nValue:
		if name := e.parsed.values[n.slot]; slices.Contains(m.values, name) {
			return e.undefinedValue(name)
		}
	}
	return e.each(n, func(arg *node) error { return e.checkDefined(arg, m) })
}

// each calls check for each argument of n until one fails.
func (e *bound) each(n *node, check func(*node) error) error {
	for _, arg := range n.args {
		if err := check(arg); err != nil {
			return err
		}
	}
	return nil
}

// checkOperands checks how many operands functions have, inner calls first.
func (e *bound) checkOperands(n *node) error {
	if err := e.each(n, e.checkOperands); err != nil {
		return err
	}
	switch {
	case n.kind == nCall && len(n.args) != n.fn.operands():
		return e.fail("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", n.op, len(n.args))
	case n.kind == nIn && len(n.args)-1 > maxIn:
		return e.fail("The IN operator is provided with too many operands; number of operands: %d", len(n.args)-1)
	}
	return nil
}

// checkDistinct checks that nothing is compared with itself.
func (e *bound) checkDistinct(n *node) error {
	if err := e.each(n, e.checkDistinct); err != nil {
		return err
	}
	if len(n.args) < 2 || n.args[0].kind != nPath {
		return nil
	}
	first := e.paths[n.args[0].slot]
	for _, arg := range n.args[1:] {
		if arg.kind == nPath && e.paths[arg.slot].equal(first) {
			return e.fail("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", n.op, first)
		}
	}
	return nil
}

// static returns the type that an operand is known to have before an item is seen, or Absent.
func (e *bound) static(n *node) value.Kind {
	switch {
	case n.kind == nValue:
		return e.values[n.slot].Kind()
	case n.kind == nSum || n.kind == nCall && n.fn == size:
		return value.N
	case n.kind == nCall && n.fn == listAppend:
		return value.L
	case n.kind == nCall && n.fn == ifNotExists:
		return e.static(n.args[1])
	}
	return value.Absent
}

func (e *bound) operandType(op string, k value.Kind) error {
	return e.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, k)
}

// ordered reports whether values of the type can be greater and less; Absent passes for unknown.
func ordered(k value.Kind) bool {
	return k == value.Absent || k == value.S || k == value.N || k == value.B
}

// checkTypes checks the operands whose types are known, inner calls first.
func (e *bound) checkTypes(n *node) error {
	if err := e.each(n, e.checkTypes); err != nil {
		return err
	}
	switch n.kind {
	case nPath:
		return e.checkDepth(e.paths[n.slot : n.slot+1])
	case nCompare:
		if n.cmp == equal || n.cmp == notEqual {
			return nil
		}
		return e.mustBeOrdered(n)
	case nBetween:
		if err := e.mustBeOrdered(n); err != nil {
			return err
		}
		return e.checkBounds(n.args[1], n.args[2])
	case nCall:
		return e.checkCall(n)
	}
	return nil
}

func (e *bound) mustBeOrdered(n *node) error {
	for _, arg := range n.args {
		if k := e.static(arg); !ordered(k) {
			return e.operandType(n.op, k)
		}
	}
	return nil
}

// checkBounds compares the bounds of BETWEEN, when both are values.
func (e *bound) checkBounds(low, high *node) error {
	if low.kind != nValue || high.kind != nValue {
		return nil
	}
	a, b := e.values[low.slot], e.values[high.slot]
	order, ok := value.Compare(a, b)
	rule := ""
	switch {
	case !ok:
		rule = "same data type for lower and upper bounds"
	case order > 0:
		rule = "upper bound to be greater than or equal to lower bound"
	default:
		return nil
	}
	return e.fail("The BETWEEN operator requires %s; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", rule, shown(a), shown(b))
}

// shown returns a value as messages about bounds show it. Source for binaries: Java's ByteBuffer, as seen in messages.
func shown(v value.Value) string {
	if v.Kind() == value.B {
		n := len(v.Text())
		return fmt.Sprintf("{B:java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]}", n, n)
	}
	return "{" + v.Kind().String() + ":" + v.Text() + "}"
}

// anyType is how messages show an operand whose type cannot be known. The order is the service's.
const anyType = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"

func (e *bound) checkCall(n *node) error {
	switch n.fn {
	case attributeExists, attributeNotExists, ifNotExists:
		return e.mustBePath(n)
	case attributeType:
		if err := e.mustBePath(n); err != nil {
			return err
		}
		return e.checkTypeName(n)
	case beginsWith:
		for _, arg := range n.args {
			if k := e.static(arg); k != value.Absent && k != value.S && k != value.B {
				return e.operandType(n.op, k)
			}
		}
	case size:
		if k := e.static(n.args[0]); k == value.N || k == value.BOOL || k == value.NULL {
			return e.operandType(n.op, k)
		}
	case listAppend:
		for _, arg := range n.args {
			if k := e.static(arg); arg.kind == nValue && k != value.L {
				return e.operandType(n.op, k)
			}
		}
	}
	return nil
}

func (e *bound) mustBePath(n *node) error {
	if n.args[0].kind != nPath {
		return e.fail("Operator or function requires a document path; operator or function: %s", n.op)
	}
	return nil
}

func (e *bound) checkTypeName(n *node) error {
	k := e.static(n.args[1])
	switch {
	case k == value.Absent:
		return e.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", n.op, anyType)
	case k != value.S:
		return e.operandType(n.op, k)
	}
	name := e.values[n.args[1].slot].Text()
	for k := value.S; k <= value.NULL; k++ {
		if k.String() == name {
			return nil
		}
	}
	return e.fail("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", name)
}

// longNames are the types as messages about ADD and DELETE call them.
var longNames = map[value.Kind]string{
	value.S: "STRING", value.N: "NUMBER", value.B: "BINARY", value.NULL: "NULL", value.BOOL: "BOOLEAN", value.L: "LIST", value.M: "MAP",
}

// checkUpdate checks an update: names, values, paths, the values of ADD and DELETE, then functions.
func (e *bound) checkUpdate(m missing) error {
	switch {
	case len(m.names) > 0:
		return e.undefinedName(m.names[0])
	case len(m.values) > 0:
		return e.undefinedValue(m.values[0])
	}
	targets := make([]Path, len(e.actions))
	for i, a := range e.actions {
		targets[i] = e.paths[a.path]
	}
	if err := e.checkPaths(targets); err != nil {
		return err
	}
	if err := e.checkDepth(e.paths); err != nil {
		return err
	}
	for _, a := range e.actions {
		if a.section != add && a.section != del {
			continue
		}
		k := e.static(a.value)
		if long, ok := longNames[k]; ok && (a.section != add || k != value.N) {
			return e.fail("Incorrect operand type for operator or function; operator: %s, operand type: %s", a.section, long)
		}
	}
	for _, a := range e.actions {
		if a.value == nil {
			continue
		}
		if err := e.checkFunctions(a.value); err != nil {
			return err
		}
	}
	return nil
}

// checkFunctions checks the functions and signs in what an update sets, inner ones first.
func (e *bound) checkFunctions(n *node) error {
	if err := e.each(n, e.checkFunctions); err != nil {
		return err
	}
	switch n.kind {
	case nCall:
		if len(n.args) != n.fn.operands() {
			return e.checkOperands(n)
		}
		return e.checkCall(n)
	case nSum:
		for _, arg := range n.args {
			if k := e.static(arg); arg.kind == nValue && k != value.N {
				return e.operandType(n.op, k)
			}
		}
	}
	return nil
}
