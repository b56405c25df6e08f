// Package validate checks messages against the models of their route before any backend sees them. A model is a JSON Schema, draft 4.
//
// All of an API's models are compiled once, for a deployment, into a Set; a route's choice among them is a Check. Which keys a
// model may have in the management API, and what the client is told, is not known here.
//
// Schemas are evaluated by santhosh-tekuri/jsonschema in draft-4 mode, with nothing ever loaded: a reference leads into its own
// schema, to the draft-4 meta-schema, or to another model of the API by its models address. Of formats those of draft 4 count
// (date-time, email, hostname, ipv4, ipv6, regex, uri). A pattern is an RE2 expression: what ECMA 262 has beyond it, look-around and
// back-references, is refused when the model is compiled, as is a very large one; a text that would take it too long does not match.
//
// Sources: reference section 7; API Gateway Developer Guide, "Set up request validation for WebSocket APIs".
package validate

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/boundedre"
	"github.com/sockgate/sockgate/lang/expr"
)

// maxSchema is the size of a schema in bytes. Source: reference section 7.
const maxSchema = 32 << 10

// Set is the compiled models of one API. It is immutable and may be used by many goroutines.
type Set struct {
	models map[string]*model // by name
	broken map[string]error  // why the others cannot be used
	docs   documents
}

// addressPrefix is how the addresses of models begin.
const addressPrefix = "https://apigateway."

type model struct {
	schema   *jsonschema.Schema
	quick    *quick
	maxDepth int   // of a message; see levels
	broken   error // in place of all else: why it cannot be used
}

// documents is the schemas as they were written, by the address of their model.
type documents map[string]any

// Compile compiles every model. A reference to another model of the API is
// "https://apigateway.{region}.amazonaws.com/restapis/{apiID}/models/{name}". The error is sockgate.Invalid and names the model.
//
// UNCONFIRMED: a "$schema" of another draft does not change that draft 4 counts.
func Compile(models []sockgate.Model, apiID, region string) (*Set, error) {
	set := CompileSound(models, apiID, region)
	for _, m := range models {
		if err := set.broken[m.Name]; err != nil {
			return nil, sockgate.Invalidf("model %q: %s", m.Name, err)
		}
	}
	return set, nil
}

// CompileSound compiles the models that can be, for an API whose models are not to be checked (disableSchemaValidation). Of the
// others, only a message that one is for hears: it fails.
func CompileSound(models []sockgate.Model, apiID, region string) *Set {
	set := &Set{models: make(map[string]*model, len(models)), broken: map[string]error{}, docs: documents{}}
	c := newCompiler(refuseAll{})
	address := func(name string) string {
		return addressPrefix + region + ".amazonaws.com/restapis/" + apiID + "/models/" + name
	}
	for _, m := range models {
		doc, err := readSchema(m.Schema)
		if err == nil {
			set.docs[address(m.Name)] = doc
			err = c.AddResource(address(m.Name), doc)
		}
		if err != nil {
			set.broken[m.Name] = errors.New(firstLine(err))
		}
	}
	for _, m := range models {
		if set.broken[m.Name] != nil {
			continue
		}
		compiled, err := compileModel(c, address(m.Name))
		if err != nil {
			set.broken[m.Name] = errors.New(firstLine(err))
			continue
		}
		set.models[m.Name] = compiled
	}
	return set
}

// CheckSchema reports whether a schema can be that of a model, as far as that can be told without the API's other models.
// The error is sockgate.Invalid.
func CheckSchema(schema string) error {
	const address = addressPrefix + "local/model"
	c := newCompiler(otherModels{})
	doc, err := readSchema(schema)
	if err == nil {
		err = c.AddResource(address, doc)
	}
	if err == nil {
		_, err = compileModel(c, address)
	}
	if err != nil {
		return sockgate.Invalidf("Invalid model schema specified: %s", firstLine(err))
	}
	return nil
}

func newCompiler(l jsonschema.URLLoader) *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	c.UseLoader(l)
	c.AssertFormat()
	c.UseRegexpEngine(func(source string) (jsonschema.Regexp, error) { return boundedre.Compile(source) })
	c.RegisterFormat(&jsonschema.Format{Name: "uri", Validate: checkURI})
	for _, name := range laterFormats {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(any) error { return nil }})
	}
	return c
}

// laterFormats are known to the library but not to draft 4.
var laterFormats = []string{
	"json-pointer", "relative-json-pointer", "uuid", "duration", "period", "date", "time", "iri", "uri-reference", "iri-reference",
	"uri-template", "semver",
}

// checkURI takes absolute addresses and those without scheme ("//host/path"), as the draft-4 test suite has it.
func checkURI(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	u, err := url.Parse(s)
	if err == nil && !u.IsAbs() && !strings.HasPrefix(s, "//") {
		err = errors.New("a relative address")
	}
	return err
}

