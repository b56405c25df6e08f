package lambda

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/service/function"
)

const layerPattern = `(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+`

var layerForm = whole(layerPattern)

const maxLayerRuntimes = 15

// layerARN returns a layer's ARN. name may be one already.
func (s *Service) layerARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:lambda:" + s.Region + ":" + s.Account + ":layer:" + name
}

type layerContent struct {
	Location   string
	CodeSha256 string
	CodeSize   int64
}

type layerVersion struct {
	Content                 *layerContent `json:",omitempty"`
	LayerArn                string        `json:",omitempty"`
	LayerVersionArn         string
	Description             string
	CreatedDate             instant
	Version                 int64
	CompatibleRuntimes      []string `json:",omitempty"`
	LicenseInfo             string   `json:",omitempty"`
	CompatibleArchitectures []string `json:",omitempty"`
}

func (s *Service) showLayer(name string, v *function.LayerVersion, content bool) *layerVersion {
	arn := s.layerARN(name)
	out := &layerVersion{
		LayerVersionArn: arn + ":" + strconv.FormatInt(v.Version, 10), Description: v.Description, CreatedDate: instant(v.Created),
		Version: v.Version, CompatibleRuntimes: v.Runtimes, LicenseInfo: v.License, CompatibleArchitectures: v.Architectures,
	}
	if content {
		out.LayerArn = arn
		out.Content = &layerContent{s.link(v.SHA256), codeSum(v.SHA256), v.CodeSize}
	}
	return out
}

// layerName checks the layer in the path and returns its name.
func (s *Service) layerName(in *input) (string, error) {
	given := in.vars["LayerName"]
	c := &checker{}
	c.length("layerName", given, 1, maxLayerARN)
	c.pattern("layerName", given, layerForm, layerPattern)
	if err := c.err(); err != nil {
		return "", err
	}
	if name, ok := strings.CutPrefix(given, s.layerARN("")); ok {
		return name, nil
	}
	if strings.HasPrefix(given, "arn:") {
		return "", notFound("The resource you requested does not exist.")
	}
	return given, nil
}

func checkCompatible(c *checker, runtimeNames, architectures []string) {
	if len(runtimeNames) > maxLayerRuntimes {
		c.fault("compatibleRuntimes", bracketed(runtimeNames), "Member must have length less than or equal to %d", maxLayerRuntimes)
	}
	for _, r := range runtimeNames {
		if !slices.Contains(runtimes, r) {
			c.fault("compatibleRuntimes", bracketed(runtimeNames), "Member must satisfy constraint: [Member must satisfy enum value set: [%s], Member must not be null]",
				strings.Join(runtimes, ", "))
			break
		}
	}
	for _, a := range architectures {
		if a != "x86_64" && a != "arm64" {
			c.fault("compatibleArchitectures", bracketed(architectures), "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")
			break
		}
	}
}

