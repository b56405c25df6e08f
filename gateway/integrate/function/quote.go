package function

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// appendQuoted appends text as a JSON string. Only what JSON demands is escaped, as AWS does; bytes that are not UTF-8 become
// U+FFFD. It is of its own because events are built per message, and bodies are JSON whose every quote must be escaped:
// encoding/json takes about twice as long for them.
func appendQuoted[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if plainByte[c] {
			continue
		}
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))])); r != utf8.RuneError || size > 1 {
				i += size - 1
				continue
			}
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			if c >= utf8.RuneSelf {
				dst = append(dst, "\ufffd"...)
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
		}
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

// plainByte are the bytes that stand for themselves in a JSON string. It is never changed.
var plainByte = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// Variables encodes a stage's variables for events, or returns nil when there are none.
func Variables(vars map[string]string) []byte {
	if len(vars) == 0 {
		return nil
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(vars); err != nil { // strings always encode
		panic(err)
	}
	return []byte(strings.TrimSpace(b.String()))
}
