package mapping

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"

	"github.com/sockgate/sockgate/lang/jsonvalue"
	"github.com/sockgate/sockgate/lang/vtl"
)

// util is $util. Source: reference section 5.2.
type util struct{}

var _ vtl.Object = util{}

// Property has none.
func (util) Property(string) (any, bool) { return nil, false }

func (util) String() string { return "$util" }

// Call knows the six methods of API Gateway's $util; of others nothing comes, as in Velocity. null is the text "null", as escapeJavaScript
// prints it.
func (util) Call(method string, args []any) (any, error) {
	if len(args) != 1 {
		return nil, nil
	}
	text := vtl.Text(args[0])
	switch method {
	case "escapeJavaScript":
		if _, blank := args[0].(vtl.Blank); blank {
			text = "null"
		}
		return escapeJavaScript(text), nil
	case "parseJson":
		v, err := jsonvalue.Parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("$util.parseJson: %w", err)
		}
		return v, nil
	case "urlEncode":
		return formEscapes.Replace(url.QueryEscape(text)), nil
	case "urlDecode":
		s, err := url.QueryUnescape(text)
		if err != nil {
			return nil, fmt.Errorf("$util.urlDecode: %w", err)
		}
		return characters(s), nil
	case "base64Encode":
		return base64.StdEncoding.EncodeToString([]byte(text)), nil
	case "base64Decode":
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			b, err = base64.RawStdEncoding.DecodeString(text)
		}
		if err != nil {
			return nil, fmt.Errorf("$util.base64Decode: %w", err)
		}
		return characters(string(b)), nil
	}
	return nil, nil
}

// formEscapes is where Java's form encoding differs from Go's.
var formEscapes = strings.NewReplacer("%2A", "*", "~", "%7E")

// characters replaces what is not UTF-8, as Java does when it makes a string of bytes.
func characters(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// escapeJavaScript escapes as Apache Commons Lang does: quotes of both kinds, backslashes and slashes with a backslash,
// control characters, and everything beyond ASCII as \uXXXX. UNCONFIRMED: that AWS escapes the slash too.
func escapeJavaScript(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '"', '\'', '\\', '/':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\b':
			b.WriteString(`\b`)
		case '\n':
			b.WriteString(`\n`)
		case '\t':
			b.WriteString(`\t`)
		case '\f':
			b.WriteString(`\f`)
		case '\r':
			b.WriteString(`\r`)
		default:
			if r >= ' ' && r <= 0x7f {
				b.WriteRune(r)
				continue
			}
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04X`, unit)
			}
		}
	}
	return b.String()
}