func (s *Service) publishLayerVersion(ctx context.Context, in *input) (any, error) {
	var body struct {
		Content                                     *codeInput
		Description, LicenseInfo                    *string
		CompatibleRuntimes, CompatibleArchitectures []string
	}
	if err := readBody(in.Body, &body); err != nil {
		return nil, err
	}
	c := &checker{}
	if body.Content == nil {
		c.missing("content")
	}
	if body.Description != nil {
		c.length("description", *body.Description, 0, maxDescription)
	}
	if body.LicenseInfo != nil {
		c.length("licenseInfo", *body.LicenseInfo, 0, 512)
	}
	checkCompatible(c, body.CompatibleRuntimes, body.CompatibleArchitectures)
	if err := c.err(); err != nil {
		return nil, err
	}
	name, err := s.layerName(in)
	if err != nil {
		return nil, err
	}
	if err := body.Content.check("PublishLayerVersion"); err != nil {
		return nil, err
	}
	blob, release, err := s.Functions.PutCode(ctx, body.Content.ZipFile)
	if err != nil {
		return nil, err
	}
	defer release()
	var v function.LayerVersion
	_, err = s.Functions.ChangeLayer(ctx, name, func(l *function.Layer) error {
		l.LastVersion++
		v = function.LayerVersion{
			Version: l.LastVersion, Runtimes: body.CompatibleRuntimes, Architectures: body.CompatibleArchitectures,
			SHA256: blob.SHA256, CodeSize: blob.Size, Unpacked: blob.Unpacked, Created: s.Clock().UTC(),
		}
		set(&v.Description, body.Description)
		set(&v.License, body.LicenseInfo)
		l.Versions = append(l.Versions, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.showLayer(name, &v, true), nil
}

// findLayerVersion returns a layer version, or Lambda's answer that there is none.
func (s *Service) findLayerVersion(name, number string) (*function.LayerVersion, error) {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		c := &checker{}
		c.fault("versionNumber", number, "Member must be a number")
		return nil, c.err()
	}
	if n < 1 {
		return nil, invalid("Layer Version Cannot be less than 1")
	}
	if l := s.Functions.Layer(name); l != nil {
		if v := l.Find(n); v != nil {
			return v, nil
		}
	}
	return nil, notFound("The resource you requested does not exist.")
}

func (s *Service) getLayerVersion(_ context.Context, in *input) (any, error) {
	name, err := s.layerName(in)
	if err != nil {
		return nil, err
	}
	v, err := s.findLayerVersion(name, in.vars["VersionNumber"])
	if err != nil {
		return nil, err
	}
	return s.showLayer(name, v, true), nil
}

func (s *Service) getLayerVersionByARN(_ context.Context, in *input) (any, error) {
	arn := in.query.Get("Arn")
	c := &checker{}
	c.length("arn", arn, 1, maxLayerARN)
	c.pattern("arn", arn, layerVersionForm, layerVersionARN)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := mayUseLayers(in, []string{arn}); err != nil {
		return nil, err
	}
	layer, number, _ := cutLast(arn)
	name, ok := strings.CutPrefix(layer, s.layerARN(""))
	if !ok {
		return nil, notFound("The resource you requested does not exist.")
	}
	v, err := s.findLayerVersion(name, number)
	if err != nil {
		return nil, err
	}
	return s.showLayer(name, v, true), nil
}

func (s *Service) deleteLayerVersion(ctx context.Context, in *input) (any, error) {
	name, err := s.layerName(in)
	if err != nil {
		return nil, err
	}
	if _, err := s.findLayerVersion(name, in.vars["VersionNumber"]); err != nil {
		if f, ok := err.(*fault); ok && f.status == 404 {
			return nil, nil // deleting twice is no error
		}
		return nil, err
	}
	n, _ := strconv.ParseInt(in.vars["VersionNumber"], 10, 64)
	_, err = s.Functions.ChangeLayer(ctx, name, func(l *function.Layer) error {
		l.Versions = slices.DeleteFunc(l.Versions, func(v function.LayerVersion) bool { return v.Version == n })
		return nil
	})
	return nil, err
}

// layerFilter reads the parameters that lists of layers share.
func layerFilter(c *checker, in *input) func(*function.LayerVersion) bool {
	runtime, architecture := in.query.Get("CompatibleRuntime"), in.query.Get("CompatibleArchitecture")
	if runtime != "" {
		c.oneOf("compatibleRuntime", runtime, runtimes...)
	}
	if architecture != "" {
		c.oneOf("compatibleArchitecture", architecture, "x86_64", "arm64")
	}
	return func(v *function.LayerVersion) bool {
		return (runtime == "" || slices.Contains(v.Runtimes, runtime)) && (architecture == "" || slices.Contains(v.Architectures, architecture))
	}
}

func (s *Service) listLayerVersions(_ context.Context, in *input) (any, error) {
	c := &checker{}
	size, fits := pageSize(c, in, 50), layerFilter(c, in)
	if err := c.err(); err != nil {
		return nil, err
	}
	name, err := s.layerName(in)
	if err != nil {
		return nil, err
	}
	var items []*layerVersion
	if l := s.Functions.Layer(name); l != nil {
		for i := len(l.Versions) - 1; i >= 0; i-- {
			if fits(&l.Versions[i]) {
				items = append(items, s.showLayer(name, &l.Versions[i], false))
			}
		}
	}
	page, next, err := paged(items, func(v *layerVersion) string { return descending(v.Version) }, "ListLayerVersions "+name, in, size)
	return struct {
		LayerVersions []*layerVersion
		NextMarker    string `json:",omitempty"`
	}{page, next}, err
}

func (s *Service) listLayers(_ context.Context, in *input) (any, error) {
	c := &checker{}
	size, fits := pageSize(c, in, 50), layerFilter(c, in)
	if err := c.err(); err != nil {
		return nil, err
	}
	type item struct {
		LayerName             string
		LayerArn              string
		LatestMatchingVersion *layerVersion
	}
	var items []*item
	for _, l := range s.Functions.Layers() {
		for i := len(l.Versions) - 1; i >= 0; i-- {
			if fits(&l.Versions[i]) {
				items = append(items, &item{l.Name, s.layerARN(l.Name), s.showLayer(l.Name, &l.Versions[i], false)})
				break
			}
		}
	}
	page, next, err := paged(items, func(i *item) string { return i.LayerName }, "ListLayers", in, size)
	return struct {
		Layers     []*item
		NextMarker string `json:",omitempty"`
	}{page, next}, err
}
