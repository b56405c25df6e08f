package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// TestFullDisk: writes that do not fit are refused and not half there; everything else goes on, and writing again when there is room.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system takes root")
	}
	dir := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", dir).Run(); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := exec.Command("umount", "-l", dir).Run(); err != nil {
			t.Error(err)
		}
	})
	backend := startBackend(t)
	p := startProcess(t, filepath.Join(dir, "data"))
	api := newAPI(t, p.Gateway, backend.Addr())
	c := connect(t, p.Gateway, api)
	before := countAPIs(t, p)

	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	refused := 0
	for range 200 { // the store may have a block of its own left
		status, body, err := p.Call("POST", "/v2/apis", `{"name":"`+strings.Repeat("x", 100)+`","description":"`+strings.Repeat("y", 1000)+
			`","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}`)
		if err != nil {
			t.Fatal(err)
		}
		if status >= 500 {
			refused++
			if refused == 3 {
				break
			}
		} else if status == 201 && refused == 0 {
			before++
		} else {
			t.Fatalf("on a full disk a write is answered %d %s", status, body)
		}
	}
	if refused < 3 {
		t.Fatal("the disk is full and 200 writes were accepted")
	}
	echo(t, c)
	connect(t, p.Gateway, api)
	if n := countAPIs(t, p); n != before {
		t.Errorf("%d APIs, not %d: a refused write is there", n, before)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if !gatewaytest.Eventually(func() bool {
		_, err := p.Control().CreateApi(t.Context(), apiInput("again"))
		return err == nil
	}) {
		t.Error("there is room again, and writes are refused")
	}
	echo(t, c)
	if state := p.end(t, syscall.SIGTERM); state.ExitCode() != 0 {
		t.Errorf("it ended with %v", state)
	}
	p = startProcess(t, filepath.Join(dir, "data"))
	if n := countAPIs(t, p); n != before+1 {
		t.Errorf("after a restart %d APIs, not %d", n, before+1)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; { // ever smaller pieces, to the last byte
		if _, err := f.Write(make([]byte, size)); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			size /= 16
		}
	}
}

func countAPIs(t *testing.T, p *process) int {
	t.Helper()
	n := 0
	for token := (*string)(nil); ; {
		out, err := p.Control().GetApis(t.Context(), &apigatewayv2.GetApisInput{MaxResults: aws.String("500"), NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		n += len(out.Items)
		if token = out.NextToken; token == nil {
			return n
		}
	}
}
