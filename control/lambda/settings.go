package lambda

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/service/function"
	"github.com/sockgate/sockgate/service/function/code"
)

// settings are the members that CreateFunction and UpdateFunctionConfiguration share. nil is absent.
type settings struct {
	Runtime          *string
	Role             *string
	Handler          *string
	Description      *string
	Timeout          *int
	MemorySize       *int
	VpcConfig        *struct{ SubnetIds, SecurityGroupIds []string }
	DeadLetterConfig *struct{ TargetArn *string }
	Environment      *struct{ Variables map[string]*string }
	KMSKeyArn        *string
	TracingConfig    *struct{ Mode *string }
	Layers           []string
	EphemeralStorage *struct{ Size *int }
	SnapStart        *struct{ ApplyOn *string }
	LoggingConfig    *struct{ LogFormat, ApplicationLogLevel, SystemLogLevel, LogGroup *string }

	// What is not built is refused when it says something.
	FileSystemConfigs      []json.RawMessage
	ImageConfig            json.RawMessage
	CapacityProviderConfig json.RawMessage
	DurableConfig          json.RawMessage
}

// Limits of a function's settings. Source: Lambda Developer Guide, "Lambda quotas"; service model.
const (
	maxTimeout     = 900   // seconds
	maxMemory      = 10240 // MB
	maxTmp         = 10240 // MB
	maxEnvironment = 4096  // bytes of the variables as JSON
	maxLayers      = 5
	maxDescription = 256
	maxHandler     = 128
	maxLogGroup    = 512
	maxLayerARN    = 140

	rolePattern     = `arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`
	handlerPattern  = `[^\s]+`
	logGroupPattern = `[\.\-_/#A-Za-z0-9]+`
	arnPattern      = `(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()`
	variablePattern = `[a-zA-Z]([a-zA-Z0-9_])+`
	layerVersionARN = `arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+`
)

var (
	roleForm         = whole(rolePattern)
	handlerForm      = whole(handlerPattern)
	logGroupForm     = whole(logGroupPattern)
	arnForm          = regexp.MustCompile(`^(?:arn:(aws[a-zA-Z-]*)?:[a-z0-9.-]+:.*)?$`)
	variableForm     = whole(variablePattern)
	layerVersionForm = whole(layerVersionARN)
)

// runtimes are the identifiers that Lambda knows. Whether functions of one can run here, the runner says.
// Source: Lambda's service model.
var runtimes = []string{
	"nodejs24.x", "nodejs22.x", "nodejs20.x", "nodejs18.x", "nodejs16.x", "nodejs14.x", "nodejs12.x", "nodejs10.x", "nodejs8.10", "nodejs6.10", "nodejs4.3",
	"nodejs", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8", "python3.7", "python3.6", "python2.7",
	"provided.al2023", "provided.al2", "provided", "go1.x", "java25", "java21", "java17", "java11", "java8.al2", "java8",
	"dotnet10", "dotnet8", "dotnet6", "dotnetcore3.1", "dotnetcore2.1", "dotnetcore2.0", "dotnetcore1.0",
	"ruby4.0", "ruby3.4", "ruby3.3", "ruby3.2", "ruby2.7", "ruby2.5",
}

