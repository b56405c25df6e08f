package build

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// modules is the folder that npm installs into.
const modules = "node_modules"

// apart is how dependencies are made that depend on a few files only. They are kept by themselves, so that a change of the code does not
// install them again: the zip is put together from theirs and the folder's other files.
type apart struct {
	name   string // "npm ci"
	key    func() (string, error)
	make   func(ctx context.Context) ([]byte, error)
	prefix string // where the folder's files go
	hides  string // a folder that the dependencies take the place of; "" for none
	// instead is for when make fails; may be nil.
	instead *apart
	// usable finds out whether it can be, as an instead; nil is yes.
	usable func(ctx context.Context) bool
	told   string // when it is used as one
}

// assemble returns the sum of the zip of a folder with dependencies.
func (c *Cache) assemble(ctx context.Context, path string, a *apart, note func(string)) (string, error) {
	source, err := hashTree(path, func(name string) bool { return name == a.hides })
	if err != nil {
		return "", err
	}
	keys := make(map[*apart]string, 2) // of the dependencies: the wanted, those instead
	for _, b := range []*apart{a, a.instead} {
		if b == nil {
			continue
		}
		if keys[b], err = b.key(); err != nil {
			return "", err
		}
		if sum, ok := c.known(wholeKey(source, keys[b], b.prefix)); ok {
			return sum, nil
		}
		if _, ok := c.known(dependenciesKey(keys[b])); ok {
			break // the others are not needed, and may be large
		}
	}
	whole := func(b *apart, say func(string)) (string, error) {
		return c.once(wholeKey(source, keys[b], b.prefix), func() ([]byte, error) {
			deps, err := c.dependencies(ctx, path, b, keys[b], say)
			if err != nil {
				return nil, err
			}
			return join(deps, path, b.prefix, a.hides)
		})
	}
	quiet := func(string) {}
	if c.failed(keys[a]) { // a moment ago: it takes npm a minute to notice that there is no network
		return whole(a.instead, quiet)
	}
	sum, err := whole(a, note)
	if err == nil || keys[a.instead] == "" || ctx.Err() != nil || a.instead.usable != nil && !a.instead.usable(ctx) {
		return sum, err
	}
	c.mu.Lock()
	c.instead[keys[a]] = true
	c.mu.Unlock()
	note(a.instead.told)
	return whole(a.instead, quiet)
}

func wholeKey(source, dependencies, prefix string) string {
	return hash(form, "whole", source, dependencies, prefix)
}

func dependenciesKey(key string) string { return hash(form, "dependencies", key) }

func (c *Cache) failed(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.instead[key]
}

// dependencies returns their zip.
func (c *Cache) dependencies(ctx context.Context, path string, a *apart, key string, note func(string)) ([]byte, error) {
	make := func() ([]byte, error) {
		return timed(note, path, a.name, func() ([]byte, error) { return a.make(ctx) })
	}
	sum, err := c.once(dependenciesKey(key), make)
	if err != nil {
		return nil, err
	}
	return c.Zip(sum)
}

// join puts a zip together: the folder's files, and the dependencies that they do not hide.
func join(deps []byte, path, prefix, hides string) ([]byte, error) {
	var p packer
	own := map[string]bool{}
	skip := func(name string) bool {
		own[prefix+name] = true
		return name == hides
	}
	if err := p.tree(path, prefix, skip); err != nil {
		return nil, err
	}
	r, err := zip.NewReader(bytes.NewReader(deps), int64(len(deps)))
	if err != nil {
		return nil, err
	}
	p.open()
	for _, f := range r.File {
		if own[f.Name] {
			continue
		}
		if p.size += int64(f.UncompressedSize64); p.size > MaxUnpacked {
			return nil, fmt.Errorf("%s and its dependencies hold more than %d bytes, which is as large as a function can be", path, MaxUnpacked)
		}
		if err := p.zw.Copy(f); err != nil { // as it is, without packing it again
			return nil, err
		}
	}
	return p.close()
}

// asTheyAre takes the modules that a folder has.
func asTheyAre(path string) *apart {
	dir := filepath.Join(path, modules)
	return &apart{
		name:  "the modules that it has",
		hides: modules,
		key: func() (string, error) {
			sum, err := Hash(dir)
			return hash(modules, sum), err
		},
		make: func(context.Context) ([]byte, error) {
			p := new(packer)
			p.open()
			if err := p.tree(dir, modules+"/", nil); err != nil {
				return nil, err
			}
			return p.close()
		},
	}
}

// manifest is what matters of a package.json.
type manifest struct {
	Dependencies         map[string]string `json:"dependencies"`
	OptionalDependencies map[string]string `json:"optionalDependencies"`
	DevDependencies      map[string]string `json:"devDependencies"`
	PeerDependencies     map[string]string `json:"peerDependencies"`
	Scripts              map[string]string `json:"scripts"`
}

