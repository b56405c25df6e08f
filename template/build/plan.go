package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// buildTimeout bounds one build.
	buildTimeout = 10 * time.Minute
	// maxShown is how much of a failed build's output is shown, in bytes from its end.
	maxShown = 8 << 10
)

// recipe is how one folder is built.
type recipe struct {
	name   string // "npm ci"; part of the cache's key
	root   string // all that the build reads
	below  string // the function's folder relative to root
	output string // of Go: the binary's name
	// run builds from the source into out, an empty folder that is packed afterwards; nil packs the source.
	run func(ctx context.Context, source, out string) error
	// apart, unless nil, is instead of run: the dependencies are made by themselves.
	apart *apart
}

// Root returns the folder whose files all go into the build of path: path itself, or for Go the module around it.
func Root(path string, o Options) (string, error) {
	p, err := plan(path, o)
	if err != nil {
		return "", err
	}
	return p.root, nil
}

// plan finds out how a folder is built.
func plan(path string, o Options) (*recipe, error) {
	r := &recipe{root: path, name: "pack"}
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(path, name))
		return err == nil
	}
	method := o.Method
	if method == "" || method == o.Runtime {
		method = methodFor(o.Runtime, has)
	}
	switch {
	case method == "pack":
	case method == "makefile":
		if !has("Makefile") {
			return nil, fmt.Errorf("%s has no Makefile, which BuildMethod makefile needs", path)
		}
		r.name, r.run = "make build-"+o.ID, makefile(o)
	case strings.HasPrefix(method, "nodejs"):
		return npm(r, path, o, has)
	case strings.HasPrefix(method, "python"):
		if wants, err := requirements(filepath.Join(path, "requirements.txt")); err != nil {
			return nil, err
		} else if wants {
			r.name = "pip"
			if o.Layer {
				r.name += " for a layer"
			}
			if r.apart, err = pipApart(path, r.name, o); err != nil {
				return nil, err
			}
			r.run = pip(o)
		}
	case strings.HasPrefix(method, "go"):
		return goModule(r, path, o)
	default:
		return nil, fmt.Errorf("BuildMethod %s is not supported: build the code first and name the result as CodeUri", o.Method)
	}
	if r.run == nil && has(modules) {
		r.apart = asTheyAre(path)
	}
	return r, nil
}

// methodFor goes by what SAM would have found.
func methodFor(runtime string, has func(string) bool) string {
	switch {
	case strings.HasPrefix(runtime, "nodejs"), strings.HasPrefix(runtime, "python"):
		return runtime
	case strings.HasPrefix(runtime, "provided") && !has("bootstrap") && has("go.mod"), strings.HasPrefix(runtime, "go1") && has("go.mod"),
		strings.HasPrefix(runtime, "provided") && !has("bootstrap") && has("main.go"):
		return "go1.x"
	}
	return "pack"
}

// zip builds and packs.
func (r *recipe) zip(ctx context.Context, path string) ([]byte, error) {
	if r.run == nil {
		return pack(path)
	}
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	out, err := os.MkdirTemp("", "sockgate-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(out)
	if err := r.run(ctx, path, out); err != nil {
		return nil, err
	}
	return pack(out)
}

// npm installs the dependencies that package.json has, if it has any.
func npm(r *recipe, path string, o Options, has func(string) bool) (*recipe, error) {
	content, err := os.ReadFile(filepath.Join(path, "package.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var m manifest
	if err == nil {
		if err := json.Unmarshal(content, &m); err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Join(path, "package.json"), err)
		}
	}
	if len(m.Dependencies)+len(m.OptionalDependencies) == 0 {
		if has(modules) {
			r.apart = asTheyAre(path)
		}
		return r, nil
	}
	args := []string{"install", "--omit=dev"}
	r.name = "npm install"
	if has("package-lock.json") || has("npm-shrinkwrap.json") {
		args[0] = "ci"
		r.name = "npm ci"
	}
	args = append(args, "--no-audit", "--no-fund", "--no-progress")
	if o.Layer {
		r.name += " for a layer"
	}
	if r.apart, err = npmApart(path, r.name, args, &m, o, has); r.apart != nil || err != nil {
		return r, err
	}
	r.run = func(ctx context.Context, source, out string) error {
		target := out
		if o.Layer { // Node.js finds a layer's modules below nodejs
			target = filepath.Join(out, "nodejs")
		}
		if err := copyTree(source, target, func(name string) bool { return name == modules }); err != nil {
			return err
		}
		err := command(ctx, target, nil, "npm", args...)
		if err != nil && has("node_modules") && ctx.Err() == nil {
			// Without a registry, what somebody installed is better than nothing.
			if o.Note != nil {
				o.Note(fmt.Sprintf("npm failed; %s is taken with the node_modules that it has", path))
			}
			return errors.Join(os.RemoveAll(filepath.Join(target, "node_modules")), copyTree(source, target, nil))
		}
		return err
	}
	return r, nil
}

// requirements reports whether a requirements file asks for anything.
func requirements(file string) (bool, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return true, err
		}
	}
	return false, err
}

