package request

import (
	"bytes"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// Limits of a head besides its size.
const (
	DefaultMax = 16 << 10 // bytes of a head; above AWS's 10,240 so that the gateway's own check can answer in AWS's words
	MaxLine    = 8 << 10  // bytes of a request line; AWS documents 4,096 for a URL (reference section 14), checked where AWS's error is made
	MaxHeaders = 256      // header lines; each costs 32 bytes beside its text
)

// Parse takes one request head from the front of buf and returns it with the number of bytes that it occupied.
// buf is read, never kept. max bounds the head in bytes; 0 is DefaultMax.
//
// Errors: ErrIncomplete when buf ends inside the head, else *Error with status 400 (malformed), 414 (request line over
// MaxLine), 431 (head over max or more than MaxHeaders lines), 501 (a transfer coding other than chunked) or 505 (not
// HTTP/1.0 or HTTP/1.1). A wrong request line is refused as soon as it is complete.
// Source: RFC 9112, sections 2 to 6; where that permits leniency, there is none, bare LF excepted.
func Parse(buf []byte, max int) (*Head, int, error) {
	if max <= 0 {
		max = DefaultMax
	}
	n, lines := headEnd(buf)
	if n == 0 {
		return nil, 0, judgeStart(buf, max)
	}
	if n > max {
		return nil, 0, &Error{http.StatusRequestHeaderFieldsTooLarge, "request head is over the limit"}
	}
	if lines-2 > MaxHeaders {
		return nil, 0, &Error{http.StatusRequestHeaderFieldsTooLarge, "too many header lines"}
	}
	text := string(buf[:n])
	h := &Head{Headers: make(sockgate.Headers, 0, lines-2)}
	line, text, err := cutLine(text)
	if err == nil {
		err = h.requestLine(line)
	}
	if err == nil {
		err = h.headerLines(text)
	}
	if err == nil {
		err = h.settleHost()
	}
	if err != nil {
		return nil, 0, err
	}
	if _, err := h.ContentLength(); err != nil {
		return nil, 0, err
	}
	return h, n, nil
}

// headEnd returns the length of the head up to and with its empty line, and how many lines that is; 0 when there is no
// empty line yet.
func headEnd(buf []byte) (n, lines int) {
	for {
		i := bytes.IndexByte(buf[n:], '\n')
		if i < 0 {
			return 0, 0
		}
		empty := i == 0 || i == 1 && buf[n] == '\r'
		n += i + 1
		lines++
		if empty {
			return n, max(lines, 2) // an empty first line is a request line too, which will be refused
		}
	}
}

// judgeStart decides about a head whose end has not been seen.
func judgeStart(buf []byte, max int) error {
	end := bytes.IndexByte(buf, '\n')
	switch {
	case end > MaxLine, end < 0 && len(buf) > MaxLine:
		return &Error{http.StatusRequestURITooLong, "request line is over the limit"}
	case len(buf) >= max:
		return &Error{http.StatusRequestHeaderFieldsTooLarge, "request head is over the limit"}
	case end < 0:
		return ErrIncomplete
	}
	line, _, err := cutLine(string(buf[:end+1]))
	if err == nil {
		err = new(Head).requestLine(line)
	}
	if err != nil {
		return err
	}
	return ErrIncomplete
}

// cutLine splits off the first line of text, which has one.
func cutLine(text string) (line, rest string, err error) {
	line, rest, _ = strings.Cut(text, "\n")
	line = strings.TrimSuffix(line, "\r")
	if strings.IndexByte(line, '\r') >= 0 {
		return "", "", bad("bare CR in the head")
	}
	return line, rest, nil
}

func (h *Head) requestLine(line string) error {
	if len(line) > MaxLine {
		return &Error{http.StatusRequestURITooLong, "request line is over the limit"}
	}
	method, rest, _ := strings.Cut(line, " ")
	target, version, three := strings.Cut(rest, " ")
	if !isToken(method) || target == "" {
		return bad("malformed request line")
	}
	switch {
	case version == "HTTP/1.1":
		h.Minor = 1
	case version == "HTTP/1.0":
	case !three, len(version) == len("HTTP/1.1") && strings.HasPrefix(version, "HTTP/"):
		return &Error{http.StatusHTTPVersionNotSupported, "unsupported HTTP version"}
	default:
		return bad("malformed request line")
	}
	h.Method = method
	return h.target(target)
}

// target takes the origin form and the absolute form. The others (authority for CONNECT, asterisk) name nothing here.
func (h *Head) target(target string) error {
	for i := range len(target) {
		if target[i] <= ' ' || target[i] == 0x7f {
			return bad("control byte in the request target")
		}
	}
	h.Target = target
	if target[0] != '/' {
		scheme, rest, ok := strings.Cut(target, "://")
		if !ok || !isWebScheme(scheme) {
			return bad("unsupported form of request target")
		}
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		if h.Host = rest[:end]; !validHost(h.Host) {
			return bad("malformed host in the request target")
		}
		target = rest[end:]
	}
	h.Path, h.Query, _ = strings.Cut(target, "?")
	if h.Path == "" {
		h.Path = "/"
	}
	if !validEscapes(h.Path) {
		return bad("malformed escape in the path")
	}
	return nil
}

func (h *Head) headerLines(text string) error {
	for {
		line, rest, err := cutLine(text)
		if err != nil || line == "" {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) { // a folded line begins with a space, which no token has
			return bad("malformed header line")
		}
		value = strings.Trim(value, " \t")
		for i := range len(value) {
			if b := value[i]; b < ' ' && b != '\t' || b == 0x7f {
				return bad("control byte in a header value")
			}
		}
		h.Headers = append(h.Headers, sockgate.Header{Name: name, Value: value})
		text = rest
	}
}

// settleHost checks the Host header and, unless the target named a host, takes it.
func (h *Head) settleHost() error {
	found := false
	for i := range h.Headers {
		if len(h.Headers[i].Name) != 4 || !strings.EqualFold(h.Headers[i].Name, "Host") {
			continue
		}
		if found {
			return bad("repeated Host header")
		}
		found = true
		if !validHost(h.Headers[i].Value) {
			return bad("malformed Host header")
		}
		if h.Host == "" { // RFC 9112, section 3.2.2: the target's own host goes before the header
			h.Host = h.Headers[i].Value
		}
	}
	if !found && h.Minor > 0 {
		return bad("missing Host header")
	}
	return nil
}

// bodyLength reads the framing headers. See Head.ContentLength.
func bodyLength(headers sockgate.Headers, minor int) (int64, error) {
	length, lengthText, coding, codings := int64(0), "", "", 0
	for i := range headers {
		name, value := headers[i].Name, headers[i].Value
		switch {
		case len(name) == 14 && strings.EqualFold(name, "Content-Length"):
			if lengthText != "" {
				if value != lengthText {
					return 0, bad("differing Content-Length headers")
				}
				continue
			}
			if !isDigits(value) {
				return 0, bad("malformed Content-Length")
			}
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return 0, bad("malformed Content-Length")
			}
			length, lengthText = n, value
		case len(name) == 17 && strings.EqualFold(name, "Transfer-Encoding"):
			coding = value
			codings++
		}
	}
	switch {
	case codings == 0:
		return length, nil
	case lengthText != "":
		return 0, bad("both Content-Length and Transfer-Encoding")
	case codings > 1 || minor == 0:
		return 0, bad("unexpected Transfer-Encoding")
	case !strings.EqualFold(coding, "chunked"):
		return 0, &Error{http.StatusNotImplemented, "unsupported Transfer-Encoding"}
	}
	return -1, nil
}

