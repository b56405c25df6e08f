package identity

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
)

// Tag is a tag of a user, role or policy.
type Tag struct{ Key, Value string }

// Holder is what users and roles have in common: they hold policies.
type Holder struct {
	Name     string // unique among users or roles whatever its case
	Path     string // begins and ends with "/"
	ID       string // AIDA… or AROA…
	Created  time.Time
	Tags     []Tag             `json:",omitempty"`
	Boundary string            `json:",omitempty"` // ARN of the policy that bounds what others allow
	Inline   map[string]string `json:",omitempty"` // name → document, as it was sent
	Attached []string          `json:",omitempty"` // ARNs of managed policies, in the order in which they were attached
}

// User is a user.
type User struct {
	Holder
	Keys []AccessKey `json:",omitempty"`
}

// ARN returns the user's ARN.
func (u *User) ARN(account string) string {
	return "arn:aws:iam::" + account + ":user" + u.Path + u.Name
}

// AccessKey is a user's long-term key.
type AccessKey struct {
	ID      string
	Sealed  string // the secret, as the vault keeps it
	Active  bool
	Created time.Time
}

// Role is a role.
type Role struct {
	Holder
	Description string `json:",omitempty"`
	MaxSession  int    // seconds
	Trust       string // the policy that says who may assume the role, as it was sent
}

// ARN returns the role's ARN.
func (r *Role) ARN(account string) string {
	return "arn:aws:iam::" + account + ":role" + r.Path + r.Name
}

// Policy is a managed policy.
type Policy struct {
	Name, Path       string
	ID               string // ANPA…
	Description      string `json:",omitempty"`
	Created, Updated time.Time
	Tags             []Tag           `json:",omitempty"`
	Versions         []PolicyVersion // oldest first; never empty
	Default          string          // the id of the version that counts
	Next             int             // the number of the version to come
	AWS              bool            `json:"-"` // one of those that every account has
}

// PolicyVersion is one version of a managed policy.
type PolicyVersion struct {
	ID       string // "v1", …
	Document string // as it was sent
	Created  time.Time
}

// ARN returns the policy's ARN.
func (p *Policy) ARN(account string) string {
	if p.AWS {
		account = "aws"
	}
	return "arn:aws:iam::" + account + ":policy" + p.Path + p.Name
}

// Version returns the version with this id, or nil.
func (p *Policy) Version(id string) *PolicyVersion {
	for i := range p.Versions {
		if p.Versions[i].ID == id {
			return &p.Versions[i]
		}
	}
	return nil
}

// The first parts of the keys.
const (
	prefix       = "iam."
	userPrefix   = prefix + "user."
	rolePrefix   = prefix + "role."
	policyPrefix = prefix + "policy."
	vaultKey     = prefix + "vault"
)

// keyPart spells a name as a part of a store's key.
func keyPart(name string) string {
	var b strings.Builder
	for _, c := range []byte(strings.ToLower(name)) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_', c == '-':
			b.WriteByte(c)
		default:
			b.WriteByte('=')
			b.WriteString(hex.EncodeToString([]byte{c}))
		}
	}
	return b.String()
}

// The prefixes of unique ids. Source: IAM User Guide, "IAM identifiers".
const (
	userID      = "AIDA"
	roleID      = "AROA"
	policyID    = "ANPA"
	longTermKey = "AKIA"
	sessionKey  = "ASIA"
)

// newID returns a unique id: the prefix and 16 letters of A-Z and 2-7.
func newID(prefix string) string { return prefix + rand.Text()[:16] }

// newSecret returns 40 characters, as AWS makes secrets.
func newSecret() string {
	random := make([]byte, 30)
	_, _ = rand.Read(random) // never fails: it ends the process instead
	return base64.StdEncoding.EncodeToString(random)
}