// check finds what breaks the service model.
func (in *settings) check(c *checker) {
	if in.Role != nil {
		c.pattern("role", *in.Role, roleForm, rolePattern)
	}
	if in.Handler != nil {
		c.length("handler", *in.Handler, 0, maxHandler)
		c.pattern("handler", *in.Handler, handlerForm, handlerPattern)
	}
	if in.Description != nil {
		c.length("description", *in.Description, 0, maxDescription)
	}
	c.between("timeout", in.Timeout, 1, maxTimeout)
	c.between("memorySize", in.MemorySize, 128, maxMemory)
	if in.EphemeralStorage != nil {
		if in.EphemeralStorage.Size == nil {
			c.missing("ephemeralStorage.size")
		}
		c.between("ephemeralStorage.size", in.EphemeralStorage.Size, 512, maxTmp)
	}
	if in.TracingConfig != nil && in.TracingConfig.Mode != nil {
		c.oneOf("tracingConfig.mode", *in.TracingConfig.Mode, "Active", "PassThrough")
	}
	if in.SnapStart != nil && in.SnapStart.ApplyOn != nil {
		c.oneOf("snapStart.applyOn", *in.SnapStart.ApplyOn, "PublishedVersions", "None")
	}
	if in.DeadLetterConfig != nil && in.DeadLetterConfig.TargetArn != nil {
		c.pattern("deadLetterConfig.targetArn", *in.DeadLetterConfig.TargetArn, arnForm, arnPattern)
	}
	if in.KMSKeyArn != nil {
		c.pattern("kMSKeyArn", *in.KMSKeyArn, arnForm, arnPattern)
	}
	if in.LoggingConfig != nil {
		in.checkLogging(c)
	}
	for _, l := range in.Layers {
		c.length("layers", l, 1, maxLayerARN)
		c.pattern("layers", l, layerVersionForm, layerVersionARN)
	}
	if in.Environment != nil {
		for name := range in.Environment.Variables {
			if !variableForm.MatchString(name) {
				// The map is sensitive, so its content does not go back.
				c.faults = append(c.faults, "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: "+
					"[Member must satisfy regular expression pattern: "+variablePattern+", Member must not be null]")
				break
			}
		}
	}
}

func (in *settings) checkLogging(c *checker) {
	l := in.LoggingConfig
	if l.LogFormat != nil {
		c.oneOf("loggingConfig.logFormat", *l.LogFormat, "JSON", "Text")
	}
	if l.ApplicationLogLevel != nil {
		c.oneOf("loggingConfig.applicationLogLevel", *l.ApplicationLogLevel, "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
	}
	if l.SystemLogLevel != nil {
		c.oneOf("loggingConfig.systemLogLevel", *l.SystemLogLevel, "DEBUG", "INFO", "WARN")
	}
	if l.LogGroup != nil {
		c.length("loggingConfig.logGroup", *l.LogGroup, 1, maxLogGroup)
		c.pattern("loggingConfig.logGroup", *l.LogGroup, logGroupForm, logGroupPattern)
	}
}

// apply writes the members to a version and checks what only Lambda itself can: runtimes, roles, layers, the environment's size.
func (s *Service) apply(in *settings, v *function.Version) error {
	switch {
	case len(in.FileSystemConfigs) > 0:
		return invalid("FileSystemConfigs is not built")
	case says(in.ImageConfig):
		return invalid("ImageConfig is not built: functions are made from zips only")
	case says(in.CapacityProviderConfig), says(in.DurableConfig):
		return invalid("CapacityProviderConfig and DurableConfig are not built")
	}
	if in.Runtime != nil {
		if !slices.Contains(runtimes, *in.Runtime) {
			return invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN",
				*in.Runtime, strings.Join(runtimes, ", "))
		}
		if err := s.Functions.Runner.Check(*in.Runtime); err != nil {
			return err
		}
		v.Runtime = *in.Runtime
	}
	if in.Role != nil {
		if s.CheckRole != nil {
			if err := s.CheckRole(*in.Role); err != nil {
				return err
			}
		}
		v.Role = *in.Role
	}
	set(&v.Handler, in.Handler)
	set(&v.Description, in.Description)
	set(&v.Timeout, in.Timeout)
	set(&v.MemorySize, in.MemorySize)
	set(&v.KMSKey, in.KMSKeyArn)
	if in.EphemeralStorage != nil {
		set(&v.TmpSize, in.EphemeralStorage.Size)
	}
	if in.TracingConfig != nil {
		set(&v.Tracing, in.TracingConfig.Mode)
	}
	if in.SnapStart != nil {
		set(&v.SnapStart, in.SnapStart.ApplyOn)
	}
	if in.DeadLetterConfig != nil {
		v.DeadLetter = ""
		set(&v.DeadLetter, in.DeadLetterConfig.TargetArn)
	}
	if in.VpcConfig != nil {
		v.SubnetIDs, v.SecurityGroupIDs = in.VpcConfig.SubnetIds, in.VpcConfig.SecurityGroupIds
	}
	if in.LoggingConfig != nil {
		if err := applyLogging(in, v); err != nil {
			return err
		}
	}
	if in.Environment != nil {
		if err := applyEnvironment(in.Environment.Variables, v); err != nil {
			return err
		}
	}
	if in.Layers != nil {
		layers, err := s.resolveLayers(in.Layers)
		if err != nil {
			return err
		}
		v.Layers = layers
	}
	return nil
}

