package authorize

import (
	"strconv"
	"time"

	"github.com/sockgate/sockgate"
)

// keys are the condition keys of a handshake, by their names in lower case. Source: reference section 9.5.
type keys struct {
	ev        *sockgate.Event
	methodARN string
}

// Key returns a condition key's value.
func (k keys) Key(name string) ([]string, bool) {
	one := func(value string) ([]string, bool) { return []string{value}, value != "" }
	c := k.ev.Connection
	switch name {
	case "aws:currenttime":
		return one(k.ev.Time.UTC().Format(time.RFC3339))
	case "aws:epochtime":
		return one(strconv.FormatInt(k.ev.Time.Unix(), 10))
	case "aws:referer":
		return one(k.ev.Headers.Get("Referer"))
	case "aws:securetransport":
		return one(strconv.FormatBool(c.TLS))
	case "aws:sourcearn":
		return one(k.methodARN)
	case "aws:sourceip":
		if !c.SourceIP.IsValid() {
			return nil, false
		}
		return one(c.SourceIP.Unmap().String())
	case "aws:useragent":
		return one(c.UserAgent)
	}
	return nil, false
}
