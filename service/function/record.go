package function

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Latest is the version that can be changed.
const Latest = "$LATEST"

// Record is one function with all that belongs to it, as it is stored: one document, so that every change is atomic.
type Record struct {
	Name        string // [a-zA-Z0-9_-]{1,64}
	Latest      Version
	Versions    []Version // that were published, oldest first
	LastVersion int       // the number of the newest that ever was
	Aliases     []Alias   // in the order of their names
	// Policies holds the statements by the qualifier that they were added for; "" is the function itself.
	Policies map[string][]Statement
	Reserved *int // concurrency; nil is unreserved, 0 refuses every call
	Tags     map[string]string
}

// Version is the code and configuration of a function.
type Version struct {
	Version       string // "$LATEST" or a number
	Description   string
	Runtime       string
	Handler       string
	Role          string
	Timeout       int               // seconds
	MemorySize    int               // MB
	TmpSize       int               // MB
	Environment   map[string]string // nil when the function never had one, which AWS shows
	Layers        []LayerRef
	Architectures []string
	SHA256        string // of the zip, hexadecimal
	CodeSize      int64  // bytes of the zip
	Unpacked      int64  // bytes
	LogFormat     string
	LogGroup      string
	AppLogLevel   string
	SysLogLevel   string

	// Stored and shown, without effect here.
	Tracing          string
	DeadLetter       string
	KMSKey           string
	SnapStart        string
	SubnetIDs        []string
	SecurityGroupIDs []string

	LastModified time.Time
	RevisionID   string
}

// LayerRef is a layer version that a function uses. The function keeps using it after the layer version was deleted.
type LayerRef struct {
	ARN      string
	SHA256   string
	CodeSize int64
	Unpacked int64
}

// Alias points at one version or, by weight, at two.
type Alias struct {
	Name        string
	Description string
	Version     string
	Additional  map[string]float64 // at most one version, with the share of calls that it gets
	RevisionID  string
}

// Statement is one permission in a function's policy. All are allowances.
type Statement struct {
	Sid              string
	Service, AWS     string // one of the two: the principal
	Action           string
	SourceARN        string
	SourceAccount    string
	PrincipalOrgID   string
	EventSourceToken string
	URLAuthType      string
	ViaURL           *bool // lambda:InvokedViaFunctionUrl
}

// Find returns a version by its name ("$LATEST" or "" are the latest), or nil.
func (r *Record) Find(version string) *Version {
	if version == "" || version == Latest {
		return &r.Latest
	}
	for i := range r.Versions {
		if r.Versions[i].Version == version {
			return &r.Versions[i]
		}
	}
	return nil
}

// Alias returns an alias by its name, or nil.
func (r *Record) Alias(name string) *Alias {
	for i := range r.Aliases {
		if r.Aliases[i].Name == name {
			return &r.Aliases[i]
		}
	}
	return nil
}

// Has reports whether a call may name the qualifier: "", "$LATEST", a version or an alias.
func (r *Record) Has(qualifier string) bool {
	return r.Find(qualifier) != nil || r.Alias(qualifier) != nil
}

// Publish makes a version of $LATEST and returns it, or the newest version when $LATEST has not changed since. description, unless
// "", takes the place of the latest's. newRevision makes revision ids: one for the version, and one for $LATEST, whose revision changes
// by being published.
func (r *Record) Publish(description string, newRevision func() string) *Version {
	if n := len(r.Versions); n > 0 {
		if newest := &r.Versions[n-1]; newest.Version == strconv.Itoa(r.LastVersion) && newest.sameAs(&r.Latest) {
			return newest
		}
	}
	r.LastVersion++
	v := r.Latest
	v.Version, v.RevisionID = strconv.Itoa(r.LastVersion), newRevision()
	r.Latest.RevisionID = newRevision()
	if description != "" {
		v.Description = description
	}
	r.Versions = append(r.Versions, v)
	return &r.Versions[len(r.Versions)-1]
}

// sameAs reports whether two versions have the same code and configuration. Their descriptions are not looked at, because a
// published one may have been given at publication.
func (v *Version) sameAs(w *Version) bool {
	return v.Runtime == w.Runtime && v.Handler == w.Handler && v.Role == w.Role && v.Timeout == w.Timeout &&
		v.MemorySize == w.MemorySize && v.TmpSize == w.TmpSize && maps.Equal(v.Environment, w.Environment) &&
		slices.Equal(v.Layers, w.Layers) && slices.Equal(v.Architectures, w.Architectures) && v.SHA256 == w.SHA256 &&
		v.LogFormat == w.LogFormat && v.LogGroup == w.LogGroup && v.AppLogLevel == w.AppLogLevel && v.SysLogLevel == w.SysLogLevel &&
		v.Tracing == w.Tracing && v.DeadLetter == w.DeadLetter && v.KMSKey == w.KMSKey && v.SnapStart == w.SnapStart &&
		slices.Equal(v.SubnetIDs, w.SubnetIDs) && slices.Equal(v.SecurityGroupIDs, w.SecurityGroupIDs) &&
		v.LastModified.Equal(w.LastModified)
}

// CodeSize is what the function's zips count against the account's storage, in bytes: each published version counts, since
// Lambda keeps its own copy.
func (r *Record) CodeSize() int64 {
	n := r.Latest.CodeSize
	for i := range r.Versions {
		n += r.Versions[i].CodeSize
	}
	return n
}

// Layer is a layer with its versions, as it is stored.
type Layer struct {
	Name        string
	Versions    []LayerVersion // oldest first
	LastVersion int64
}

// LayerVersion is one version of a layer.
type LayerVersion struct {
	Version       int64
	Description   string
	License       string
	Runtimes      []string
	Architectures []string
	SHA256        string
	CodeSize      int64
	Unpacked      int64
	Created       time.Time
}

// Find returns a version of a layer, or nil.
func (l *Layer) Find(version int64) *LayerVersion {
	for i := range l.Versions {
		if l.Versions[i].Version == version {
			return &l.Versions[i]
		}
	}
	return nil
}

func sortByName[T any](all []T, name func(T) string) {
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(name(a), name(b)) })
}