// allInstalled is a program that succeeds when every package in requirements.txt is installed, of whatever version.
const allInstalled = `
import importlib.metadata, re
for line in open("requirements.txt"):
    name = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
    if name:
        importlib.metadata.distribution(name.group(1))
    elif line.strip() and not line.strip().startswith("#"):
        raise SystemExit(1)
`

func interpreter(o Options) string {
	if _, err := exec.LookPath(o.Runtime); err == nil { // "python3.12"
		return o.Runtime
	}
	return "python3"
}

func pipInstall(ctx context.Context, python, source, target string) error {
	args := []string{"-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet", "--no-compile", "-r", "requirements.txt", "-t", target}
	err := command(ctx, source, nil, python, args...)
	if err != nil && python != "python3" && strings.Contains(err.Error(), "No module named pip") { // some systems pack it apart
		err = command(ctx, source, nil, "python3", args...)
	}
	return err
}

func pipInstead(python string) string {
	return "pip failed; the packages that " + python + " has already are used"
}

func pip(o Options) func(ctx context.Context, source, out string) error {
	python := interpreter(o)
	return func(ctx context.Context, source, out string) error {
		target := out
		if o.Layer {
			target = filepath.Join(out, "python")
		}
		err := pipInstall(ctx, python, source, target)
		if err != nil && ctx.Err() == nil && command(ctx, source, nil, python, "-c", allInstalled) == nil {
			// Without an index, what this machine has is better than nothing.
			if o.Note != nil {
				o.Note(pipInstead(python))
			}
			err = os.RemoveAll(target)
		}
		if err != nil {
			return err
		}
		return copyTree(source, target, nil)
	}
}

// goModule compiles the package in path.
func goModule(r *recipe, path string, o Options) (*recipe, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	for dir := abs; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			r.root = dir
			break
		}
		if dir == filepath.Dir(dir) {
			return nil, fmt.Errorf("%s is in no Go module: there is no go.mod in it or above it", path)
		}
	}
	if r.below, err = filepath.Rel(r.root, abs); err != nil {
		return nil, err
	}
	r.name, r.output = "go build", "bootstrap"
	if strings.HasPrefix(o.Runtime, "go1") && o.Handler != "" {
		r.output = filepath.Base(o.Handler)
	}
	arch := "amd64"
	if o.Architecture == "arm64" {
		arch = "arm64"
	}
	output := r.output
	r.run = func(ctx context.Context, source, out string) error {
		return command(ctx, source, []string{"GOOS=linux", "GOARCH=" + arch, "CGO_ENABLED=0"},
			"go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-tags=lambda.norpc", "-o", filepath.Join(out, output), ".")
	}
	return r, nil
}

// makefile follows SAM's convention: the target build-{id} puts its result into ARTIFACTS_DIR.
func makefile(o Options) func(ctx context.Context, source, out string) error {
	return func(ctx context.Context, source, out string) error {
		work, err := os.MkdirTemp("", "sockgate-make-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(work)
		if err := copyTree(source, work, nil); err != nil {
			return err
		}
		return command(ctx, work, []string{"ARTIFACTS_DIR=" + out}, "make", "build-"+o.ID)
	}
}

// command runs a program. Its output is part of the error when it fails.
func command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return fmt.Errorf("%s is needed to build %s and is not installed: %w", name, dir, err)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	endTogether(cmd)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		shown := bytes.TrimSpace(output.Bytes())
		if len(shown) > maxShown {
			shown = append([]byte("…"), shown[len(shown)-maxShown:]...)
		}
		return fmt.Errorf("%s %s failed: %w\n%s", name, strings.Join(args, " "), err, shown)
	}
	return nil
}
