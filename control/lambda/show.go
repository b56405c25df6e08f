package lambda

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/service/function"
)

// instant prints as Lambda's timestamps do: "2026-01-02T15:04:05.000+0000".
type instant time.Time

func (t instant) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(t).UTC().Format("2006-01-02T15:04:05.000-0700"))
}

// configuration is Lambda's FunctionConfiguration. Source: the service model and recorded answers.
type configuration struct {
	FunctionName               string
	FunctionArn                string
	Runtime                    string
	Role                       string
	Handler                    string
	CodeSize                   int64
	Description                string
	Timeout                    int
	MemorySize                 int
	LastModified               instant
	CodeSha256                 string
	Version                    string
	VpcConfig                  *vpcConfig        `json:",omitempty"`
	DeadLetterConfig           *deadLetterConfig `json:",omitempty"`
	Environment                *environment      `json:",omitempty"`
	KMSKeyArn                  string            `json:",omitempty"`
	TracingConfig              tracingConfig
	RevisionId                 string
	Layers                     []layerRef `json:",omitempty"`
	State                      string     `json:",omitempty"`
	StateReason                string     `json:",omitempty"`
	StateReasonCode            string     `json:",omitempty"`
	LastUpdateStatus           string     `json:",omitempty"`
	LastUpdateStatusReason     string     `json:",omitempty"`
	LastUpdateStatusReasonCode string     `json:",omitempty"`
	PackageType                string
	Architectures              []string
	EphemeralStorage           ephemeralStorage
	SnapStart                  snapStart
	RuntimeVersionConfig       *runtimeVersion `json:",omitempty"`
	LoggingConfig              loggingConfig
}

type (
	vpcConfig struct {
		SubnetIds               []string
		SecurityGroupIds        []string
		VpcId                   string
		Ipv6AllowedForDualStack bool
	}
	deadLetterConfig struct{ TargetArn string }
	environment      struct{ Variables map[string]string }
	tracingConfig    struct{ Mode string }
	layerRef         struct {
		Arn      string
		CodeSize int64
	}
	ephemeralStorage struct{ Size int }
	snapStart        struct{ ApplyOn, OptimizationStatus string }
	runtimeVersion   struct{ RuntimeVersionArn string }
	loggingConfig    struct {
		LogFormat           string
		ApplicationLogLevel string `json:",omitempty"`
		SystemLogLevel      string `json:",omitempty"`
		LogGroup            string
	}
)

// moment is when a configuration is shown, which decides what it says of states.
type moment uint8

const (
	atRest   moment = iota // by GetFunction and its like
	listed                 // in lists, which leave states out
	creating               // in the answer of what made the version
	updating               // in the answer of what changed it
)

// The words in which Lambda explains both Pending and InProgress.
const (
	creatingReason = "The function is being created."
	creatingCode   = "Creating"
)

// show returns a version's configuration. qualifier is how the caller named the version, and part of the ARN.
//
// A function is ready before the answer to its creation is sent: its code has been unpacked, and its interpreter is known to be there.
// The answers to CreateFunction and to updates say Pending and InProgress nevertheless, as Lambda's do; whoever asks again
// finds Active and Successful, and another revision, since in Lambda a function's states are part of what a revision is of.
func (s *Service) show(r *function.Record, v *function.Version, qualifier string, when moment) *configuration {
	c := &configuration{
		FunctionName: r.Name, FunctionArn: s.Functions.ARN(r.Name, qualifier),
		Runtime: v.Runtime, Role: v.Role, Handler: v.Handler, CodeSize: v.CodeSize, Description: v.Description,
		Timeout: v.Timeout, MemorySize: v.MemorySize, LastModified: instant(v.LastModified), CodeSha256: codeSum(v.SHA256), Version: v.Version,
		KMSKeyArn: v.KMSKey, TracingConfig: tracingConfig{v.Tracing}, RevisionId: v.RevisionID,
		PackageType: "Zip", Architectures: v.Architectures, EphemeralStorage: ephemeralStorage{v.TmpSize},
		SnapStart:     snapStart{v.SnapStart, "Off"},
		LoggingConfig: loggingConfig{v.LogFormat, v.AppLogLevel, v.SysLogLevel, v.LogGroup},
	}
	if len(v.SubnetIDs)+len(v.SecurityGroupIDs) > 0 {
		c.VpcConfig = &vpcConfig{SubnetIds: orEmpty(v.SubnetIDs), SecurityGroupIds: orEmpty(v.SecurityGroupIDs)}
	}
	if v.DeadLetter != "" {
		c.DeadLetterConfig = &deadLetterConfig{v.DeadLetter}
	}
	if v.Environment != nil {
		c.Environment = &environment{v.Environment}
	}
	for _, l := range v.Layers {
		c.Layers = append(c.Layers, layerRef{l.ARN, l.CodeSize})
	}
	if when != listed {
		c.RuntimeVersionConfig = &runtimeVersion{"arn:aws:lambda:" + s.Region + "::runtime:" + runtimeID(v.Runtime)}
	}
	if when == creating || when == updating {
		c.RevisionId = requestid.New()
	}
	switch when {
	case atRest:
		c.State, c.LastUpdateStatus = "Active", "Successful"
	case creating:
		c.State, c.StateReason, c.StateReasonCode = "Pending", creatingReason, creatingCode
	case updating:
		c.State, c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = "Active", "InProgress", creatingReason, creatingCode
	}
	return c
}

// codeSum is a zip's SHA-256 as Lambda shows it: in base64.
func codeSum(sum string) string {
	raw, err := hex.DecodeString(sum)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// runtimeID stands for the version of a runtime, of which there is one here: what is installed.
func runtimeID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
