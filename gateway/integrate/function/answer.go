package function

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sockgate/sockgate"
)

// Answer is what a function said in the shape of a proxy integration.
type Answer struct {
	Status int // 200 when the function named none
	Header sockgate.Headers
	Body   []byte // decoded
}

// ParseAnswer reads {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}. needStatus says that a status
// must be named, which $connect's answer does; headers are read only then. The error says what is not in shape.
//
// UNCONFIRMED for WebSocket: the rules are REST's. A body must be a string. A status may be written as a string. null stands for
// an absent member. An object that names no status and has members of other names is not in shape, which tells a value
// returned by mistake from an answer; beside a status other members are ignored.
func ParseAnswer(payload []byte, needStatus bool) (Answer, error) {
	a := Answer{Status: 200}
	if !gjson.ValidBytes(payload) {
		return a, errors.New("it is not JSON")
	}
	doc := gjson.ParseBytes(payload)
	if !doc.IsObject() {
		return a, errors.New("it is not a JSON object")
	}
	var fault error
	var named, strange, encoded bool
	var body string
	doc.ForEach(func(key, value gjson.Result) bool {
		switch name := key.String(); {
		case value.Type == gjson.Null:
		case name == "statusCode":
			named = true
			a.Status, fault = status(value)
		case name == "body":
			if body = value.String(); value.Type != gjson.String {
				fault = errors.New("its body is not a string")
			}
		case name == "isBase64Encoded":
			encoded = value.Bool()
		case name == "headers", name == "multiValueHeaders":
			if needStatus {
				a.Header, fault = appendAnswerHeaders(a.Header, name, value)
			}
		default:
			strange = true
		}
		return fault == nil
	})
	switch {
	case fault != nil:
		return a, fault
	case !named && (needStatus || strange):
		return a, errors.New("it has no statusCode")
	case !encoded:
		a.Body = []byte(body)
		return a, nil
	}
	decoded, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return a, fmt.Errorf("isBase64Encoded is true, and the body is not base64: %w", err)
	}
	a.Body = decoded
	return a, nil
}

// status reads a statusCode: a whole number that HTTP can carry, written as a number or a string.
func status(v gjson.Result) (int, error) {
	n := v.Float()
	if v.Type != gjson.Number && v.Type != gjson.String || n != math.Trunc(n) || n < 100 || n > 599 {
		return 0, fmt.Errorf("its statusCode %.40s is not a number from 100 to 599", v.Raw)
	}
	return int(n), nil
}

// appendAnswerHeaders reads headers, or multiValueHeaders. A scalar that is no string stands as JSON writes it. Headers with line
// breaks or other control characters are left out: they could not be sent.
func appendAnswerHeaders(list sockgate.Headers, member string, v gjson.Result) (sockgate.Headers, error) {
	if !v.IsObject() {
		return list, errors.New("its " + member + " is not an object")
	}
	var fault error
	add := func(name string, value gjson.Result) {
		switch {
		case value.Type == gjson.JSON:
			fault = fmt.Errorf("its header %.80q is not a scalar value", name)
		case value.Type == gjson.Null, strings.ContainsFunc(name+value.String(), control):
		default:
			list = append(list, sockgate.Header{Name: name, Value: value.String()})
		}
	}
	v.ForEach(func(key, value gjson.Result) bool {
		name := key.String()
		if member == "headers" || !value.IsArray() {
			add(name, value)
			return fault == nil
		}
		for _, item := range value.Array() {
			add(name, item)
		}
		return fault == nil
	})
	return list, fault
}

func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// Status returns the statusCode of an answer that is not read otherwise, or 0.
func Status(payload []byte) int {
	if n, err := status(gjson.GetBytes(payload, "statusCode")); err == nil {
		return n
	}
	return 0
}

// ErrorMessage returns the errorMessage of a function's error document, or "".
func ErrorMessage(payload []byte) string { return gjson.GetBytes(payload, "errorMessage").String() }