func compileModel(c *jsonschema.Compiler, address string) (*model, error) {
	schema, err := c.Compile(address)
	if err != nil {
		return nil, err
	}
	depth, err := levels(schema)
	if err != nil {
		return nil, err
	}
	return &model{schema: schema, quick: quicken(schema, map[*jsonschema.Schema]*quick{nil: anything()}), maxDepth: depth}, nil
}

func readSchema(text string) (any, error) {
	if len(text) > maxSchema {
		return nil, fmt.Errorf("the schema is longer than %d bytes", maxSchema)
	}
	d, err := newDecoder([]byte(text))
	if err != nil {
		return nil, err
	}
	v, err := d.decode(maxDepth)
	if err != nil {
		return nil, err
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("a schema must be a JSON object")
	}
	delete(o, "$schema")
	return o, nil
}

// firstLine shortens the library's reports, which list one fault a line behind a heading.
func firstLine(err error) string {
	if v, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if e, ok := errors.AsType[*jsonschema.ValidationError](v.Err); ok {
			leaf := e
			for len(leaf.Causes) > 0 {
				leaf = leaf.Causes[0]
			}
			return fmt.Sprintf("at '/%s': %s", strings.Join(leaf.InstanceLocation, "/"), plain(leaf.ErrorKind))
		}
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

var errRemote = errors.New("references to other places are refused")

type refuseAll struct{}

func (refuseAll) Load(string) (any, error) { return nil, errRemote }

// otherModels takes the place of models that are not at hand: each accepts everything.
type otherModels struct{}

func (otherModels) Load(url string) (any, error) {
	rest, ok := strings.CutPrefix(url, addressPrefix)
	if _, path, found := strings.Cut(rest, "/restapis/"); ok && found && strings.Count(path, "/") == 2 && strings.Contains(path, "/models/") {
		return map[string]any{}, nil
	}
	return nil, errRemote
}

// Check is what one route demands of its messages. The nil Check demands nothing. It is immutable and may be used by many goroutines.
type Check struct {
	expression *expr.Expr
	models     map[string]*model // by the expression's value
	docs       documents
}

// ForRoute binds a route's model selection expression and its models, from the expression's values to model names, to a set.
// A route without an expression is not checked, whatever models it names. The error is sockgate.Invalid: the expression is malformed,
// or a model does not exist.
func ForRoute(set *Set, expression string, models map[string]string) (*Check, error) {
	if expression == "" {
		return nil, nil
	}
	e, err := expr.Compile(expression)
	if err != nil {
		return nil, sockgate.Invalidf("model selection expression %q: %s", expression, err)
	}
	c := &Check{expression: e, models: make(map[string]*model, len(models)), docs: set.docs}
	for key, name := range models {
		m, ok := set.models[name]
		if why := set.broken[name]; why != nil {
			m, ok = &model{broken: fmt.Errorf("model %q cannot be used: %w", name, why)}, true
		}
		if !ok {
			return nil, sockgate.Invalidf("request model %q of key %q does not exist", name, key)
		}
		c.models[key] = m
	}
	return c, nil
}

// Validate checks one message. body is read, never kept.
//
// The model is the one of the expression's value, else that of "$default". The error is sockgate.Invalid with AWS's message for the
// client; its Cause has the text of $context.error.validationErrorString.
//
// UNCONFIRMED: the words for a message without model and for one that is not JSON. A number beyond 10^±1000 and nesting that the model
// would multiply beyond reason fail too.
func (c *Check) Validate(vars expr.Variables, body []byte) error {
	if c == nil {
		return nil
	}
	value, _ := c.expression.Eval(vars)
	m, ok := c.models[value]
	if !ok {
		m, ok = c.models[sockgate.DefaultRoute]
	}
	if !ok {
		return invalid("no model for the selection value " + string(jsonText(value)))
	}
	if m.broken != nil {
		return invalid(m.broken.Error())
	}
	d, err := newDecoder(body)
	if err == nil {
		if walk := d; m.quick.accepts(&walk, m.maxDepth) {
			return nil
		}
	}
	return c.examine(m, d, err)
}

// examine is for messages that are at fault or beyond quick.
func (c *Check) examine(m *model, d decoder, err error) error {
	var message any
	if err == nil {
		message, err = d.decode(m.maxDepth)
	}
	if err != nil {
		return invalid("request body is no acceptable JSON: " + err.Error())
	}
	err = m.schema.Validate(message)
	if err == nil {
		return nil
	}
	failure, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return invalid(err.Error())
	}
	return invalid(reporter{message, c.docs}.describe(failure)...)
}

// maxReport bounds the text of one failure in bytes, for it goes to a log.
const maxReport = 4 << 10

// invalid is the failure with the given findings, which are put in one order: members are checked in none.
func invalid(findings ...string) error {
	slices.Sort(findings)
	text := "[" + strings.Join(slices.Compact(findings), ", ") + "]"
	if len(text) > maxReport {
		text = strings.ToValidUTF8(text[:maxReport], "") + "…]"
	}
	return &sockgate.Error{Kind: sockgate.Invalid, Message: "Invalid request body", Cause: errors.New(text)}
}

func jsonText(v any) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
