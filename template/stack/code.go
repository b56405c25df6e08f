package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/build"
	"github.com/sockgate/sockgate/template/resource"
	"github.com/sockgate/sockgate/template/resource/wire"
)

// buildOne makes the zip of a function or layer, and leaves its sum with the step. Code in the template that refers to what does not exist
// yet has no sum until it does.
func (d *deployer) buildOne(ctx context.Context, s *subject, step *Step, sc template.Scope) error {
	property := step.typ.CodeProperty()
	props, err := step.resource.Properties(sc)
	if err != nil {
		return err
	}
	fault := func(path []string, format string, args ...any) error {
		line, column := step.resource.Place(path...)
		return s.template.Errorf(line, column, "resource %s (%s): "+format, append([]any{step.ID, step.Type}, args...)...)
	}
	o := build.Options{
		ID: step.ID, Runtime: wire.Text(props, "Runtime"), Handler: wire.Text(props, "Handler"),
		Method: wire.Text(step.resource.Metadata, "BuildMethod"), Layer: property == "Content",
		Note: func(text string) { d.Progress(Event{ID: step.ID, Type: step.Type, Note: text}) },
	}
	if o.Layer && o.Method == "" {
		o.Method = "pack" // a layer is built only where the template says how
	}
	if step.resource.From != "" {
		o.ID = step.resource.From
	}
	if list := wire.List(props, "Architectures"); len(list) == 1 {
		o.Architecture, _ = list[0].(string)
	}
	switch code := props[property].(type) {
	case nil:
		return nil // Check says that it is required
	case template.Unknown:
		return nil
	case string:
		path := code
		if !filepath.IsAbs(path) {
			path = filepath.Join(d.Dir, path)
		}
		d.tellCode(path, o)
		if step.code, err = d.Cache.Build(ctx, path, o); err != nil {
			return fault([]string{property}, "%s", err)
		}
	case map[string]any:
		step.inline = true
		switch {
		case resource.HasUnknown(code["ZipFile"]):
		case code["ZipFile"] != nil:
			text, ok := code["ZipFile"].(string)
			if !ok {
				return fault([]string{property, "ZipFile"}, "ZipFile must be a string")
			}
			if step.code, err = d.Cache.Inline(text, o.Runtime); err != nil {
				return fault([]string{property}, "%s", err)
			}
		case code["S3Bucket"] != nil || code["S3Key"] != nil:
			path, ok := d.packaged(wire.Text(code, "S3Key"))
			if !ok {
				return fault([]string{property}, "code in S3 cannot be read here: name the folder or zip beside the template instead (CodeUri: ./src)")
			}
			o.Method = "pack"
			d.tellCode(path, o)
			if step.code, err = d.Cache.Build(ctx, path, o); err != nil {
				return fault([]string{property}, "%s", err)
			}
		case code["ImageUri"] != nil:
			return fault([]string{property}, "container images are not served: use a runtime and a folder or zip")
		default:
			return fault([]string{property}, "%s must be a folder, a zip, or an object with ZipFile", property)
		}
	default:
		return fault([]string{property}, "%s must be a folder, a zip, or an object with ZipFile", property)
	}
	return nil
}

// tellCode names all that a build reads.
func (d *deployer) tellCode(path string, o build.Options) {
	if root, err := build.Root(path, o); err == nil {
		path = root
	}
	d.Progress(Event{Code: path})
}

// packaged finds what a tool was going to upload to S3 among the files beside the template: "serverless package" leaves the zip there under
// its own name, and "cdk synth" a folder or zip named for the asset.
func (d *deployer) packaged(key string) (path string, ok bool) {
	name := filepath.Base(filepath.FromSlash(key))
	if key == "" || name == "." || name == ".." {
		return "", false
	}
	for _, candidate := range []string{name, "asset." + name, "asset." + strings.TrimSuffix(name, ".zip")} {
		path := filepath.Join(d.Dir, candidate)
		if _, err := os.Stat(path); err == nil {
			return path, true
		}
	}
	return "", false
}

// CodeHash returns a function for template.Env.CodeHash: what changes when the code at a path below dir does.
func CodeHash(dir string) func(uri string) string {
	return func(uri string) string {
		if !filepath.IsAbs(uri) {
			uri = filepath.Join(dir, uri)
		}
		sum, err := build.Hash(uri)
		if err != nil {
			return uri // the deploy itself will say what is wrong
		}
		return sum
	}
}

// definitionSum is the sum of everything that defines an API.
func definitionSum(states map[string]*resource.State) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, id := range slices.Sorted(maps.Keys(states)) {
		_ = enc.Encode([]any{id, states[id].PhysicalID, states[id].Properties}) // documents always encode
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
