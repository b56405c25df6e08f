//go:build unix

package build

import (
	"os/exec"
	"syscall"
	"time"
)

// endTogether lets the end of the context end the program's children too: npm and make start some.
func endTogether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
}
