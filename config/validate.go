package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate/internal/nearest"
)

// Validate checks a configuration that did not come from Load. Its error is like Load's.
func (c *Config) Validate() error {
	l := &loader{}
	for _, g := range groups(c) {
		l.order = append(l.order, g.settings...)
	}
	l.validate(c)
	return l.err()
}

// validate checks each value for itself and then those that must agree with each other.
func (l *loader) validate(c *Config) {
	for _, s := range l.order {
		if text := s.problem(); text != "" {
			origin := l.origins[s.Key]
			l.fault(origin, s.naming(origin)+text)
		}
	}
	for _, rule := range []struct {
		broken    bool
		key, text string
	}{
		{c.RootAccessKeyID != "" && c.RootSecretAccessKey == "", "rootAccessKeyId",
			"the secret of this key is missing; set rootSecretAccessKey (SOCKGATE_ROOT_SECRET_ACCESS_KEY) too"},
		{c.RootAccessKeyID == "" && c.RootSecretAccessKey != "", "rootSecretAccessKey",
			"the id of this key is missing; set rootAccessKeyId (SOCKGATE_ROOT_ACCESS_KEY_ID) too"},
		{strings.ContainsFunc(string(c.RootSecretAccessKey), func(r rune) bool { return r <= ' ' || r > '~' }), "rootSecretAccessKey",
			"the secret holds a space, a line break or a character outside ASCII; check how it was quoted"},
		{c.State.Engine == "nats" && c.State.URL == "", "state.engine",
			"nats needs servers; name them in state.url"},
		{c.State.Engine != "nats" && c.State.URL != "", "state.url",
			"only engine nats connects to servers; set state.engine to nats, or remove the URL"},
		{c.State.Engine != "nats" && c.State.Credentials != "", "state.credentials",
			"only engine nats takes credentials; set state.engine to nats, or remove them"},
		{c.State.Engine != "nats" && c.State.Replicas != 1, "state.replicas",
			"only engine nats keeps several copies; set state.engine to nats, or replicas to 1"},
		{c.State.Replicas%2 == 0 && c.State.Replicas > 0, "state.replicas",
			"an even number of copies survives no more failures than one copy fewer; use 1, 3 or 5"},
		{strings.HasPrefix(l.origins["state.url"], "--") && strings.Contains(c.State.URL, "@"), "state.url",
			"the URL holds credentials, and other users can read command lines; use SOCKGATE_STATE_URL or the file"},
		{c.TLS.ACMEDirectory != "" && !c.TLS.ACMEAgreed, "tls.acmeDirectory",
			"the authority's terms must be agreed to; read them, and set tls.acmeAgreed to true"},
		{c.TLS.Key != "" && c.TLS.KeyFile != "", "tls.key",
			"tls.keyFile is set too; keep one of them"},
		{c.Listeners.ProxyProtocol && len(c.Listeners.TrustedProxies) == 0, "listeners.proxyProtocol",
			"PROXY headers are believed of trusted proxies only; name them in listeners.trustedProxies"},
	} {
		if rule.broken {
			l.fault(l.origins[rule.key], rule.key+": "+rule.text)
		}
	}
	l.checkDistinct(c)
	l.checkBalancers(c)
}

// checkDistinct refuses two listeners on one address; with port 0 each gets a port of its own.
func (l *loader) checkDistinct(c *Config) {
	taken := map[string]string{c.Listen: "listen"}
	for _, a := range []struct{ key, addr string }{
		{"listeners.edge", c.Listeners.Edge},
		{"listeners.management", c.Listeners.Management},
		{"listeners.console", c.Listeners.Console},
	} {
		if a.addr == "" || strings.HasSuffix(a.addr, ":0") {
			continue
		}
		if other, dup := taken[a.addr]; dup {
			l.fault(l.origins[a.key], fmt.Sprintf("%s: %s is the address of %s already; give it another port, or leave it out to share that one", a.key, a.addr, other))
			continue
		}
		taken[a.addr] = a.key
	}
}

// problem says what is wrong with the value by itself, or "".
func (s *Setting) problem() string {
	text := s.text()
	if s.oneOf != nil && !slices.Contains(s.oneOf, text) {
		return fmt.Sprintf("%s is not one of %s%s", quote(s, text), strings.Join(s.oneOf, ", "), nearest.Maybe(nearest.Name(text, s.oneOf), `"`))
	}
	if n, ok := s.number(); ok {
		return s.outOfBounds(n)
	}
	if text == "" {
		if s.check == "account" || s.check == "region" || s.Key == "listen" {
			return "must not be empty"
		}
		return ""
	}
	if fault := check(s.check, text); fault != "" {
		return quote(s, text) + " " + fault
	}
	return ""
}

