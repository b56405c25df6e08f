package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// proxied gets a URL by way of a proxy that a program with that environment would be given, and returns the answer's text.
func proxied(t *testing.T, p *leadingProxy, target string) (string, error) {
	t.Helper()
	address, err := url.Parse(strings.TrimPrefix(p.environ()[0], "HTTPS_PROXY="))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(address), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(target)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

func TestLeadingProxy(t *testing.T) {
	named := func(name string) *httptest.Server {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, name+" for "+r.Host) }))
		t.Cleanup(s.Close)
		return s
	}
	gateway, other := named("gateway"), named("other")
	p, err := startProxy(gateway.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	for target, want := range map[string]string{
		"https://abc.execute-api.us-east-1.amazonaws.com/dev": "gateway for abc.execute-api.us-east-1.amazonaws.com",
		"https://dynamodb.cn-north-1.amazonaws.com.cn/":       "gateway for dynamodb.cn-north-1.amazonaws.com.cn",
		other.URL: "other for " + other.Listener.Addr().String(),
	} {
		if got, err := proxied(t, p, target); err != nil || got != want {
			t.Errorf("%s: %s, %v", target, got, err)
		}
	}
	// A second proxy stands for the one that a company has.
	outer, err := startProxy(gateway.URL, p.environ())
	if err != nil {
		t.Fatal(err)
	}
	defer outer.close()
	if conn, err := outer.through(t.Context(), "x.amazonaws.com:443"); err != nil {
		t.Errorf("through another proxy: %v", err)
	} else {
		conn.Close()
	}
	if _, err := outer.through(t.Context(), "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("a host that is not there, through another proxy: %v", err)
	}
	if _, err := startProxy(gateway.URL, []string{"HTTPS_PROXY=socks5://user:hush@x"}); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a proxy of another kind: %v", err)
	}
}

func TestLeadingProxyIsForOneProgram(t *testing.T) {
	p, err := startProxy("http://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	for _, password := range []string{"", "Proxy-Authorization: Basic c29ja2dhdGU6\r\n"} {
		c, err := net.Dial("tcp", p.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n"+password+"\r\n")
		answer, _ := io.ReadAll(c)
		if c.Close(); !strings.HasPrefix(string(answer), "HTTP/1.1 407 ") {
			t.Errorf("answer %q", answer)
		}
	}
}
