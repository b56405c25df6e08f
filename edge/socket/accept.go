package socket

// Accept writes the handshake's answer as the connection's first bytes. Call it once, before Run.
//
// known is called first: it makes the connection findable. Whoever finds it then may send at once, and what they send comes
// behind the answer, so that a client which was told of the connection elsewhere never meets one that is not there yet.
// known must not send or close itself.
func (c *Conn) Accept(answer []byte, known func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known()
	c.put(answer)
}
