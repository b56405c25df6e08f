package balancer

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// failure is why a check failed, in Elastic Load Balancing's words.
type failure struct {
	reason, description string
	unreachable         bool // no connection, or nothing came over it
	cause               error
}

// Source of reasons and descriptions: Elastic Load Balancing User Guide, "Target health reason codes".
const (
	failedChecks  = "Target.FailedHealthChecks"
	checkTimeout  = "Target.Timeout"
	wrongResponse = "Target.ResponseCodeMismatch"
)

// maxCheckHead bounds what is read of an answer to a check, in bytes. Only its first line matters.
const maxCheckHead = 4 << 10

// probe makes one check.
func (t *Target) probe(ctx context.Context, h *sockgate.HealthCheck) *failure {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	nc, err := t.dialCheck(ctx, h)
	if err != nil {
		return unreached(err)
	}
	defer nc.Close()
	if h.Protocol == "TCP" {
		return nil
	}
	deadline, _ := ctx.Deadline()
	if err := nc.SetDeadline(deadline); err != nil {
		return unreached(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if h.Protocol == "HTTPS" {
		// As AWS does, certificates of targets are not verified here: a check tells whether a server is there. Calls verify.
		nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // see above
	}
	status, err := ask(nc, t.checkHost(h), h.Path)
	if err != nil {
		return unreached(err)
	}
	if !h.Accepts(status) {
		return &failure{reason: wrongResponse, description: fmt.Sprintf("Health checks failed with these codes: [%d]", status),
			cause: fmt.Errorf("status %d does not match %s", status, h.Matcher)}
	}
	return nil
}

func unreached(err error) *failure {
	f := &failure{failedChecks, "Health checks failed", true, err}
	var ne net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout() {
		f.reason, f.description = checkTimeout, "Request timed out"
	}
	return f
}

// dialCheck connects for a check, which may go to another port. Its connection is not the target's to cut.
func (t *Target) dialCheck(ctx context.Context, h *sockgate.HealthCheck) (net.Conn, error) {
	if t.host == "" || h.Port == 0 || h.Port == t.def.Port || t.elsewhere == nil {
		return t.dialer(ctx)
	}
	return t.elsewhere(ctx, address(t.host, h.Port))
}

func (t *Target) checkHost(h *sockgate.HealthCheck) string {
	switch {
	case t.host == "":
		return "localhost"
	case h.Port != 0:
		return address(t.host, h.Port)
	}
	return address(t.host, t.def.Port)
}

// ask sends the request of a check and returns the answer's status.
func ask(c net.Conn, host, path string) (int, error) {
	if path == "" {
		path = "/"
	}
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nUser-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\nConnection: close\r\n\r\n"); err != nil {
		return 0, err
	}
	line, err := bufio.NewReaderSize(io.LimitReader(c, maxCheckHead), maxCheckHead).ReadSlice('\n')
	if err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	return parseStatus(string(line))
}

// parseStatus reads a status line.
func parseStatus(line string) (int, error) {
	version, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
	code, _, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(code)
	if !strings.HasPrefix(version, "HTTP/1.") || err != nil || len(code) != 3 || n < 100 {
		return 0, fmt.Errorf("the answer is not HTTP: %.60q", line)
	}
	return n, nil
}
