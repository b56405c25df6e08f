package policy

import "strings"

// principals is a Principal or NotPrincipal element.
type principals struct {
	not      bool
	everyone bool // "*" or "AWS": "*"
	accounts []string
	arns     []string
	services []string // "*" is any service
	others   []string // identity providers; "*" is any
}

// mean reports whether a statement with these principals is about p.
func (s *principals) mean(p *Principal) bool { return s.include(p) != s.not }

// include reports whether p is among the principals. A session is meant by its own ARN, its role's and its account's.
// Source: IAM User Guide, "AWS JSON policy elements: Principal".
func (s *principals) include(p *Principal) bool {
	if s.everyone {
		return true
	}
	for _, account := range s.accounts {
		if account == p.AccountID {
			return true
		}
	}
	for _, arn := range s.arns {
		if arn == p.ARN || arn == p.RoleARN || p.RoleARN == "" && isRoleOf(arn, p.ARN) {
			return true
		}
	}
	return contains(s.services, p.Service) || contains(s.others, p.Federated)
}

func contains(list []string, name string) bool {
	for _, s := range list {
		if name != "" && (s == name || s == "*") {
			return true
		}
	}
	return false
}

// isRoleOf reports whether role, "arn:{partition}:iam::{account}:role/{name}", was assumed for session,
// "arn:{partition}:sts::{account}:assumed-role/{name}/{session}".
func isRoleOf(role, session string) bool {
	head, name, ok := strings.Cut(session, ":assumed-role/")
	if !ok {
		return false
	}
	name, _, _ = strings.Cut(name, "/")
	before, after, ok := strings.Cut(head, ":sts::")
	return ok && role == before+":iam::"+after+":role/"+name
}

// add adds one name of a kind ("AWS", "Service", …) and reports whether it may stand there.
func (s *principals) add(kind, name string) bool {
	switch kind {
	case "AWS":
		return s.addAWS(name)
	case "Service":
		s.services = append(s.services, name)
		return name == "*" || strings.Contains(name, ".")
	case "Federated":
		s.others = append(s.others, name)
		return name != ""
	}
	return name != "" // CanonicalUser means users of S3, and nobody here
}

func (s *principals) addAWS(name string) bool {
	if name == "*" {
		s.everyone = true
		return true
	}
	if isAccount(name) {
		s.accounts = append(s.accounts, name)
		return true
	}
	parts := strings.SplitN(name, ":", 6)
	if len(parts) == 1 { // the id that is left of a user or role that was deleted: nobody
		return strings.HasPrefix(name, "AIDA") || strings.HasPrefix(name, "AROA")
	}
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" && parts[2] != "sts" || !isAccount(parts[4]) || strings.ContainsAny(name, "*?") {
		return false
	}
	if parts[5] == "root" {
		s.accounts = append(s.accounts, parts[4])
	} else {
		s.arns = append(s.arns, name)
	}
	return true
}

func isAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }
