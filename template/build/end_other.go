//go:build !unix

package build

import (
	"os/exec"
	"time"
)

// endTogether bounds the wait for a program that was ended.
func endTogether(cmd *exec.Cmd) { cmd.WaitDelay = time.Second }
