package socket

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/request"
)

// acceptGUID is what the client's key is hashed with. Source: RFC 6455, section 1.3.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// The handshake's own headers.
const (
	headerKey      = "Sec-WebSocket-Key"
	headerVersion  = "Sec-WebSocket-Version"
	headerAccept   = "Sec-WebSocket-Accept"
	headerProtocol = "Sec-WebSocket-Protocol"
)

// Refusal is the HTTP response to a request that is not a proper WebSocket opening.
// Header lacks Content-Length and Connection, which are for the writer of the response.
type Refusal struct {
	Status int
	Header []sockgate.Header
	Body   []byte // JSON
}

// CheckHandshake returns nil if h is a proper opening of RFC 6455, section 4.2.1, and else what to answer:
// 426 to a plain request and to a version other than 13, 400 to everything else.
//
// Source: reference section 0.1 for the 426 to a plain request. UNCONFIRMED: its body, and the 400's.
func CheckHandshake(h *request.Head) *Refusal {
	switch {
	case !hasToken(h.Headers, "Upgrade", "websocket"):
		return upgradeRequired(sockgate.Header{Name: "Upgrade", Value: "websocket"})
	case h.Method != http.MethodGet, h.Minor < 1, !hasToken(h.Headers, "Connection", "upgrade"):
		return badRequest()
	}
	if v := h.Headers.Values(headerVersion); len(v) != 1 || v[0] != "13" {
		return upgradeRequired(sockgate.Header{Name: headerVersion, Value: "13"})
	}
	if v := h.Headers.Values(headerKey); len(v) != 1 || !validKey(v[0]) {
		return badRequest()
	}
	return nil
}

func upgradeRequired(say sockgate.Header) *Refusal {
	return &Refusal{
		Status: http.StatusUpgradeRequired,
		Header: []sockgate.Header{say, {Name: "Content-Type", Value: "application/json"}},
		Body:   []byte(`{"message":"Upgrade Required"}`),
	}
}

func badRequest() *Refusal {
	return &Refusal{
		Status: http.StatusBadRequest,
		Header: []sockgate.Header{
			{Name: "x-amzn-ErrorType", Value: "BadRequestException"},
			{Name: "Content-Type", Value: "application/json"},
		},
		Body: []byte(`{"message":"Bad Request"}`),
	}
}

// hasToken reports whether a comma-separated header called name lists token, in any case.
func hasToken(headers sockgate.Headers, name, token string) bool {
	for _, v := range headers.Values(name) {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(part, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// validKey reports whether key is the base64 of 16 bytes.
func validKey(key string) bool {
	if len(key) != 24 {
		return false
	}
	var b [18]byte
	n, err := base64.StdEncoding.Decode(b[:], []byte(key))
	return err == nil && n == 16
}

// AcceptResponse returns the bytes of the 101 that opens the connection of h, which CheckHandshake let pass.
// subprotocol is what the backend chose, or empty for none. A value that could not stand in a header line is left out.
func AcceptResponse(h *request.Head, subprotocol string, extra []sockgate.Header) []byte {
	sum := sha1.Sum([]byte(h.Headers.Get(headerKey) + acceptGUID))
	b := make([]byte, 0, 256)
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"...)
	b = appendHeader(b, headerAccept, base64.StdEncoding.EncodeToString(sum[:]))
	if subprotocol != "" {
		b = appendHeader(b, headerProtocol, subprotocol)
	}
	for _, e := range extra {
		b = appendHeader(b, e.Name, e.Value)
	}
	return append(b, "\r\n"...)
}

// appendHeader appends a header line, unless name or value would end it early: both may come from a backend.
func appendHeader(b []byte, name, value string) []byte {
	if name == "" || strings.ContainsAny(name, "\r\n\x00: \t") || strings.ContainsAny(value, "\r\n\x00") {
		return b
	}
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}
