package runtime

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/telemetry/logs"
)

// Where an isolated process sees things, as in Lambda.
const (
	isolatedTask   = "/var/task"
	isolatedRun    = "/var/runtime"
	isolatedOpt    = "/opt"
	isolatedLayers = "/var/layers/" // when there is more than one, which Lambda would merge
	isolatedShared = "/var/packages"
	isolatedCA     = "/etc/sockgate-ca.pem"
)

// findBubblewrap returns the program's path, after it has shown that it may make namespaces here.
func findBubblewrap() (string, error) {
	path, err := exec.LookPath("bwrap")
	if err != nil {
		return "", sockgate.Invalidf("isolation \"bubblewrap\" needs the program bwrap; install the package bubblewrap " +
			"(Debian and Ubuntu: apt-get install bubblewrap)").Because(err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", sockgate.Internalf("bwrap: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeWait)
	defer cancel()
	args := append(namespaces(), "--ro-bind", "/", "/", "--size", "1048576", "--tmpfs", "/tmp", "/bin/true")
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", sockgate.Invalidf("isolation \"bubblewrap\": bwrap cannot isolate processes here (it must be version 0.8 or later, "+
			"and be allowed to make namespaces): %s", bytes.TrimSpace(said)).Because(err)
	}
	return path, nil
}

// namespaces are the arguments that separate a process from all but the network. An init of its own reaps what it leaves, and
// everything ends with bwrap.
func namespaces() []string {
	return []string{"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent", "--cap-drop", "ALL"}
}

// place says where the process will find its things, and with isolation also the arguments that put them there.
func (p *Pools) place(s *Spec, i *interpreter) (at place, wrap []string) {
	if p.bwrap == "" {
		return place{task: s.CodeDir, run: p.run, layers: s.LayerDirs, shared: p.packages, ca: p.config.CAFile}, nil
	}
	at = place{task: isolatedTask, run: isolatedRun, shared: isolatedShared}
	if p.config.CAFile != "" {
		at.ca = isolatedCA
	}
	for n := range s.LayerDirs {
		if len(s.LayerDirs) == 1 {
			at.layers = []string{isolatedOpt}
		} else {
			at.layers = append(at.layers, isolatedLayers+strconv.Itoa(n))
		}
	}
	return at, p.wrap(s, i, at)
}

// systemPaths are what programs need of the machine. None of it is particular to a user.
var systemPaths = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64",
	"/etc/alternatives", "/etc/ca-certificates", "/etc/group", "/etc/hosts", "/etc/ld.so.cache", "/etc/ld.so.conf",
	"/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd", "/etc/pki",
	"/etc/resolv.conf", "/etc/ssl",
}

// wrap returns bwrap's command line up to the program: a file system with the system's programs, the interpreter and the
// function's own files, all read only, and a /tmp of its size. Nothing else of the machine's files is there.
func (p *Pools) wrap(s *Spec, i *interpreter, at place) []string {
	args := append([]string{p.bwrap}, namespaces()...)
	for _, path := range systemPaths {
		if link, err := os.Readlink(path); err == nil && filepath.Dir(path) == "/" {
			args = append(args, "--symlink", link, path)
			continue
		}
		args = append(args, "--ro-bind-try", path, path)
	}
	args = append(args, "--proc", "/proc", "--dev", "/dev",
		"--size", strconv.Itoa(s.tmpMB()<<20), "--tmpfs", "/tmp",
		"--ro-bind", s.CodeDir, at.task, "--ro-bind", p.run, at.run, "--ro-bind-try", p.packages, at.shared)
	for n, dir := range s.LayerDirs {
		args = append(args, "--ro-bind", dir, at.layers[n])
	}
	if at.ca != "" {
		args = append(args, "--ro-bind-try", p.config.CAFile, at.ca)
	}
	for _, dir := range i.dirs() {
		args = append(args, "--ro-bind-try", dir, dir)
	}
	return append(args, "--chdir", at.task, "--")
}

// dirs are the interpreter's folders outside of /usr.
func (i *interpreter) dirs() []string {
	if i.path == "" {
		return nil
	}
	var dirs []string
	for _, dir := range append([]string{i.prefix, filepath.Dir(filepath.Dir(i.path))}, i.packages...) {
		if dir != "/" && dir != "/usr" && !strings.HasPrefix(dir, "/usr/") && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// group returns the function's log group; nil, which takes lines and forgets them, when no logs are kept.
func (p *Pools) group(s *Spec) *logs.Group {
	if p.config.Logs == nil {
		return nil
	}
	return p.config.Logs.Group(s.logGroup())
}
