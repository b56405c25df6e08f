package gatewaytest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// compareRequests waits until the backend got as many requests as the file shows.
func (s *story) compareRequests(ts *testscript.TestScript, args []string) error {
	sorted, all := false, false
	for len(args) > 1 {
		switch args[0] {
		case "-sort":
			sorted = true
		case "-all":
			all = true
		}
		args = args[1:]
	}
	if len(args) != 1 {
		return usage("requests [-sort] [-all] FILE")
	}
	want := split(ts.ReadFile(args[0]))
	requests, err := s.backend.Wait(func(rs []*Request) bool { return len(rs) >= s.seen+len(want) })
	var got []string
	for _, r := range requests[s.seen:] {
		got = append(got, s.names.show(r.show(all)))
	}
	s.seen = len(requests)
	if sorted {
		slices.Sort(got)
		slices.Sort(want)
	}
	if err != nil || !slices.Equal(got, want) {
		return fmt.Errorf("the backend got\n%s\nand not\n%s", strings.Join(got, "\n\n"), strings.Join(want, "\n\n"))
	}
	return nil
}

// split takes a file of requests apart. A request begins with a line "METHOD /target".
func split(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if requestLine.MatchString(line) {
			all = append(all, line)
		} else if n := len(all); n > 0 && line != "" {
			all[n-1] += "\n" + line
		}
	}
	return all
}

var requestLine = regexp.MustCompile(`^[A-Z]+ /`)

// usual are the headers that every request has, or whose value is chance; -all shows them.
var usual = []string{
	"Host", "Content-Length", "Content-Type", "User-Agent", "X-Amzn-Trace-Id", "x-amzn-apigateway-api-id", "X-Forwarded-For",
	"X-Forwarded-Port", "X-Forwarded-Proto", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Accept-Encoding",
}

var chance = []struct {
	in  *regexp.Regexp
	out string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "ADDR"},
	{regexp.MustCompile(`localhost:\d+`), "localhost:PORT"},
	{regexp.MustCompile(`(X-Forwarded-Port(?:: |=))\d+`), "${1}PORT"},
	{regexp.MustCompile(`Root=1-[0-9a-f]{8}-[0-9a-f]{24}`), "TRACE"},
}

// show is the request as stories write it: request line, headers in the order of arrival, "> " and the body.
func (r *Request) show(all bool) string {
	lines := []string{r.Method + " " + r.Target}
	for _, h := range r.Header {
		if all || !slices.ContainsFunc(usual, func(u string) bool { return strings.EqualFold(u, h.Name) }) {
			lines = append(lines, strings.TrimRight(h.Name+": "+h.Value, " "))
		}
	}
	if r.Body != "" {
		lines = append(lines, "> "+r.Body)
	}
	text := strings.Join(lines, "\n")
	for _, c := range chance {
		text = c.in.ReplaceAllString(text, c.out)
	}
	return text
}

var inLogs = append(chance[:len(chance):len(chance)], []struct {
	in  *regexp.Regexp
	out string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z`), "TIME"},
	{regexp.MustCompile(`\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000`), "CLFTIME"},
	{regexp.MustCompile(`latency: \d+ ms`), "latency: N ms"},
}...)

func (s *story) log(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return usage("log GROUP")
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "logs", filepath.FromSlash(args[0])+".log"))
	if err != nil {
		return err
	}
	shown := s.names.show(string(text))
	for _, c := range inLogs {
		shown = c.in.ReplaceAllString(shown, c.out)
	}
	fmt.Fprint(ts.Stdout(), shown)
	return nil
}

func (s *story) gatewayLog(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return usage("gateway-log REGEXP")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	if err != nil {
		return err
	}
	if !Eventually(func() bool { return re.MatchString(s.gateway.Log.String()) }) {
		return fmt.Errorf("the gateway's log has no line that matches %s:\n%s", args[0], s.gateway.Log)
	}
	return nil
}