func isWebScheme(s string) bool {
	switch {
	case strings.EqualFold(s, "http"), strings.EqualFold(s, "https"), strings.EqualFold(s, "ws"), strings.EqualFold(s, "wss"):
		return true
	}
	return false
}

// validHost accepts a name or address with an optional port: what could be a key of a routing table, and nothing else.
func validHost(host string) bool {
	name, port := host, ""
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return false
		}
		ip, err := netip.ParseAddr(host[1:end])
		if err != nil || !ip.Is6() || ip.Zone() != "" {
			return false
		}
		port = host[end+1:]
	} else {
		if colon := strings.IndexByte(host, ':'); colon >= 0 {
			name, port = host[:colon], host[colon:]
		}
		if name == "" || len(name) > 255 {
			return false
		}
		for i := range len(name) {
			if b := name[i]; !isAlphanumeric(b) && b != '.' && b != '-' && b != '_' {
				return false
			}
		}
	}
	return port == "" || len(port) <= 6 && port[0] == ':' && isDigits(port[1:])
}

func validEscapes(s string) bool {
	for i := strings.IndexByte(s, '%'); i >= 0 && i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
			return false
		}
	}
	return true
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if b := s[i]; !isAlphanumeric(b) && b != '-' && strings.IndexByte("!#$%&'*+.^_`|~", b) < 0 {
			return false
		}
	}
	return s != ""
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}
