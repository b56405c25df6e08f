package execution

import "github.com/sockgate/sockgate"

// Limited closes the log of a request that its API key, a throttle or a quota kept out, and says which. key is the API key's value, or
// empty when none is concerned; it is masked.
func (l *Logger) Limited(e *sockgate.Event, key, why string) {
	if l == nil {
		return
	}
	masked := mask(key)
	if l.info {
		l.line(e).s("Verifying Usage Plan for request: ").s(e.RequestID).s(". API Key: ").s(masked).s(" API Stage: ").
			s(l.apiID).s("/").s(l.stage).to(l.sink)
	}
	n := l.line(e)
	if key != "" {
		n.s("API Key ").s(masked).s(" ")
	}
	n.s(cut(why, maxBody)).to(l.sink)
	l.completed(e)
}