func applyLogging(in *settings, v *function.Version) error {
	l := in.LoggingConfig
	set(&v.LogFormat, l.LogFormat)
	set(&v.LogGroup, l.LogGroup)
	if v.LogFormat != "JSON" {
		if l.ApplicationLogLevel != nil || l.SystemLogLevel != nil {
			return invalid("To filter logs by level, you must set LogFormat to 'JSON'")
		}
		v.AppLogLevel, v.SysLogLevel = "", ""
		return nil
	}
	if v.AppLogLevel == "" {
		v.AppLogLevel, v.SysLogLevel = "INFO", "INFO"
	}
	set(&v.AppLogLevel, l.ApplicationLogLevel)
	set(&v.SysLogLevel, l.SystemLogLevel)
	return nil
}

// reserved are the variables that only Lambda sets. Source: Lambda Developer Guide, "Defined runtime environment variables".
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

func applyEnvironment(variables map[string]*string, v *function.Version) error {
	const unable = "Lambda was unable to configure your environment variables because the environment variables you have provided "
	vars := make(map[string]string, len(variables))
	var taken []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if slices.Contains(reserved, name) {
			taken = append(taken, name)
		}
		if value := variables[name]; value != nil {
			vars[name] = *value
		}
	}
	if len(taken) > 0 {
		return invalid(unable+"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s",
			strings.Join(taken, ", "))
	}
	measured, err := json.Marshal(vars)
	if err != nil {
		return fmt.Errorf("encode environment: %w", err)
	}
	if len(measured) > maxEnvironment {
		return invalid(unable+"exceeded the 4KB limit. String measured: %s", measured)
	}
	v.Environment = vars
	return nil
}

// resolveLayers finds the layer versions of a function.
func (s *Service) resolveLayers(arns []string) ([]function.LayerRef, error) {
	if len(arns) > maxLayers {
		return nil, invalid("Cannot reference more than %d layers.", maxLayers)
	}
	refs := make([]function.LayerRef, 0, len(arns))
	seen := make(map[string]string)
	for _, arn := range arns {
		layerARN, number, _ := cutLast(arn)
		if other, twice := seen[layerARN]; twice {
			return nil, invalid("Two different versions of the same layer are not allowed to be referenced in the same function. %s and %s are versions of the same layer.", other, arn)
		}
		seen[layerARN] = arn
		var v *function.LayerVersion
		if name, ok := strings.CutPrefix(layerARN, s.layerARN("")); ok {
			if l := s.Functions.Layer(name); l != nil {
				n, _ := strconv.ParseInt(number, 10, 64) // 0 is no version
				v = l.Find(n)
			}
		}
		if v == nil {
			return nil, invalid("Layer version %s does not exist.", arn)
		}
		refs = append(refs, function.LayerRef{ARN: arn, SHA256: v.SHA256, CodeSize: v.CodeSize, Unpacked: v.Unpacked})
	}
	return refs, nil
}

// checkSum refuses a function that is too large together with its layers.
func checkSum(v *function.Version) error {
	sum := v.Unpacked
	for _, l := range v.Layers {
		sum += l.Unpacked
	}
	if sum > code.MaxUnpacked {
		return invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", code.MaxUnpacked, sum)
	}
	return nil
}

// cutLast cuts an ARN before its last colon.
func cutLast(arn string) (before, after string, found bool) {
	i := strings.LastIndexByte(arn, ':')
	if i < 0 {
		return arn, "", false
	}
	return arn[:i], arn[i+1:], true
}

// says reports whether a JSON member is there and not empty.
func says(raw json.RawMessage) bool {
	switch strings.TrimSpace(string(raw)) {
	case "", "null", "{}":
		return false
	}
	return true
}

// set assigns a member that is there.
func set[T any](dst *T, value *T) {
	if value != nil {
		*dst = *value
	}
}
