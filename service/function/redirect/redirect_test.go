package redirect_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/service/function/redirect"
)

// gateway is a listener that speaks HTTP and TLS, as the real one does, and answers with what it was asked.
type gateway struct {
	net.Listener
	tls *tls.Config
	ca  string
}

// sniffed is a connection whose first byte was looked at.
type sniffed struct {
	net.Conn
	reader *bufio.Reader
}

func (s sniffed) Read(b []byte) (int, error) { return s.reader.Read(b) }

// Accept may block for a slow client, which a test has not.
func (g *gateway) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	s := sniffed{conn, bufio.NewReader(conn)}
	if first, err := s.reader.Peek(1); err == nil && first[0] == 0x16 {
		return tls.Server(s, g.tls), nil
	}
	return s, nil
}

func startGateway(t *testing.T) *gateway {
	t.Helper()
	dir := t.TempDir()
	ca := domain.NewLocalCA(dir, nil)
	if _, err := ca.Pool(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{Listener: l, tls: ca.TLSConfig(), ca: filepath.Join(dir, "ca.pem")}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		name := ""
		if r.TLS != nil {
			name = r.TLS.ServerName
		}
		fmt.Fprintf(w, "%s|%s|%s|%s|%s", r.Host, name, r.URL.RequestURI(), r.Header.Get("Authorization"), body)
	})}
	ended := make(chan struct{})
	go func() { _ = server.Serve(g); close(ended) }()
	t.Cleanup(func() { server.Close(); <-ended })
	return g
}

