package gatewaytest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gobwas/ws"
	"github.com/rogpeppe/go-internal/testscript"
)

func (s *story) connect(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return usage("connect NAME STAGE [HEADER: VALUE ...] [?QUERY] [by=DOMAIN]")
	}
	name, target := args[0], "/"+args[1]
	var headers []string
	for _, a := range args[2:] {
		if strings.HasPrefix(a, "?") {
			target += a
		} else {
			headers = append(headers, a)
		}
	}
	before := len(s.backend.Requests())
	c, err := s.dial(target, headers)
	for _, r := range s.backend.Requests()[before:] {
		if id := r.Header.Get("connectionId"); id != "" {
			s.names.call(id, name)
		}
	}
	if r, ok := errors.AsType[*Refusal](err); ok {
		return &refused{describeRefusal(r)}
	}
	if err != nil {
		return err
	}
	s.clients[name] = c
	if p, ok := c.Response.Header["Sec-Websocket-Protocol"]; ok {
		fmt.Fprintln(ts.Stdout(), "Sec-WebSocket-Protocol: "+strings.Join(p, " | "))
	}
	return nil
}

// describeRefusal shows what the client can see of a refusal.
func describeRefusal(r *Refusal) string {
	var b strings.Builder
	fmt.Fprintln(&b, r.StatusCode)
	for _, name := range []string{"Content-Type", "x-amzn-ErrorType", "Location", "Upgrade", "Sec-WebSocket-Version"} {
		if v := r.Header.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	b.WriteString(r.Content)
	return b.String()
}

func (s *story) client(args []string, least int, how string) (*Client, error) {
	if len(args) < least {
		return nil, usage(how)
	}
	c := s.clients[args[0]]
	if c == nil {
		return nil, fmt.Errorf("no client %q is connected", args[0])
	}
	return c, nil
}

func (s *story) send(_ *testscript.TestScript, args []string) error {
	c, err := s.client(args, 2, "send NAME TEXT")
	if err != nil {
		return err
	}
	return c.Send(args[1])
}

var opcodes = map[string]ws.OpCode{"text": ws.OpText, "binary": ws.OpBinary, "ping": ws.OpPing, "continue": ws.OpContinuation, "close": ws.OpClose}

func (s *story) frames(_ *testscript.TestScript, args []string) error {
	c, err := s.client(args, 2, "frames NAME FRAME ...")
	if err != nil {
		return err
	}
	var all []byte
	for _, spec := range args[1:] {
		f, masked, err := parseFrame(spec)
		if err != nil {
			return err
		}
		if masked {
			f = ws.MaskFrame(f)
		}
		all = append(all, ws.MustCompileFrame(f)...)
	}
	return c.SendBytes(all)
}

func parseFrame(spec string) (f ws.Frame, masked bool, err error) {
	fin, masked := true, true
	for ; strings.HasPrefix(spec, "*") || strings.HasPrefix(spec, "-"); spec = spec[1:] {
		if spec[0] == '*' {
			fin = false
		} else {
			masked = false
		}
	}
	i := strings.IndexAny(spec, ":*")
	if i < 0 {
		return f, false, fmt.Errorf("frame %q has no payload; write text:abc or text*100", spec)
	}
	op, known := opcodes[spec[:i]]
	if !known {
		n, err := strconv.Atoi(strings.TrimPrefix(spec[:i], "op"))
		if err != nil {
			return f, false, fmt.Errorf("frame %q: unknown opcode", spec)
		}
		op = ws.OpCode(n)
	}
	payload := []byte(spec[i+1:])
	if spec[i] == '*' {
		n, err := strconv.Atoi(spec[i+1:])
		if err != nil {
			return f, false, err
		}
		payload = []byte(strings.Repeat("x", n))
	} else if unquoted, err := strconv.Unquote(`"` + spec[i+1:] + `"`); err == nil { // \xff and the like
		payload = []byte(unquoted)
	}
	return ws.NewFrame(op, fin, payload), masked, nil
}

// read returns the next message as the story shows it.
func (s *story) read(name string, c *Client) (string, error) {
	text, err := c.Read()
	if err != nil {
		return "", fmt.Errorf("%s: instead of a message: %w", name, err)
	}
	if m := connectionIDOf.FindStringSubmatch(text); m != nil {
		s.names.call(m[1], name)
	}
	return s.names.show(text), nil
}

var connectionIDOf = regexp.MustCompile(`"connectionId":"([A-Za-z0-9_-]{15}=)"`)

func (s *story) expect(_ *testscript.TestScript, args []string) error {
	c, err := s.client(args, 2, "expect NAME TEXT")
	if err != nil {
		return err
	}
	got, err := s.read(args[0], c)
	if err != nil {
		return err
	}
	want := args[1]
	if len(want) > 1 && want[0] == '/' && strings.HasSuffix(want, "/") {
		re, err := regexp.Compile("^(?:" + want[1:len(want)-1] + ")$")
		if err != nil {
			return err
		}
		if re.MatchString(got) {
			return nil
		}
	} else if got == want {
		return nil
	}
	return fmt.Errorf("%s got\n\t%s\nand not\n\t%s", args[0], got, want)
}

func (s *story) expectSet(_ *testscript.TestScript, args []string) error {
	c, err := s.client(args, 2, "expect-set NAME TEXT ...")
	if err != nil {
		return err
	}
	var got []string
	for range args[1:] {
		text, err := s.read(args[0], c)
		if err != nil {
			return err
		}
		got = append(got, text)
	}
	want := slices.Sorted(slices.Values(args[1:]))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s got\n\t%q\nand not\n\t%q", args[0], got, want)
	}
	return nil
}

func (s *story) expectPong(_ *testscript.TestScript, args []string) error {
	c, err := s.client(args, 2, "expect-pong NAME TEXT")
	if err != nil {
		return err
	}
	f, err := c.ReadFrame()
	if err == nil && (f.Header.OpCode != ws.OpPong || string(f.Payload) != args[1]) {
		err = fmt.Errorf("%s got opcode %d with %q", args[0], f.Header.OpCode, f.Payload)
	}
	return err
}

func (s *story) close(_ *testscript.TestScript, args []string) error {
	c, err := s.client(args, 1, "close NAME [CODE [REASON]]")
	if err != nil {
		return err
	}
	code, reason, err := codeAndReason(args[1:])
	if err != nil {
		return err
	}
	return c.Close(code, reason)
}

func (s *story) drop(_ *testscript.TestScript, args []string) error {
	c, err := s.client(args, 1, "drop NAME")
	if err == nil {
		c.Drop()
	}
	return err
}

func (s *story) expectClose(_ *testscript.TestScript, args []string) error {
	c, err := s.client(args, 2, "expect-close NAME CODE [REASON]")
	if err != nil {
		return err
	}
	code, reason, err := codeAndReason(args[1:])
	if err != nil {
		return err
	}
	text, err := c.Read()
	closed, ok := errors.AsType[*CloseError](err)
	switch {
	case !ok && err != nil:
		return err
	case !ok:
		return fmt.Errorf("%s got the message %q and was not closed", args[0], text)
	case closed.Code != code || closed.Reason != reason:
		return fmt.Errorf("%s was %w", args[0], closed)
	}
	return nil
}

func codeAndReason(args []string) (code int, reason string, err error) {
	if len(args) > 0 {
		code, err = strconv.Atoi(args[0])
	}
	if len(args) > 1 {
		reason = args[1]
	}
	return code, reason, err
}
