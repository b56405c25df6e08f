package mapping

import (
	"encoding/base64"

	"github.com/sockgate/sockgate"
)

// Content is a contentHandlingStrategy.
type Content string

// The strategies; the empty one leaves a payload as it is.
const (
	ToBinary Content = "CONVERT_TO_BINARY" // the payload is base64 text and is decoded
	ToText   Content = "CONVERT_TO_TEXT"   // the payload is any bytes and is encoded as base64 text
)

// Convert applies the strategy to a payload. Text that is not base64 is sockgate.Internal, as on AWS (reference section 3.1).
func (c Content) Convert(payload []byte) ([]byte, error) {
	switch c {
	case ToBinary:
		out := make([]byte, base64.StdEncoding.DecodedLen(len(payload)))
		n, err := base64.StdEncoding.Decode(out, payload)
		if err != nil {
			return nil, sockgate.Internalf("%s: the payload is not base64: %w", ToBinary, err)
		}
		return out[:n], nil
	case ToText:
		return base64.StdEncoding.AppendEncode(nil, payload), nil
	}
	return payload, nil
}
