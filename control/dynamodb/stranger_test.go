package dynamodb_test

import (
	"hash/crc32"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestStranger: what is not signed is answered as by DynamoDB, in the order in which it looks at a request.
func TestStranger(t *testing.T) {
	h := start(t)
	const (
		json10    = "application/x-amz-json-1.0"
		garbled   = `{"__type":"com.amazon.coral.service#SerializationException"}`
		unknown   = `{"__type":"com.amazon.coral.service#UnknownOperationException"}`
		noToken   = `{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Request is missing Authentication Token"}`
		strayBody = "<UnknownOperationException/>\n"
		list      = "DynamoDB_20120810.ListTables"
	)
	id := regexp.MustCompile(`^[0-9A-Z]{52}$`)
	for _, c := range []struct {
		name, method, content, target, body string
		status                              int
		want                                string
	}{
		{"health", "GET", "", "", "", 200, "healthy: dynamodb.us-east-1.amazonaws.com "},
		{"put", "PUT", "", "", "", 404, strayBody},
		{"options", "OPTIONS", "", "", "", 404, strayBody},
		{"no content type", "POST", "", "", "hi", 404, strayBody},
		{"other content type", "POST", "whatever", "", "hi", 404, strayBody},
		{"no JSON", "POST", json10, "", "hi", 400, garbled},
		{"no target", "POST", "application/json", "", "{}", 400, unknown},
		{"nothing at all", "POST", "", "", "", 400, unknown},
		{"stray target", "POST", "", "whatever", "", 400, unknown},
		{"unknown operation", "POST", "", "DynamoDB_20120810.ListTable", "", 400, unknown},
		{"no signature", "POST", json10, list, "{}", 400, noToken},
		{"large body", "POST", json10, list, strings.Repeat(" ", 1<<20), 400, noToken},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := h.send(t, c.method, c.body, map[string]string{"Content-Type": c.content, "X-Amz-Target": c.target})
			if resp.StatusCode != c.status || body != c.want {
				t.Errorf("%d %s, want %d %s", resp.StatusCode, body, c.status, c.want)
			}
			if got := resp.Header.Get("x-amz-crc32"); got != strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10) {
				t.Errorf("x-amz-crc32 is %q", got)
			}
			if got := resp.Header.Get("x-amzn-RequestId"); !id.MatchString(got) {
				t.Errorf("the request id is %q", got)
			}
		})
	}
	t.Run("another scheme is no signature", func(t *testing.T) {
		if resp, body := h.send(t, "POST", "{}", map[string]string{"X-Amz-Target": list, "Content-Type": json10, "Authorization": "AWS4"}); resp.StatusCode != 400 || body != noToken {
			t.Error(resp.StatusCode, body)
		}
	})
}

// TestBrowser: a browser may ask, and read the answers.
func TestBrowser(t *testing.T) {
	h := start(t)
	resp, body := h.send(t, "OPTIONS", "", map[string]string{"Origin": "https://a.example", "Access-Control-Request-Headers": "a, b, c", "Access-Control-Request-Method": "POST"})
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "a, b, c", "Access-Control-Allow-Methods": "POST", "Access-Control-Max-Age": "172800",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if resp.StatusCode != 200 || body != "" {
		t.Error(resp.StatusCode, body)
	}
	resp, _ = h.send(t, "POST", "", map[string]string{"Origin": "https://a.example"})
	if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("of an error Access-Control-Allow-Origin is %q", got)
	}
}

// send sends a request without a signature.
func (h *harness) send(t *testing.T, method, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range header {
		if v != "" {
			req.Header.Set(name, v)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}