func (s *Setting) outOfBounds(n int64) string {
	if n == 0 && s.zero != "" {
		return ""
	}
	switch {
	case n < s.bound(s.min):
		more := ""
		if s.zero != "" {
			more = ", or 0 (" + s.zero + ")"
		}
		return fmt.Sprintf("%s is too small; use at least %s%s", s.text(), s.min, more)
	case n > s.bound(s.max):
		return fmt.Sprintf("%s is too large; use at most %s", s.text(), s.max)
	}
	return ""
}

// bound reads a bound's text as a value of the setting's type.
func (s *Setting) bound(text string) int64 {
	b := *s
	switch s.target.(type) {
	case *Size:
		b.target = new(Size)
	case *int:
		b.target = new(int)
	default:
		b.target = new(time.Duration)
	}
	if err := b.parse(text); err != nil {
		panic("config: bound of " + s.Key + " " + err.Error())
	}
	n, _ := b.number()
	return n
}

var (
	accountForm   = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	accessKeyForm = regexp.MustCompile(`^[A-Za-z0-9_]{1,128}$`) // IAM's AccessKeyId is \w, up to 128; short ones are for tests
)

// check applies a check that is named in a tag. The answer completes a sentence that begins with the value.
func check(name, text string) string {
	switch name {
	case "account":
		if !accountForm.MatchString(text) {
			return "is not an account number; it takes 12 digits (in YAML, in quotes)"
		}
	case "region":
		if !regionForm.MatchString(text) || len(text) > 63 {
			return "is not a region's name; it takes lowercase letters, digits and dashes, such as eu-central-1"
		}
	case "accessKey":
		if !accessKeyForm.MatchString(text) {
			return "is not an access key id; it takes 1 to 128 letters, digits and underscores"
		}
	case "address":
		return checkAddress(text)
	case "path":
		if strings.HasPrefix(text, "~") {
			return "begins with ~, which only a shell expands; write the whole path"
		}
		if strings.ContainsRune(text, 0) {
			return "holds a NUL byte"
		}
	case "httpURL":
		if !httpURL(text) {
			return "is not an address; write http://HOST:PORT or https://HOST:PORT"
		}
	case "networks":
		list, _ := ParseList(text)
		for _, network := range list {
			if _, err := netip.ParsePrefix(network); err == nil {
				continue
			}
			if _, err := netip.ParseAddr(network); err != nil {
				return "names " + strconv.Quote(network) + ", which is no address and no network such as 10.0.0.0/8"
			}
		}
	case "remotes":
		m, _ := ParseMap(text)
		for name, to := range m {
			if !httpURL(to) {
				return fmt.Sprintf("leads %s to %q, which is no http or https URL", name, to)
			}
		}
	case "natsURL":
		for one := range strings.SplitSeq(text, ",") {
			u, err := url.Parse(strings.TrimSpace(one))
			if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
				return "is not a list of NATS servers; write e.g. nats://host:4222, separated by commas"
			}
		}
	}
	return ""
}

func httpURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func checkAddress(text string) string {
	const form = "is not an address; write HOST:PORT, such as 127.0.0.1:4566, or :4566 for all interfaces"
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return form
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 || port[0] == '+' || port[0] == '-' {
		return form
	}
	if strings.ContainsAny(host, " /@?#\t\r\n\x00") {
		return form
	}
	return ""
}

// Warnings says what is permitted and yet worth a second thought; the process logs these at start.
func (c *Config) Warnings() []string {
	var warnings []string
	const shortSecret = 16 // characters; generated secrets have 40
	short := c.RootSecretAccessKey != "" && len(c.RootSecretAccessKey) < shortSecret
	for _, a := range []struct{ key, addr string }{
		{"listen", c.Listen},
		{"listeners.management", c.Listeners.Management},
		{"listeners.console", c.Listeners.Console},
	} {
		if a.addr == "" || loopback(a.addr) || (a.key == "listen" && c.Listeners.Management != "") {
			continue
		}
		warnings = append(warnings, fmt.Sprintf("%s is %s: the management APIs can be reached from the network; every request must be signed", a.key, a.addr))
		if short {
			warnings = append(warnings, fmt.Sprintf("the root secret has under %d characters and can be guessed from the network; use a long random one", shortSecret))
			short = false
		}
	}
	for _, name := range c.Ignored {
		warnings = append(warnings, fmt.Sprintf("%s in the environment is no setting of this version and was ignored", name))
	}
	if c.Listeners.Console != "" {
		warnings = append(warnings, "listeners.console is set, but there is no console yet; nothing is served there")
	}
	if c.Backends.AllowLinkLocal {
		warnings = append(warnings, "backends.allowLinkLocal is on: whoever may create an integration can read this machine's cloud credentials")
	}
	return warnings
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
