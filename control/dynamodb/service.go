// Package dynamodb serves Amazon DynamoDB's API and that of its streams on the tables of service/table: it reads and checks the
// parameters of each operation as DynamoDB does, asks whether the caller may, carries the operation out and writes the answer.
//
// The operations and the shapes of their parameters are tables, in shapes.go. How values and expressions are read and evaluated belongs
// to lang/ddb; how tables are kept, to service/table.
//
// Where DynamoDB itself words a complaint in two ways (its front was renewed in most regions in 2026), the answers keep to the older
// words, which name the value and every fault at once.
package dynamodb

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/lang/ddb/expression"
	"github.com/sockgate/sockgate/service/table"
)

const (
	// maxBody bounds a body after decompression, in bytes. Source: dynalite's tests, which found this bound at Amazon.
	maxBody = 16 << 20
	// cachedTexts is how many expressions are remembered in their parsed form.
	cachedTexts = 2000
)

// Config is what the service needs.
type Config struct {
	Tables  *table.Engine
	Account string           // 12 digits
	Region  string           // e.g. "us-east-1"
	Clock   func() time.Time // nil means time.Now
}

// MaxBody is the size in bytes of the largest request that is read.
func (s *Service) MaxBody() int64 { return maxBody + 1<<20 } // room to see how much too large one is

// Service is DynamoDB's API.
type Service struct {
	Config
	operations map[string]*operation // by the whole X-Amz-Target
	texts      *expression.Cache
	scratch    sync.Pool // of *scratch
	iterators  iteratorKey
}

// operation is one operation of the API.
type operation struct {
	name   string
	shape  *shape
	titled bool // its TableName is checked before all else
	run    func(*call) error
}

// The targets of the two APIs.
const (
	itemsTarget   = "DynamoDB_20120810."
	streamsTarget = "DynamoDBStreams_20120810."
)

// New returns the service.
func New(cfg Config) *Service {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	s := &Service{Config: cfg, operations: make(map[string]*operation), texts: expression.NewCache(cachedTexts), iterators: newIteratorKey()}
	for _, group := range [...][]operation{items, tables} {
		for i := range group {
			s.operations[itemsTarget+group[i].name] = &group[i]
		}
	}
	for i := range streams {
		s.operations[streamsTarget+streams[i].name] = &streams[i]
	}
	s.scratch.New = func() any { return &scratch{nodes: make([]node, 0, 24)} }
	return s
}

// Name is "dynamodb".
func (s *Service) Name() string { return "dynamodb" }

// Permission asks nothing: which tables a call is about is only known when it has been read.
func (s *Service) Permission(*awswire.Request) (string, []string) { return "", nil }

// Protocol returns the protocol in which errors are told.
func (s *Service) Protocol() awswire.Protocol { return protocol{} }

// scratch is the memory of one call.
type scratch struct {
	nodes []node
	out   []byte
}

// maxScratch is the capacity in bytes of the largest answer whose memory is kept for the next call: a page of some hundred items. What
// grows further is handed out as it is.
const maxScratch = 128 << 10

// body returns the answer that was put together in out, whose memory began as the scratch's; nil when the operation's answer has no body.
func (s *scratch) body(out []byte) []byte {
	switch {
	case len(out) == 0:
		return nil
	case cap(out) > maxScratch:
		s.out = nil // it may be the same memory
		return out
	}
	s.out = out[:0]
	return bytes.Clone(out)
}

// call is one call of an operation.
type call struct {
	s     *Service
	ctx   context.Context
	req   *awswire.Request
	op    *operation
	nodes []node // by the fields of op.shape
	out   []byte // the answer
}

// Serve carries out one call.
func (s *Service) Serve(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	if r.Method != http.MethodPost || !jsonContent(awswire.Header(r.Header, "Content-Type")) && len(r.Body) > 0 {
		return stray(s.Region, r.Method, r.Header), nil
	}
	body, err := decompress(r)
	if err != nil {
		return nil, err
	}
	op := s.operations[awswire.Header(r.Header, "X-Amz-Target")]
	if op == nil {
		return nil, unknownOperation(awswire.Header(r.Header, "X-Amz-Target"), body)
	}
	m := s.scratch.Get().(*scratch)
	defer func() {
		clear(m.nodes)
		s.scratch.Put(m)
	}()
	m.nodes = m.nodes[:len(op.shape.fields)]
	c := &call{s: s, ctx: ctx, req: r, op: op, nodes: m.nodes, out: m.out}
	if err := c.read(string(body)); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := op.run(c); err != nil {
		return nil, err
	}
	answered := m.body(c.out)
	if r.Reply == nil {
		return answer(r.Header, http.StatusOK, answered), nil
	}
	setAnswer(r.Reply, r.Header, answered)
	return &awswire.Response{Body: answered}, nil
}

// read reads the parameters.
func (c *call) read(body string) error {
	r := &reader{src: body}
	if r.peek() != '{' {
		return &fault{typ: coral + "SerializationException"}
	}
	err := c.op.shape.readFields(r, c.nodes)
	if err == nil && r.peek() != 0 {
		err = errJSON
	}
	if err != nil && !json.Valid([]byte(body)) {
		return &fault{typ: coral + "SerializationException"}
	}
	if err == errJSON {
		return &fault{typ: coral + "SerializationException", message: "Unexpected token received from parser", capital: true}
	}
	if err != nil {
		return &fault{typ: coral + "SerializationException", message: err.Error(), capital: true}
	}
	return nil
}

