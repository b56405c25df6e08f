package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// TestRunSDKs runs programs that name no endpoint: each makes an API, lists it, puts an item into a table, and pushes to a connection at the
// address that API Gateway would have. They are in testdata/run; Go's has a module of its own, since it takes the SDK's usual configuration.
func TestRunSDKs(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	table := `{"TableName":"items","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}`
	if status, answer, err := p.DynamoDB("CreateTable", table); err != nil || status != 200 {
		t.Fatal(status, answer, err)
	}
	backend := startBackend(t)
	backend.Handle("/default", func(r *gatewaytest.Request) gatewaytest.Reply {
		return gatewaytest.Reply{Body: r.Header.Get("id")}
	})
	api := newAPI(t, p.Gateway, backend.Addr())
	client, err := gatewaytest.Dial(p.Addr(), p.Host(api), "/dev")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Drop)
	if err := client.Send("who am I?"); err != nil {
		t.Fatal(err)
	}
	id, err := client.Read()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		program func(*testing.T) []string
	}{
		{"v2", func(t *testing.T) []string { return []string{"node", filepath.Join(nodeFolder(t), "v2.js")} }},
		{"v3", func(t *testing.T) []string { return []string{"node", filepath.Join(nodeFolder(t), "v3.mjs")} }},
		{"boto3", pythonProgram},
		{"go", goProgram},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"--data", dir, "--endpoint", "http://" + p.Addr(), "--"}, tt.program(t)...)
			if out, code := runBeside(t, nil, append(args, api, id)...); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, out)
			}
			if text, err := client.Read(); text != "from "+tt.name {
				t.Errorf("the client read %q, %v", text, err)
			}
			status, answer, err := p.DynamoDB("GetItem", `{"TableName":"items","Key":{"id":{"S":"`+tt.name+`"}}}`)
			if want := `{"Item":{"id":{"S":"` + tt.name + `"}}}`; err != nil || status != 200 || answer != want {
				t.Errorf("the item: %d %s, %v", status, answer, err)
			}
		})
	}
}

// nodeFolder is a folder with the Node.js programs and the SDKs, which npm fetches once: it stays in the user's cache folder.
func nodeFolder(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile("testdata/run/node/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	folder := filepath.Join(cache, "sockgate", "test", "sdks-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		fetch(t, folder)
	}
	for _, name := range []string{"v2.js", "v3.mjs"} { // those of now, not of when the SDKs were fetched
		program, err := os.ReadFile(filepath.Join("testdata/run/node", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), program, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// fetch makes the folder as a whole, or not at all.
func fetch(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	temporary, err := os.MkdirTemp(filepath.Dir(folder), "fetching-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temporary)
	if err := os.CopyFS(temporary, os.DirFS("testdata/run/node")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = temporary
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the SDKs for Node.js come from npm: %v\n%s", err, out)
	}
	if err := os.Rename(temporary, folder); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
}

// pythonProgram is run by a Python that has boto3: the first on the PATH, or Debian's, whose package is python3-boto3.
func pythonProgram(t *testing.T) []string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import boto3").Run() == nil {
			return []string{python, "testdata/run/python/main.py"}
		}
	}
	t.Fatal("there is no Python with boto3; on Debian: apt-get install python3-boto3")
	return nil
}

func goProgram(t *testing.T) []string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = "testdata/run/go"
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return []string{program}
}
