//go:build !unix

package listen

// sleeper waits for bytes without a buffer; here the connection does it with a buffer of one byte.
type sleeper struct{}

func newSleeper(*conn) *sleeper { return nil }

func (*sleeper) read() error { return nil }
