package runtime

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// The error documents that Lambda itself writes, as opposed to a function's runtime. Their keys are in Lambda's order.

// errorDocument returns a JSON object of names and values, in the order given.
func errorDocument(pairs ...string) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for i, s := range pairs {
		switch {
		case i == 0:
			b.WriteByte('{')
		case i%2 == 1:
			b.WriteByte(':')
		default:
			b.WriteByte(',')
		}
		_ = encoder.Encode(s) // strings always can be
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func responseTooLarge() []byte {
	return errorDocument("errorType", "Function.ResponseSizeTooLarge",
		"errorMessage", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse))
}

// timedOut is what a call gets that passed its limit. The text is also a line in the log.
func timedOut(id string, now time.Time, limit time.Duration) (document []byte, line string) {
	line = fmt.Sprintf("%s %s Task timed out after %.2f seconds", now.UTC().Format("2006-01-02T15:04:05.000Z"), id, limit.Seconds())
	return errorDocument("errorMessage", line), line
}

// exited is what a call gets whose process ended under it.
func exited(id, errorType, reason string) (document []byte, line string) {
	line = fmt.Sprintf("RequestId: %s Error: %s", id, reason)
	return errorDocument("errorType", errorType, "errorMessage", line), line
}

// trailerError is a stream's error, which its sender put behind the stream.
func trailerError(errorType, encoded string) []byte {
	if body, err := base64.StdEncoding.DecodeString(encoded); err == nil && json.Valid(body) {
		return body
	}
	return errorDocument("errorType", errorType, "errorMessage", encoded)
}
