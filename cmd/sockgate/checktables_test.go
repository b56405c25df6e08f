package main

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// TestCheckTables: the command finds a stopped gateway's tables in order, and leaves a running one's alone.
func TestCheckTables(t *testing.T) {
	dir := t.TempDir()
	check := func() (string, int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sockgate", "check-tables", "--data", dir)
		cmd.WaitDelay = gatewaytest.Patience
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := check(); code != exitUsage || !strings.Contains(out, "holds no tables") {
		t.Errorf("of an empty directory it says %q and ends with %d", out, code)
	}
	p := startProcess(t, dir)
	if out, code := check(); code != exitFailure || !strings.Contains(out, "in use by another process") {
		t.Errorf("beside a gateway it says %q and ends with %d", out, code)
	}
	if state := p.end(t, syscall.SIGTERM); state.ExitCode() != 0 {
		t.Fatal(state)
	}
	if out, code := check(); code != exitOK || out != "0 tables, 0 problems\n" {
		t.Errorf("it says %q and ends with %d", out, code)
	}
}
