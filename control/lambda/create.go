package lambda

import (
	"context"
	"maps"

	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/service/function"
	"github.com/sockgate/sockgate/service/function/code"
)

// codeInput says where a function's code comes from.
type codeInput struct {
	ZipFile                              []byte
	S3Bucket, S3Key, ImageUri            *string
	S3ObjectVersion, S3ObjectStorageMode *string
	SourceKMSKeyArn                      *string
}

// maxCodeRequest is the largest request body of CreateFunction and UpdateFunctionCode, in bytes. Source: recorded answers.
const maxCodeRequest = 70167211

func (in *codeInput) check(operation string) error {
	switch {
	case in.ImageUri != nil && operation == "UpdateFunctionCode":
		return invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
	case in.ImageUri != nil:
		return invalid("Container images are not supported here: send the function's code as a zip in ZipFile")
	case in.S3Bucket != nil || in.S3Key != nil:
		return invalid("Code in S3 is not supported here: send it as a zip in ZipFile")
	case in.ZipFile == nil:
		return invalid("Please provide a source for function code.")
	case len(in.ZipFile) > code.MaxZip:
		return tooLargeEntity(operation)
	}
	return nil
}

// tooLargeEntity is the answer of AWS's front end to a body that is over its limit.
func tooLargeEntity(operation string) error {
	f := tooLarge(maxCodeRequest, operation).(*fault)
	f.typ, f.bare = "RequestEntityTooLargeException", true
	return f
}

type createInput struct {
	settings
	FunctionName         *string
	Code                 *codeInput
	PackageType          *string
	Publish              bool
	Tags                 map[string]string
	Architectures        []string
	CodeSigningConfigArn *string
}