// check checks the parameters by their shapes.
func (c *call) check() error {
	if c.op.titled {
		n := c.node("TableName")
		if !n.set {
			return sockgate.Invalidf("The parameter 'TableName' is required but was not present in the request")
		}
		n.text = c.s.tableOf(n.text)
		if len(n.text) < 3 || len(n.text) > 255 {
			return sockgate.Invalidf("TableName must be at least 3 characters long and at most 255 characters long")
		}
	} else if i := c.op.shape.field("TableName"); i >= 0 {
		c.nodes[i].text = c.s.tableOf(c.nodes[i].text)
	}
	var f faults
	f.checkFields("", c.op.shape, c.nodes)
	return f.err()
}

// tableOf returns the table's name when text is its ARN, which every operation takes as well. Source: Developer Guide, "Resource-based
// policies for DynamoDB".
func (s *Service) tableOf(text string) string {
	if strings.HasPrefix(text, "arn:") {
		if name, ok := strings.CutPrefix(text, s.arn("")); ok {
			return name
		}
	}
	return text
}

// arn returns the ARN of a table, index or stream by the part behind "table/".
func (s *Service) arn(path string) string {
	return "arn:aws:dynamodb:" + s.Region + ":" + s.Account + ":table/" + path
}

// node returns the parameter called name, which the operation has.
func (c *call) node(name string) *node {
	return in(c.op.shape, c.nodes, name)
}

// in returns a member of a structure.
func in(s *shape, nodes []node, name string) *node {
	if i := s.field(name); i >= 0 {
		return &nodes[i]
	}
	return &node{}
}

// text returns a text parameter, "" when it is not given.
func (c *call) text(name string) string { return c.node(name).text }

// optional returns a text parameter, nil when it is not given.
func (n *node) optional() *string {
	if !n.set {
		return nil
	}
	return &n.text
}

func jsonContent(header string) bool {
	kind, _, _ := strings.Cut(header, ";")
	kind = strings.TrimSpace(kind)
	return kind == "application/x-amz-json-1.0" || kind == "application/json"
}

// decompress returns the body as it was meant.
func decompress(r *awswire.Request) ([]byte, error) {
	switch coding := awswire.Header(r.Header, "Content-Encoding"); coding {
	case "", "identity":
		if len(r.Body) > maxBody {
			return nil, tooLarge()
		}
		return r.Body, nil
	case "gzip":
		z, err := gzip.NewReader(strings.NewReader(string(r.Body)))
		if err != nil {
			return nil, &fault{typ: coral + "SerializationException"}
		}
		body, err := io.ReadAll(io.LimitReader(z, maxBody+1))
		if err != nil {
			return nil, &fault{typ: coral + "SerializationException"}
		}
		if len(body) > maxBody {
			return nil, tooLarge()
		}
		return body, nil
	default:
		return nil, sockgate.Invalidf("Unsupported Content-Encoding: %s", coding)
	}
}

func tooLarge() error {
	return &fault{status: http.StatusRequestEntityTooLarge, typ: coral + "RequestEntityTooLargeException", message: "Request body must be at most 16777216 bytes"}
}

func unknownOperation(target string, body []byte) error {
	if len(body) > 0 && !json.Valid(body) {
		return &fault{typ: coral + "SerializationException"}
	}
	if name, ok := strings.CutPrefix(target, itemsTarget); ok && notBuilt[name] {
		return &fault{typ: coral + "UnknownOperationException", message: name + " is not built"}
	}
	return &fault{typ: coral + "UnknownOperationException"}
}

// The content types of answers, as header values that are shared and never changed.
var (
	plainJSON = []string{"application/json"}
	amzJSON   = []string{"application/x-amz-json-1.0"}
	xml       = []string{"text/xml"}
	plainText = []string{"text/plain"}
	anyOrigin = []string{"*"}
)

// answer makes a response of a JSON body to a request with the header asked.
func answer(asked http.Header, status int, body []byte) *awswire.Response {
	resp := &awswire.Response{Status: status, Body: body, Header: make(http.Header, 4)}
	setAnswer(resp.Header, asked, body)
	return resp
}

// setAnswer sets the header lines of an answer with a JSON body, in the content type of the request, whose header is asked.
func setAnswer(h, asked http.Header, body []byte) {
	content := plainJSON
	if strings.HasPrefix(strings.TrimSpace(awswire.Header(asked, "Content-Type")), amzJSON[0]) {
		content = amzJSON
	}
	setContent(h, content, body)
	if asked["Origin"] != nil {
		h["Access-Control-Allow-Origin"] = anyOrigin
	}
}

func setContent(h http.Header, content []string, body []byte) {
	h["Content-Type"] = content
	h["x-amz-crc32"] = []string{strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)}
}

func respond(status int, content []string, body []byte) *awswire.Response {
	resp := &awswire.Response{Status: status, Body: body, Header: make(http.Header, 4)}
	setContent(resp.Header, content, body)
	return resp
}

var (
	_ awswire.Service  = (*Service)(nil)
	_ awswire.Guarded  = (*Service)(nil)
	_ awswire.Open     = (*Service)(nil)
	_ awswire.Numbered = (*Service)(nil)
)
