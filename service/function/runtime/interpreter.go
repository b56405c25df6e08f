package runtime

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// probeWait bounds how long an interpreter may take to say what it is.
const probeWait = 10 * time.Second

// The oldest interpreters that the bootstraps run on.
const (
	minNode   = 18
	minPython = 8 // 3.8
)

// interpreter runs the bootstrap of a language. The zero value stands for a function's own bootstrap.
type interpreter struct {
	path     string   // the real file, so that neither PATH nor a version manager's shim costs time at each start
	prefix   string   // the folder that the installation is in
	packages []string // where it has its own packages
	major    int      // Node.js
}

// interpreters finds them once each. What is missing is looked for again, since it may be installed meanwhile.
type interpreters struct {
	mu    sync.Mutex
	known map[string]*interpreter
}

// find returns what runs the given runtime: Invalid, for the peer, when it is unknown or not installed.
func (s *interpreters) find(runtime string) (*interpreter, error) {
	family, version := family(runtime)
	if family == "" {
		return nil, sockgate.Invalidf("The runtime %s is not supported. Supported are nodejs*, python3*, provided*, go1.x.", runtime)
	}
	if family == "provided" {
		return &interpreter{}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.known[runtime]; i != nil {
		return i, nil
	}
	probe := probeNode
	if family == "python" {
		probe = func() (*interpreter, error) { return probePython(version) }
	}
	i, err := probe()
	if err != nil {
		return nil, err
	}
	if s.known == nil {
		s.known = map[string]*interpreter{}
	}
	s.known[runtime] = i
	return i, nil
}

// family splits a runtime's identifier: "python3.12" is "python", "3.12". An unknown one has no family.
func family(runtime string) (family, version string) {
	if version, ok := strings.CutPrefix(runtime, "nodejs"); ok && isVersion(strings.TrimSuffix(version, ".x")) {
		return "node", version
	}
	if version, ok := strings.CutPrefix(runtime, "python3."); ok && isVersion(version) {
		return "python", "3." + version
	}
	if runtime == "go1.x" || runtime == "provided" || strings.HasPrefix(runtime, "provided.al") {
		return "provided", ""
	}
	return "", ""
}

// isVersion also bounds what becomes part of a command's name.
func isVersion(s string) bool {
	return len(s) <= 5 && strings.Trim(s, "0123456789.") == ""
}

func probeNode() (*interpreter, error) {
	const script = `console.log(process.execPath + "\n" + process.versions.node)`
	lines, err := probe("node", "-e", script)
	if err != nil || len(lines) != 2 {
		return nil, sockgate.Invalidf("Node.js was not found. Install Node.js %d or later (Debian and Ubuntu: apt-get install nodejs) "+
			"so that \"node\" is on the gateway's PATH.", minNode).Because(err)
	}
	major, _, _ := strings.Cut(lines[1], ".")
	i := &interpreter{path: lines[0], prefix: filepath.Dir(filepath.Dir(lines[0]))}
	if i.major, err = strconv.Atoi(major); err != nil || i.major < minNode {
		return nil, sockgate.Invalidf("Node.js %s at %s is too old. Install Node.js %d or later.", lines[1], lines[0], minNode)
	}
	// Packages that were installed for all users, such as the AWS SDK, which Lambda has beside its runtime.
	i.packages = []string{filepath.Join(i.prefix, "lib", "node_modules")}
	for _, dir := range []string{"/usr/local/lib/node_modules", "/usr/share/nodejs"} {
		if dir != i.packages[0] {
			i.packages = append(i.packages, dir)
		}
	}
	return i, nil
}

// probePython prefers the version that the runtime names, and takes any that the bootstrap runs on.
func probePython(version string) (*interpreter, error) {
	const script = "import site,sys\nprint(sys.executable,sys.base_prefix,sys.version_info[1],*site.getsitepackages(),sep='\\n')"
	var failure error
	for _, name := range []string{"python" + version, "python3"} {
		lines, err := probe(name, "-c", script)
		if err != nil || len(lines) < 3 {
			failure = err
			continue
		}
		minor, err := strconv.Atoi(lines[2])
		if err != nil || minor < minPython {
			failure = errors.New(lines[0] + " is Python 3." + lines[2])
			continue
		}
		return &interpreter{path: lines[0], prefix: lines[1], packages: lines[3:]}, nil
	}
	return nil, sockgate.Invalidf("Python %s was not found, nor another that will do. Install Python 3.%d or later (Debian and Ubuntu: "+
		"apt-get install python3) so that \"python3\" is on the gateway's PATH.", version, minPython).Because(failure)
}

// probe returns the lines that a command prints.
func probe(name string, args ...string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), probeWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	return strings.Split(string(bytes.TrimSpace(out)), "\n"), nil
}
