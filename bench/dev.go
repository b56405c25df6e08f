package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// modules is how many files the larger function has beside its own, as one with three clients of the AWS SDK does, and how large each is.
const (
	modules    = 3300
	moduleSize = 6 << 10
)

// developing measures how long "sockgate dev" takes from the change of a function's file to the end of the deploy: for a function of one
// file, and for one with a large node_modules.
func developing(ctx context.Context, binary, dir string, rounds int) error {
	for _, large := range []bool{false, true} {
		if err := reloading(ctx, binary, filepath.Join(dir, fmt.Sprint("dev", large)), large, rounds); err != nil {
			return err
		}
	}
	return nil
}

func reloading(ctx context.Context, binary, dir string, large bool, rounds int) error {
	if err := os.MkdirAll(filepath.Join(dir, "src"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(deployTemplate), 0o600); err != nil {
		return err
	}
	change := func(i int) error {
		return os.WriteFile(filepath.Join(dir, "src", "index.js"), fmt.Appendf(nil, "exports.handler = async () => ({ statusCode: %d });\n", 200+i), 0o600)
	}
	if err := change(0); err != nil {
		return err
	}
	what := "dev, reload of a function"
	if large {
		what = "dev, reload with 3300 modules"
		if err := writeModules(filepath.Join(dir, "src", "node_modules")); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, binary, "dev", dir, "--listen", "127.0.0.1:0")
	cmd.Env, cmd.Stderr = append(os.Environ(), "XDG_CACHE_HOME="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	if err := await(lines, " ready "); err != nil {
		return err
	}
	best := time.Duration(0)
	for i := range max(rounds, 1) {
		began := time.Now()
		if err := change(i + 1); err != nil {
			return err
		}
		if err := await(lines, " is deployed "); err != nil {
			return err
		}
		if took := time.Since(began); i == 0 || took < best {
			best = took
		}
	}
	report(what, "%d ms", best.Milliseconds())
	return nil
}

// await reads until a line has a text.
func await(lines *bufio.Scanner, text string) error {
	var seen strings.Builder
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return nil
		}
		fmt.Fprintln(&seen, lines.Text())
	}
	return fmt.Errorf("dev ended before it said%s:\n%s", text, &seen)
}

// writeModules makes a folder as npm leaves it.
func writeModules(dir string) error {
	for i := range modules {
		path := filepath.Join(dir, fmt.Sprintf("package%d", i/50), "lib", fmt.Sprintf("file%d.js", i))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		line := fmt.Sprintf("exports.number%d = %d;\n", i, i)
		if err := os.WriteFile(path, []byte(strings.Repeat(line, moduleSize/len(line))), 0o600); err != nil {
			return err
		}
	}
	return nil
}