func (s *Service) createFunction(ctx context.Context, in *input) (any, error) {
	if len(in.Body) > maxCodeRequest {
		return nil, tooLargeEntity("CreateFunction")
	}
	var body createInput
	if err := readBody(in.Body, &body); err != nil {
		return nil, err
	}
	c := &checker{}
	if c.need("functionName", body.FunctionName) {
		c.name(*body.FunctionName, newNameForm, newNamePattern)
	}
	c.need("role", body.Role)
	if body.Code == nil {
		c.missing("code")
	}
	if body.PackageType != nil {
		c.oneOf("packageType", *body.PackageType, "Zip", "Image")
	}
	checkArchitectures(c, body.Architectures)
	body.check(c)
	if err := c.err(); err != nil {
		return nil, err
	}
	name, qualifier, err := s.functionName(*body.FunctionName, "")
	if err != nil {
		return nil, err
	}
	if qualifier != "" {
		return nil, invalid("The provided function name contains a qualifier: %s", *body.FunctionName)
	}
	if len(name) > maxPlainName {
		c.fault("functionName", name, "Member must have length less than or equal to %d", maxPlainName)
		return nil, c.err()
	}
	if err := s.mayCreate(in, name, *body.Role); err != nil {
		return nil, err
	}
	if err := mayUseLayers(in, body.Layers); err != nil {
		return nil, err
	}
	switch {
	case body.PackageType != nil && *body.PackageType == "Image":
		return nil, invalid("Container images are not supported here: send the function's code as a zip in ZipFile")
	case body.CodeSigningConfigArn != nil && *body.CodeSigningConfigArn != "":
		return nil, invalid("Code signing is not built")
	case body.Runtime == nil || body.Handler == nil:
		return nil, invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if s.Functions.Get(name) != nil {
		return nil, conflict("Function already exist: %s", name)
	}
	if err := checkTags(body.Tags, nil); err != nil {
		return nil, err
	}
	r := &function.Record{Name: name, Tags: body.Tags, Latest: function.Version{
		Version: function.Latest, Timeout: 3, MemorySize: 128, TmpSize: 512, Tracing: "PassThrough", SnapStart: "None",
		LogFormat: "Text", LogGroup: "/aws/lambda/" + name, Architectures: []string{"x86_64"},
		LastModified: s.Clock().UTC(), RevisionID: requestid.New(),
	}}
	if body.Architectures != nil {
		r.Latest.Architectures = body.Architectures
	}
	if err := s.apply(&body.settings, &r.Latest); err != nil {
		return nil, err
	}
	if err := body.Code.check("CreateFunction"); err != nil {
		return nil, err
	}
	release, err := s.putCode(ctx, body.Code.ZipFile, &r.Latest)
	if err != nil {
		return nil, err
	}
	defer release()
	version := &r.Latest
	if body.Publish {
		version = r.Publish("", requestid.New)
	}
	if err := s.Functions.Create(ctx, r); err != nil {
		return nil, err
	}
	return s.show(r, version, "", creating), nil
}

// mayCreate asks for the permissions to make a function and to give it its role.
func (s *Service) mayCreate(in *input, name, role string) error {
	if err := in.Allowed("lambda:CreateFunction", []string{s.Functions.ARN(name, "")}, in.conditionKeys("CreateFunction")); err != nil {
		return err
	}
	return mayPass(in, role)
}

func mayPass(in *input, role string) error {
	return in.Allowed("iam:PassRole", []string{role}, map[string][]string{"iam:passedtoservice": {"lambda.amazonaws.com"}})
}

// putCode stores a zip as a version's code. release must be called once the version is stored or given up.
func (s *Service) putCode(ctx context.Context, zip []byte, v *function.Version) (release func(), err error) {
	used := int64(len(zip))
	for _, r := range s.Functions.List() {
		used += r.CodeSize()
	}
	if used > maxCodeStorage {
		return nil, &fault{status: 400, typ: "CodeStorageExceededException", message: "Code storage limit exceeded."}
	}
	blob, release, err := s.Functions.PutCode(ctx, zip)
	if err != nil {
		return nil, err
	}
	v.SHA256, v.CodeSize, v.Unpacked = blob.SHA256, blob.Size, blob.Unpacked
	if err := checkSum(v); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func checkArchitectures(c *checker, list []string) {
	if list == nil {
		return
	}
	if len(list) != 1 || list[0] != "x86_64" && list[0] != "arm64" {
		c.faults = append(c.faults, "Value '"+bracketed(list)+"' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: "+
			"[Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")
	}
}

type updateCodeInput struct {
	codeInput
	Publish, DryRun bool
	RevisionId      *string
	Architectures   []string
}

func (s *Service) updateFunctionCode(ctx context.Context, in *input) (any, error) {
	if len(in.Body) > maxCodeRequest {
		return nil, tooLargeEntity("UpdateFunctionCode")
	}
	var body updateCodeInput
	if err := readBody(in.Body, &body); err != nil {
		return nil, err
	}
	c := &checker{}
	checkArchitectures(c, body.Architectures)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := in.unqualified(); err != nil {
		return nil, err
	}
	r := s.Functions.Get(in.name)
	if r == nil {
		return nil, s.Functions.NotFound(in.name, "")
	}
	if err := body.codeInput.check("UpdateFunctionCode"); err != nil {
		return nil, err
	}
	latest := r.Latest
	release, err := s.putCode(ctx, body.ZipFile, &latest)
	if err != nil {
		return nil, err
	}
	defer release()
	blob := latest
	published := 0
	change := func(r *function.Record) error {
		v := &r.Latest
		if err := match(body.RevisionId, v.RevisionID); err != nil {
			return err
		}
		v.SHA256, v.CodeSize, v.Unpacked = blob.SHA256, blob.CodeSize, blob.Unpacked
		if body.Architectures != nil {
			v.Architectures = body.Architectures
		}
		if err := checkSum(v); err != nil {
			return err
		}
		v.LastModified, v.RevisionID = s.Clock().UTC(), requestid.New()
		if body.Publish {
			r.Publish("", requestid.New)
			published = len(r.Versions)
		}
		return nil
	}
	if body.DryRun {
		trial := *r
		trial.Versions = append([]function.Version(nil), r.Versions...)
		trial.Tags = maps.Clone(r.Tags)
		if err := change(&trial); err != nil {
			return nil, err
		}
		trial.Latest.RevisionID, trial.Latest.LastModified = r.Latest.RevisionID, r.Latest.LastModified
		return s.show(&trial, &trial.Latest, "", atRest), nil
	}
	if r, err = s.Functions.Change(ctx, in.name, change); err != nil {
		return nil, err
	}
	if body.Publish {
		v := &r.Versions[published-1]
		return s.show(r, v, v.Version, creating), nil
	}
	return s.show(r, &r.Latest, "", updating), nil
}

type updateConfigurationInput struct {
	settings
	RevisionId *string
}

func (s *Service) updateFunctionConfiguration(ctx context.Context, in *input) (any, error) {
	var body updateConfigurationInput
	if err := readBody(in.Body, &body); err != nil {
		return nil, err
	}
	c := &checker{}
	body.check(c)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := in.unqualified(); err != nil {
		return nil, err
	}
	if body.Role != nil {
		if err := mayPass(in, *body.Role); err != nil {
			return nil, err
		}
	}
	if err := mayUseLayers(in, body.Layers); err != nil {
		return nil, err
	}
	r, err := s.Functions.Change(ctx, in.name, func(r *function.Record) error {
		v := &r.Latest
		if err := match(body.RevisionId, v.RevisionID); err != nil {
			return err
		}
		if err := s.apply(&body.settings, v); err != nil {
			return err
		}
		v.LastModified, v.RevisionID = s.Clock().UTC(), requestid.New()
		return checkSum(v)
	})
	if err != nil {
		return nil, err
	}
	return s.show(r, &r.Latest, "", updating), nil
}

// match checks a precondition on a revision; nil and "" are none.
func match(given *string, revision string) error {
	if given != nil && *given != "" && *given != revision {
		return stale()
	}
	return nil
}
