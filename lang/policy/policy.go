// Package policy is the language of IAM policies: documents that say who may do what to which resource, and when. A document is
// compiled once by one of the Parse functions and evaluated many times, by many goroutines at once.
//
//	document  = { "Version"?: "2008-10-17" / "2012-10-17", "Id"?: string, "Statement": statement / [ statement, … ] }
//	statement = { "Sid"?, "Effect": "Allow" / "Deny", principals?, actions, resources?, "Condition"? }
//	principals = "Principal" / "NotPrincipal": "*" / { "AWS" / "Service" / "Federated" / "CanonicalUser": list }
//	actions   = "Action" / "NotAction": list             ; in any case, with the wildcards "*" and "?"
//	resources = "Resource" / "NotResource": list         ; ARNs with wildcards and variables
//	condition = { [set] operator ["IfExists"]: { key: list, … }, … }
//	set       = "ForAllValues:" / "ForAnyValue:"
//	list      = string / [ string, … ]                   ; in conditions, numbers and booleans too
//	variable  = "${" key [ ", '" default "'" ] "}" / "${*}" / "${?}" / "${$}"   ; Version 2012-10-17 only
//
// The package does no I/O. Which policies apply to a request, and how several layers of them combine (boundaries, sessions,
// resources), is for the caller; within one call of Evaluate any denial wins over any permission.
//
// Source: IAM User Guide, "IAM JSON policy reference"; the texts and the order of refusals are those that IAM was observed to give.
package policy

// MaxDocument is the longest document that any Parse function reads, in bytes: what the IAM API accepts in a parameter. The lower
// limits for each kind of policy, which do not count white space, are the caller's.
const MaxDocument = 131072

// Policy is a compiled document. It is immutable.
type Policy struct {
	statements []statement
}

// Len returns the number of statements.
func (p *Policy) Len() int { return len(p.statements) }

// statement is one compiled statement. A nil principals means that the statement is for whoever has the policy.
type statement struct {
	sid          string
	deny         bool
	principals   *principals
	actions      []pattern
	notActions   bool // actions are those that are not meant
	resources    []pattern
	notResources bool
	anyResource  bool // of a trust policy
	conditions   []condition
}

// Request is what somebody wants to do.
type Request struct {
	Action    string    // "execute-api:Invoke", in any case
	Resource  string    // an ARN, or "*" for an action that has no resource
	Principal Principal // read by resource-based policies only
	Keys      Keys      // nil has no keys
}

// Principal is who asks, as resource-based policies see it. The zero value is somebody anonymous, whom only "*" means.
type Principal struct {
	ARN       string // of the user, the session ("arn:aws:sts::…:assumed-role/{role}/{session}") or the root
	RoleARN   string // of a session's role; when it is empty it is made from ARN, as of a role without a path
	AccountID string // whose account is meant by "AWS": "{account}" or its root's ARN; empty is in no account
	Service   string // "apigateway.amazonaws.com", for a service that asks for itself
	Federated string // the identity provider: "cognito-identity.amazonaws.com" or an ARN
}

// Keys knows the values of condition keys for one request.
type Keys interface {
	// Key returns the values of a condition key, whose name comes in lower case ("aws:sourceip"), and whether the request has it.
	// Texts are as AWS documents them: dates in ISO 8601 or in seconds since 1970, booleans "true" and "false".
	Key(name string) (values []string, ok bool)
}

// Decision is what policies say to a request.
type Decision uint8

// The decisions. ImplicitDeny, that nothing applies, is the zero value.
const (
	ImplicitDeny Decision = iota
	Allow
	ExplicitDeny
)

func (d Decision) String() string {
	switch d {
	case Allow:
		return "Allow"
	case ExplicitDeny:
		return "ExplicitDeny"
	}
	return "ImplicitDeny"
}

// Ruling is a decision and the statement that made it, for the operator's log.
type Ruling struct {
	Decision  Decision
	Policy    int    // index among the policies given; -1 when no statement applied
	Statement int    // index within that policy; -1 when no statement applied
	Sid       string // of that statement, often empty
}

// Evaluate returns what policies, of which some may be nil, say to r: ExplicitDeny if any statement denies it, else Allow if any
// allows it, else ImplicitDeny.
func Evaluate(r *Request, policies ...*Policy) Decision { return Decide(r, policies...).Decision }

// Decide is Evaluate, and names the first statement that denies or, where none does, the first that allows.
func Decide(r *Request, policies ...*Policy) Ruling {
	ruling := Ruling{Policy: -1, Statement: -1}
	e := evaluation{request: r, keys: r.Keys}
	for i, p := range policies {
		if p == nil {
			continue
		}
		for j := range p.statements {
			s := &p.statements[j]
			if ruling.Decision == Allow && !s.deny || !e.applies(s) {
				continue
			}
			ruling = Ruling{Decision: Allow, Policy: i, Statement: j, Sid: s.sid}
			if s.deny {
				ruling.Decision = ExplicitDeny
				return ruling
			}
		}
	}
	return ruling
}
