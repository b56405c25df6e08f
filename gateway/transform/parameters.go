package transform

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

// MaxValue is the longest value that a mapping puts into a request, in bytes. It is AWS's quota for all headers of a
// request together (reference section 14), and keeps a client from making a header of a whole message.
const MaxValue = 10240

// Parameters is a compiled parameter mapping of an integration. It is immutable and may be used by many goroutines.
type Parameters struct {
	list    []parameter // ordered by destination
	dropped []string
}

// parameter is one line of the mapping.
type parameter struct {
	destination string // "integration.request.header.X"
	place       place
	name        string // X
	source      source
}

// place is the part of a request that a value goes to.
type place uint8

const (
	inHeader place = iota
	inQuery
	inPath
)

var places = []struct {
	prefix string
	place  place
}{
	{"integration.request.header.", inHeader},
	{"integration.request.querystring.", inQuery},
	{"integration.request.path.", inPath},
}

// CompileParameters reads an integration's requestParameters: destinations ("integration.request.header.X",
// ".querystring.X", ".path.X") to sources. A variable of the stage is read now; one that the stage lacks has no value.
//
// The error is sockgate.Invalid and names every faulty line, in the words of AWS's BadRequestException.
// A header that only the transport may set (Content-Length, Transfer-Encoding, Connection and their like) is no error: AWS
// drops it, and so does Apply; Dropped lists them. A mapped Host is honoured.
// Source: API Gateway Developer Guide, "WebSocket API data mapping"; reference section 3.4.
func CompileParameters(mapping, stageVariables map[string]string) (*Parameters, error) {
	p := &Parameters{}
	var faults []string
	for _, destination := range slices.Sorted(maps.Keys(mapping)) {
		line, fault := compileParameter(destination, mapping[destination], stageVariables)
		switch {
		case fault != "":
			faults = append(faults, fault)
		case line.place == inHeader && sockgate.HopByHop(line.name):
			p.dropped = append(p.dropped, destination)
		default:
			p.list = append(p.list, line)
		}
	}
	if len(faults) > 0 {
		return nil, sockgate.Invalidf("Invalid mapping expression specified: Validation Result: warnings : [], errors : [%s]",
			strings.Join(faults, ", "))
	}
	return p, nil
}

// compileParameter reads one line. fault is in AWS's words, followed by the reason.
func compileParameter(destination, text string, stageVariables map[string]string) (line parameter, fault string) {
	for _, d := range places {
		name, ok := strings.CutPrefix(destination, d.prefix)
		if !ok {
			continue
		}
		if !parameterName(name) {
			return parameter{}, fmt.Sprintf("Invalid mapping expression specified: %s (a name may hold letters, digits and . _ $ -)", destination)
		}
		src, err := compileSource(text, stageVariables)
		if err != nil {
			return parameter{}, fmt.Sprintf("Invalid mapping expression parameter specified: %s for %s (%s)", text, destination, err)
		}
		if src.kind == literal {
			src.text = decodeLiteral(src.text, d.place)
		}
		return parameter{destination: destination, place: d.place, name: name, source: src}, ""
	}
	return parameter{}, fmt.Sprintf("Invalid mapping expression specified: %s (expected integration.request.header.NAME, "+
		"integration.request.querystring.NAME or integration.request.path.NAME)", destination)
}

// parameterName implements AWS's pattern ^[a-zA-Z0-9._$-]+$, whose characters are all legal in a header name.
func parameterName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '$' && c != '-' {
			return false
		}
	}
	return s != ""
}

// decodeLiteral undoes the encoding of a static value for the URI, which AWS asks to be written already encoded: a Request
// holds plain values. One that is not properly encoded is taken as it stands.
func decodeLiteral(s string, where place) string {
	decoded, err := s, error(nil)
	switch where {
	case inQuery:
		decoded, err = url.QueryUnescape(s)
	case inPath:
		decoded, err = url.PathUnescape(s)
	}
	if err != nil {
		return s
	}
	return decoded
}

// Apply adds the mapped values to out, which Forward or Gateway began.
//
// A mapped header or query parameter takes the place of all that out has under its name, and a mapped Host goes to
// out.Host. A source without a value leaves out as it was. A source with several values adds one header or parameter for
// each; a path value joins them with commas.
//
// A value with a line break or another control character cannot stand in a header, and one over MaxValue nowhere: it is
// left out, and so is whatever out had under that name. The destinations of such values are returned, for the execution
// log; nil is the rule.
func (p *Parameters) Apply(ev *sockgate.Event, out *Request) (refused []string) {
	values := reader{ev: ev}
	for i := range p.list {
		line := &p.list[i]
		if line.source.multiple() {
			refused = line.setAll(values.all(&line.source), out, refused)
			continue
		}
		if value, ok := values.one(&line.source); ok {
			line.clear(out)
			refused = line.add(value, out, refused)
		}
	}
	return refused
}

func (line *parameter) setAll(values []string, out *Request, refused []string) []string {
	if len(values) == 0 {
		return refused
	}
	line.clear(out)
	if line.place == inPath {
		return line.add(strings.Join(values, ","), out, refused)
	}
	for _, value := range values {
		refused = line.add(value, out, refused)
	}
	return refused
}

// clear takes out what a mapped value replaces.
func (line *parameter) clear(out *Request) {
	switch line.place {
	case inHeader:
		out.Header = without(out.Header, line.name, strings.EqualFold)
	case inQuery:
		out.Query = without(out.Query, line.name, equal)
	case inPath:
		out.Path = without(out.Path, line.name, equal)
	}
}

func (line *parameter) add(value string, out *Request, refused []string) []string {
	if len(value) > MaxValue || line.place == inHeader && !safeValue(value) {
		return append(refused, line.destination)
	}
	h := sockgate.Header{Name: line.name, Value: value}
	switch {
	case line.place == inQuery:
		out.Query = append(out.Query, h)
	case line.place == inPath:
		out.Path = append(out.Path, h)
	case strings.EqualFold(line.name, "Host"):
		out.Host = value
	default:
		out.Header = append(out.Header, h)
	}
	return refused
}

// Dropped returns the destinations that Apply ignores because only the transport may set them.
func (p *Parameters) Dropped() []string { return slices.Clone(p.dropped) }

// Undeclared returns the header and query sources ("route.request.header.X") that a route's requestParameters does not
// declare, each once, ordered by destination.
//
// UNCONFIRMED: AWS's guide says that a source must be declared first, not what happens otherwise. Here Apply supplies the
// value all the same, and this list is for a warning.
func (p *Parameters) Undeclared(declared map[string]bool) []string {
	var names []string
	for i := range p.list {
		want := p.list[i].source.declaration()
		_, exact := declared[want]
		// A list of values may have been declared under the name of the single value.
		_, single := declared[strings.Replace(want, ".multivalue", ".", 1)]
		if want != "" && !exact && !single {
			names = appendOnce(names, want)
		}
	}
	return names
}
