package awswire

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sockgate/sockgate"
)

// QueryForm returns the parameters of a call in the query protocol: those of a POST are a form in the body, those of a GET are in
// the URL. Action and Version are among them. Errors: Invalid.
func QueryForm(r *Request) (url.Values, error) {
	if r.Method != http.MethodPost || len(r.Body) == 0 {
		return r.Query, nil
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return nil, sockgate.Invalidf("The request body is not a form").Because(err)
	}
	return form, nil
}

// QueryAction returns the operation that a call in the query protocol names, or "".
func QueryAction(r *Request) string {
	form, err := QueryForm(r)
	if err != nil {
		return ""
	}
	return form.Get("Action")
}

// QueryList returns the strings of a list parameter: "{name}.member.1", "{name}.member.2", … up to the first that is missing, and
// at most limit and one more of them, so that the caller can tell that there are too many.
func QueryList(form url.Values, name string, limit int) []string {
	var list []string
	for n := 1; n <= limit+1; n++ {
		values, ok := form[name+".member."+strconv.Itoa(n)]
		if !ok || len(values) == 0 {
			break
		}
		list = append(list, values[0])
	}
	return list
}

// Reply is a successful answer of the query protocol: result as the element {action}Result, which is left out when result is
// nil. result is encoded by encoding/xml.
func (p Query) Reply(action, id string, result any) (*Response, error) {
	var b bytes.Buffer
	b.WriteString("<" + action + "Response xmlns=\"" + p.Namespace + "\">\n")
	if result != nil {
		enc := xml.NewEncoder(&b)
		enc.Indent("  ", "  ")
		if err := enc.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}}); err != nil {
			return nil, sockgate.Internalf("encode response: %w", err)
		}
		b.WriteByte('\n')
	}
	b.WriteString("  <ResponseMetadata>\n    <RequestId>" + id + "</RequestId>\n  </ResponseMetadata>\n</" + action + "Response>\n")
	return &Response{Header: http.Header{"Content-Type": {"text/xml"}}, Body: b.Bytes()}, nil
}

// QueryTime prints as the query protocol's dates do: ISO 8601 in UTC, whole seconds.
type QueryTime time.Time

// MarshalText implements encoding.TextMarshaler.
func (t QueryTime) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05Z")), nil
}
