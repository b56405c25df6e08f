package apigateway

import (
	"math"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// patchOp is one operation of a PATCH. from belongs to copy and move, which no resource here supports.
type patchOp struct {
	Op    *string `json:"op"`
	Path  string  `json:"path"`
	Value *string `json:"value"`
}

// value returns the operation's value, "" when there is none: SDKs leave out what is empty.
func (p *patchOp) value() string {
	if p.Value == nil {
		return ""
	}
	return *p.Value
}

// ops is what can be done to a path.
type ops uint8

const (
	add ops = 1 << iota
	replace
	remove
)

var opNames = map[string]ops{"add": add, "replace": replace, "remove": remove}

// rule is one line of a resource's table of patches. Source of the tables: API Gateway API Reference, "Patch Operations".
type rule[T any] struct {
	path  string // as error texts have it
	fits  func(path string) bool
	ops   ops
	apply func(target T, p *patchOp) error
}

// maxPatches bounds the operations of one call. AWS publishes no bound.
const maxPatches = 1000

// readPatches decodes a PATCH's body and checks that every operation is one of those that there are.
func (in *input) readPatches() ([]patchOp, error) {
	var body struct {
		PatchOperations []patchOp `json:"patchOperations"`
	}
	if err := in.decode(&body); err != nil {
		return nil, err
	}
	if len(body.PatchOperations) > maxPatches {
		return nil, sockgate.Invalidf("A request can have at most %d patch operations", maxPatches)
	}
	for i, p := range body.PatchOperations {
		member := "patchOperations." + strconv.Itoa(i+1) + ".member.op"
		if p.Op == nil {
			return nil, in.missing(member)
		}
		switch *p.Op {
		case "add", "replace", "remove":
		case "move", "copy", "test":
			return nil, sockgate.Invalidf("Invalid patch operation specified. Must be 'add'|'remove'|'replace'")
		default:
			return nil, in.notOneOf(member, *p.Op, "add, remove, move, test, replace, copy")
		}
	}
	return body.PatchOperations, nil
}

// applyPatches carries out the operations one after the other. After an error target is half changed and must not be kept.
func applyPatches[T any](rules []rule[T], target T, patches []patchOp) error {
	for i := range patches {
		p := &patches[i]
		r := find(rules, p)
		if r == nil {
			return sockgate.Invalidf("Invalid patch path  '%s' specified for op '%s'. Must be one of: [%s]", short(p.Path), *p.Op, pathsFor(rules, opNames[*p.Op]))
		}
		if err := r.apply(target, p); err != nil {
			return err
		}
	}
	return nil
}

func find[T any](rules []rule[T], p *patchOp) *rule[T] {
	for i := range rules {
		r := &rules[i]
		if r.ops&opNames[*p.Op] != 0 && (r.path == p.Path || r.fits != nil && r.fits(p.Path)) {
			return r
		}
	}
	return nil
}

func pathsFor[T any](rules []rule[T], op ops) string {
	var paths []string
	for _, r := range rules {
		if r.ops&op != 0 {
			paths = append(paths, r.path)
		}
	}
	return strings.Join(paths, ", ")
}

// integer reads the value as a 32-bit integer that is not negative.
func (p *patchOp) integer() (int, bool) {
	n, err := strconv.ParseInt(p.value(), 10, 32)
	return int(n), err == nil && n >= 0
}

// number reads the value as a decimal number that is not negative.
func (p *patchOp) number() (float64, bool) {
	text := p.value()
	if strings.Trim(text, "0123456789.eE+-") != "" { // no infinity, no hexadecimal
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && f >= 0 && !math.IsInf(f, 0)
}

// short cuts what a caller sent to the length that goes back to it.
func short(s string) string {
	const shown = 128 // bytes
	if len(s) > shown {
		return strings.ToValidUTF8(s[:shown], "") + "..."
	}
	return s
}
