package pipeline

import "encoding/json"

// errorFrame is the text frame that tells a client why its message failed: byte for byte API Gateway's, whose spacing is no
// JSON encoder's (reference section 0.3).
func errorFrame(message, connectionID, requestID string) []byte {
	text, err := json.Marshal(message)
	if err != nil { // a string always encodes
		panic(err)
	}
	b := make([]byte, 0, len(text)+len(connectionID)+len(requestID)+48)
	b = append(b, `{"message": `...)
	b = append(b, text...)
	b = append(b, `, "connectionId":"`...)
	b = append(b, connectionID...)
	b = append(b, `", "requestId":"`...)
	b = append(b, requestID...)
	return append(b, `"}`...)
}