// npmScripts run at an installation, and may read anything. Source: npm Docs, "scripts", "Life Cycle Operation Order".
var npmScripts = []string{"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare", "dependencies"}

// npmFiles are those of a folder that npm reads.
var npmFiles = []string{"package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"}

// elsewhere are dependencies that are folders, as manifests and lock files write them.
var elsewhere = regexp.MustCompile(`"(file|link|portal|workspace):|"link"\s*:\s*true|"workspaces"\s*:`)

// npmApart is for packages whose installation reads nothing but npmFiles; nil for the others.
func npmApart(path, name string, args []string, m *manifest, o Options, has func(string) bool) (*apart, error) {
	for _, script := range npmScripts {
		if m.Scripts[script] != "" {
			return nil, nil
		}
	}
	for _, list := range []map[string]string{m.Dependencies, m.OptionalDependencies, m.DevDependencies, m.PeerDependencies} {
		for _, version := range list {
			if strings.HasPrefix(version, ".") || strings.HasPrefix(version, "/") || strings.HasPrefix(version, "~/") || strings.HasSuffix(version, ".tgz") && !strings.Contains(version, "://") {
				return nil, nil
			}
		}
	}
	parts := []string{name, o.Runtime, o.Architecture}
	content := map[string][]byte{}
	for _, file := range npmFiles {
		text, err := os.ReadFile(filepath.Join(path, file))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if elsewhere.Match(text) || has("binding.gyp") {
			return nil, nil
		}
		if err == nil {
			content[file] = text
		}
		parts = append(parts, string(text))
	}
	a := &apart{name: name, hides: modules, key: func() (string, error) { return hash(parts...), nil }}
	if o.Layer { // Node.js finds a layer's modules below nodejs
		a.prefix = "nodejs/"
	}
	a.make = func(ctx context.Context) ([]byte, error) {
		return installed(ctx, func(ctx context.Context, out string) error {
			target := filepath.Join(out, a.prefix)
			if err := os.MkdirAll(target, 0o755); err != nil {
				return err
			}
			for file, text := range content {
				if err := os.WriteFile(filepath.Join(target, file), text, 0o600); err != nil {
					return err
				}
			}
			return command(ctx, target, nil, "npm", args...)
		})
	}
	if has(modules) && !o.Layer {
		a.instead = asTheyAre(path) // without a registry, what somebody installed is better than nothing
		a.instead.told = fmt.Sprintf("npm failed; %s is taken with the %s that it has", path, modules)
	}
	return a, nil
}

// installed packs what install leaves in a folder.
func installed(ctx context.Context, install func(ctx context.Context, out string) error) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	out, err := os.MkdirTemp("", "sockgate-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(out)
	if err := install(ctx, out); err != nil {
		return nil, err
	}
	p := new(packer)
	p.open() // it may be nothing
	if err := p.tree(out, "", nil); err != nil {
		return nil, err
	}
	return p.close()
}

// indexOptions are the lines of a requirements file that name no package and no file.
var indexOptions = regexp.MustCompile(`^(-i|--index-url|--extra-index-url|--trusted-host|--pre|--only-binary|--no-binary|--prefer-binary|--hash)\b`)

// plainRequirements reports whether a requirements file names packages of an index only, and no files or folders.
func plainRequirements(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"), indexOptions.MatchString(line):
		case strings.HasPrefix(line, "-"), strings.HasPrefix(line, "."), strings.HasPrefix(line, "/"), strings.Contains(line, "file:"),
			strings.ContainsAny(line, `/\`) && !strings.Contains(line, "://") && !strings.HasSuffix(line, `\`):
			return false
		}
	}
	return true
}

// pipApart is for requirements that name packages of an index only; nil for others.
func pipApart(path, name string, o Options) (*apart, error) {
	const file = "requirements.txt"
	text, err := os.ReadFile(filepath.Join(path, file))
	if err != nil || !plainRequirements(string(text)) {
		return nil, err
	}
	a := &apart{name: name, key: func() (string, error) { return hash(name, o.Runtime, o.Architecture, string(text)), nil }}
	if o.Layer {
		a.prefix = "python/"
	}
	python := interpreter(o)
	a.make = func(ctx context.Context) ([]byte, error) {
		return installed(ctx, func(ctx context.Context, out string) error {
			return pipInstall(ctx, python, path, filepath.Join(out, a.prefix))
		})
	}
	a.instead = &apart{
		name:   "what is installed",
		key:    func() (string, error) { return hash("machine", python), nil },
		make:   func(context.Context) ([]byte, error) { p := new(packer); p.open(); return p.close() },
		prefix: a.prefix,
		usable: func(ctx context.Context) bool { return command(ctx, path, nil, python, "-c", allInstalled) == nil },
		told:   pipInstead(python),
	}
	return a, nil
}