// run runs a program in the surroundings that Env describes.
func (g *gateway) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := redirect.Extract(dir); err != nil {
		t.Fatal(err)
	}
	extra, err := redirect.Env(dir, "http://"+g.Addr().String(), g.ca, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(extra, "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

const host = "abc123.execute-api.eu-central-1.amazonaws.com"

// clients all POST "body" to a path of the host with a signature, and print what they get.
var nodeClients = map[string]string{
	"https": `require("https").request("https://HOST/prod/@connections/x?a=b", {method: "POST", headers: {Authorization: "sig"}}, (r) => r.on("data", (d) => console.log(String(d)))).end("body")`,
	"http":  `require("http").request({host: "HOST", path: "/prod/@connections/x?a=b", method: "POST", headers: {Authorization: "sig"}}, (r) => r.on("data", (d) => console.log(String(d)))).end("body")`,
	"https agent": `const https = require("https"); const agent = new https.Agent({keepAlive: true, maxSockets: 5});
		https.request({hostname: "HOST", agent, path: "/prod/@connections/x?a=b", method: "POST", headers: {Authorization: "sig"}}, (r) => r.on("data", (d) => { console.log(String(d)); agent.destroy() })).end("body")`,
	"fetch": `fetch("https://HOST/prod/@connections/x?a=b", {method: "POST", headers: {Authorization: "sig"}, body: "body"}).then((r) => r.text()).then(console.log)`,
	"tls": `const s = require("tls").connect(443, "HOST", {servername: "HOST"}, () => s.end("POST /prod/@connections/x?a=b HTTP/1.1\r\nHost: HOST\r\nAuthorization: sig\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"));
		let all = ""; s.on("data", (d) => all += d).on("close", () => console.log(all.split("\r\n\r\n")[1]))`,
}

var pythonClients = map[string]string{
	"urllib": `import urllib.request
print(urllib.request.urlopen(urllib.request.Request("https://HOST/prod/@connections/x?a=b", b"body", {"Authorization": "sig", "Content-Type": "x"})).read().decode())`,
	"plain": `import urllib.request
print(urllib.request.urlopen(urllib.request.Request("http://HOST/prod/@connections/x?a=b", b"body", {"Authorization": "sig", "Content-Type": "x"})).read().decode())`,
	"http.client": `import http.client
c = http.client.HTTPSConnection("HOST")
c.request("POST", "/prod/@connections/x?a=b", b"body", {"Authorization": "sig"})
print(c.getresponse().read().decode())`,
	"own context": `import ssl, socket
c = ssl.create_default_context(); s = c.wrap_socket(socket.create_connection(("HOST", 443)), server_hostname="HOST")
s.sendall(b"POST /prod/@connections/x?a=b HTTP/1.1\r\nHost: HOST\r\nAuthorization: sig\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody")
print(s.makefile().read().split("\n\n")[1])`,
	"asyncio": `import asyncio
async def main():
    r, w = await asyncio.open_connection("HOST", 443, ssl=True)
    w.write(b"POST /prod/@connections/x?a=b HTTP/1.1\r\nHost: HOST\r\nAuthorization: sig\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody")
    print((await r.read()).decode().split("\r\n\r\n")[1])
    w.close()
asyncio.run(main())`,
}

func TestClients(t *testing.T) {
	g := startGateway(t)
	for program, clients := range map[string]map[string]string{"node": nodeClients, "python3": pythonClients} {
		for name, code := range clients {
			t.Run(program+" "+name, func(t *testing.T) {
				flag, server := "-e", host
				if program == "python3" {
					flag = "-c"
				}
				if name == "http" || name == "plain" {
					server = ""
				}
				want := host + "|" + server + "|/prod/@connections/x?a=b|sig|body"
				if got := g.run(t, program, flag, strings.ReplaceAll(code, "HOST", host)); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
	}
}

// TestNames: which names are led, by where the connection ends up.
func TestNames(t *testing.T) {
	g := startGateway(t)
	names := map[string]bool{
		"sqs.us-east-1.amazonaws.com": true, "AMAZONAWS.COM": true, "dynamodb.cn-north-1.amazonaws.com.cn": true, "x.execute-api.localhost": true,
		"x.execute-api.us-east-1.localhost": true, "x.execute-api.us-east-1.amazonaws.com.": true,
		"notamazonaws.com": false, "amazonaws.com.example": false, "localhost": false, "127.0.0.1": false, "execute-api.localhost.example": false,
	}
	list, _ := json.Marshal(slices.Collect(func(yield func(string) bool) {
		for name := range names {
			if !yield(name) {
				return
			}
		}
	}))
	port := g.Addr().(*net.TCPAddr).Port
	// Port 9 of this machine has no listener, so only what is led connects. A name that does not exist fails as well.
	outputs := map[string]string{
		"node": g.run(t, "node", "-e", fmt.Sprintf(`const net = require("net"); const out = {}; let left = %[1]s.length;
			for (const n of %[1]s) { const done = (ok) => { out[n] = ok; if (--left === 0) { console.log(JSON.stringify(out)); process.exit() } };
			const s = net.connect({port: 9, host: n, lookup: (h, o, cb) => o.all ? cb(null, [{address: "127.0.0.1", family: 4}]) : cb(null, "127.0.0.1", 4)}, () => { done(s.remotePort === %[2]d); s.destroy() }); s.on("error", () => done(false)) }`, list, port)),
		"python3": g.run(t, "python3", "-c", fmt.Sprintf(`import json, socket
out = {}
for n in %s:
    try:
        out[n] = socket.getaddrinfo(n, 9, socket.AF_INET)[0][4][1] == %d
    except OSError:
        out[n] = False
print(json.dumps(out))`, list, port)),
	}
	for program, output := range outputs {
		var got map[string]bool
		if err := json.Unmarshal([]byte(output), &got); err != nil {
			t.Fatalf("%s: %v: %s", program, err, output)
		}
		for name, want := range names {
			if got[name] != want {
				t.Errorf("%s: %s led: %v, want %v", program, name, got[name], want)
			}
		}
	}
}

func TestEnv(t *testing.T) {
	dir := filepath.Join(t.TempDir(), `d "x"`)
	ca := filepath.Join(dir, "ca.pem")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(ca, []byte("ours"), 0o644)); err != nil {
		t.Fatal(err)
	}
	got, err := redirect.Env(dir, "http://[::1]:4566", ca, []string{"NODE_OPTIONS=--a", "PYTHONPATH=/p", "NODE_OPTIONS=--b"})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	bundle := filepath.Join(dir, "ca-bundle.pem")
	want := []string{"AWS_CA_BUNDLE=" + bundle, "AWS_ENDPOINT_URL=http://[::1]:4566", "CURL_CA_BUNDLE=" + bundle, "NODE_EXTRA_CA_CERTS=" + ca,
		`NODE_OPTIONS=--require "` + strings.ReplaceAll(dir, `"`, `\"`) + `/redirect.js" --b`,
		"PYTHONPATH=" + dir + ":/p", "REQUESTS_CA_BUNDLE=" + bundle, "SOCKGATE_REDIRECT=[::1]:4566", "SOCKGATE_REDIRECT_CA=" + ca, "SSL_CERT_FILE=" + bundle}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if pem, err := os.ReadFile(bundle); err != nil || !strings.HasPrefix(string(pem), "ours") {
		t.Errorf("the bundle: %v", err)
	}
	theirs := filepath.Join(dir, "theirs.pem")
	if err := os.WriteFile(theirs, []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := redirect.Env(dir, "http://[::1]:4566", ca, []string{"SSL_CERT_FILE=" + theirs}); err != nil {
		t.Fatal(err)
	}
	if pem, err := os.ReadFile(bundle); err != nil || string(pem) != "ours\ntheirs" {
		t.Errorf("the bundle with somebody's own authorities: %q, %v", pem, err)
	}
	nodes := filepath.Join(dir, "node-ca-bundle.pem")
	if got, err := redirect.Env(dir, "http://[::1]:4566", ca, []string{"NODE_EXTRA_CA_CERTS=" + theirs}); err != nil || !slices.Contains(got, "NODE_EXTRA_CA_CERTS="+nodes) {
		t.Errorf("got %q, %v", got, err)
	}
	if pem, err := os.ReadFile(nodes); err != nil || string(pem) != "ours\ntheirs" {
		t.Errorf("Node.js's bundle with somebody's own authorities: %q, %v", pem, err)
	}
	for _, bad := range []string{"", "x", "http://", "::"} {
		if _, err := redirect.Env("/d", bad, "", nil); err == nil {
			t.Errorf("endpoint %q is taken", bad)
		}
	}
}
