package lambda

import (
	"context"
	"slices"

	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/service/function"
)

// maxPolicy is the largest policy of a function, in bytes. Source: Lambda Developer Guide, "Lambda quotas".
const maxPolicy = 20480

const (
	statementPattern = `([a-zA-Z0-9-_]+)`
	removePattern    = `([a-zA-Z0-9-_.]+)`
	actionPattern    = `(lambda:[*]|lambda:[a-zA-Z]+|[*])`
	principalPattern = `[^\s]+`
	sourcePattern    = `arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)`
	accountPattern   = `\d{12}`
	orgPattern       = `o-[a-z0-9]{10,32}`
	tokenPattern     = `[a-zA-Z0-9._\-]+`
)

var (
	statementForm = whole(`[a-zA-Z0-9_-]+`)
	removeForm    = whole(`[a-zA-Z0-9_.-]+`)
	actionForm    = whole(actionPattern)
	principalForm = whole(principalPattern)
	sourceForm    = whole(`arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:([a-z]{2}(-[a-z]+)+-\d{1})?:(\d{12})?:(.*)`)
	orgForm       = whole(orgPattern)
	tokenForm     = whole(tokenPattern)
	servicePrin   = whole(`[a-z0-9.-]+\.amazonaws\.com(\.cn)?`)
	iamPrin       = whole(`arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:.+`)
)

type permissionInput struct {
	StatementId, Action, Principal *string
	SourceArn, SourceAccount       *string
	EventSourceToken               *string
	PrincipalOrgID                 *string
	FunctionUrlAuthType            *string
	InvokedViaFunctionUrl          *bool
	RevisionId                     *string
}

func (b *permissionInput) check(c *checker) {
	if c.need("statementId", b.StatementId) {
		c.length("statementId", *b.StatementId, 1, 100)
		c.pattern("statementId", *b.StatementId, statementForm, statementPattern)
	}
	if c.need("action", b.Action) {
		c.pattern("action", *b.Action, actionForm, actionPattern)
	}
	if c.need("principal", b.Principal) {
		c.pattern("principal", *b.Principal, principalForm, principalPattern)
	}
	if b.SourceArn != nil {
		c.pattern("sourceArn", *b.SourceArn, sourceForm, sourcePattern)
	}
	if b.SourceAccount != nil {
		c.length("sourceAccount", *b.SourceAccount, 0, 12)
		c.pattern("sourceAccount", *b.SourceAccount, accountForm, accountPattern)
	}
	if b.EventSourceToken != nil {
		c.length("eventSourceToken", *b.EventSourceToken, 0, 256)
		c.pattern("eventSourceToken", *b.EventSourceToken, tokenForm, tokenPattern)
	}
	if b.PrincipalOrgID != nil {
		c.length("principalOrgID", *b.PrincipalOrgID, 12, 34)
		c.pattern("principalOrgID", *b.PrincipalOrgID, orgForm, orgPattern)
	}
	if b.FunctionUrlAuthType != nil {
		c.oneOf("functionUrlAuthType", *b.FunctionUrlAuthType, "NONE", "AWS_IAM")
	}
}

func (b *permissionInput) statement() (function.Statement, error) {
	st := function.Statement{Sid: *b.StatementId, Action: *b.Action, ViaURL: b.InvokedViaFunctionUrl}
	set(&st.SourceARN, b.SourceArn)
	set(&st.SourceAccount, b.SourceAccount)
	set(&st.EventSourceToken, b.EventSourceToken)
	set(&st.PrincipalOrgID, b.PrincipalOrgID)
	set(&st.URLAuthType, b.FunctionUrlAuthType)
	switch p := *b.Principal; {
	case servicePrin.MatchString(p):
		st.Service = p
	case p == "*", iamPrin.MatchString(p):
		st.AWS = p
	case accountForm.MatchString(p):
		st.AWS = "arn:aws:iam::" + p + ":root"
	default:
		return st, invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	return st, nil
}

// revision returns where the revision of what a policy is about stands: it changes with the policy.
func (s *Service) revision(r *function.Record, qualifier string) (*string, error) {
	if qualifier == "" {
		return &r.Latest.RevisionID, nil
	}
	if a := r.Alias(qualifier); a != nil {
		return &a.RevisionID, nil
	}
	if v := r.Find(qualifier); v != nil {
		return &v.RevisionID, nil
	}
	if digits.MatchString(qualifier) {
		return nil, s.Functions.NotFound(r.Name, qualifier)
	}
	return nil, notFound("Cannot find alias arn: %s", s.Functions.ARN(r.Name, qualifier))
}

func (s *Service) addPermission(ctx context.Context, in *input) (any, error) {
	var body permissionInput
	if err := readBody(in.Body, &body); err != nil {
		return nil, err
	}
	c := &checker{}
	body.check(c)
	if err := c.err(); err != nil {
		return nil, err
	}
	if in.qualifier == function.Latest {
		return nil, invalid("We currently do not support adding policies for $LATEST.")
	}
	st, err := body.statement()
	if err != nil {
		return nil, err
	}
	resource := s.Functions.ARN(in.name, in.qualifier)
	_, err = s.Functions.Change(ctx, in.name, func(r *function.Record) error {
		revision, err := s.revision(r, in.qualifier)
		if err != nil {
			return err
		}
		if body.RevisionId != nil && *body.RevisionId != "" && *body.RevisionId != *revision {
			return stale()
		}
		statements := r.Policies[in.qualifier]
		if slices.ContainsFunc(statements, func(other function.Statement) bool { return other.Sid == st.Sid }) {
			return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", st.Sid)
		}
		statements = append(statements, st)
		if n := len(function.Policy(resource, statements)); n > maxPolicy {
			f := invalid("The final policy size (%d) is bigger than the limit (%d).", n, maxPolicy).(*fault)
			f.typ = "PolicyLengthExceededException"
			return f
		}
		if r.Policies == nil {
			r.Policies = make(map[string][]function.Statement)
		}
		r.Policies[in.qualifier] = statements
		*revision = requestid.New()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return struct{ Statement string }{string(st.JSON(resource))}, nil
}

func (s *Service) getPolicy(_ context.Context, in *input) (any, error) {
	r := s.Functions.Get(in.name)
	if r == nil {
		return nil, notFound("The resource you requested does not exist.")
	}
	qualifier := in.qualifier
	if qualifier == function.Latest {
		qualifier = ""
	}
	revision, err := s.revision(r, qualifier)
	if err != nil {
		return nil, err
	}
	statements := r.Policies[qualifier]
	if len(statements) == 0 {
		return nil, notFound("The resource you requested does not exist.")
	}
	return struct{ Policy, RevisionId string }{string(function.Policy(s.Functions.ARN(r.Name, qualifier), statements)), *revision}, nil
}

func (s *Service) removePermission(ctx context.Context, in *input) (any, error) {
	sid := in.vars["StatementId"]
	c := &checker{}
	c.length("statementId", sid, 1, 100)
	c.pattern("statementId", sid, removeForm, removePattern)
	if err := c.err(); err != nil {
		return nil, err
	}
	qualifier := in.qualifier
	if qualifier == function.Latest {
		qualifier = ""
	}
	_, err := s.Functions.Change(ctx, in.name, func(r *function.Record) error {
		revision, err := s.revision(r, qualifier)
		if err != nil {
			return err
		}
		statements := r.Policies[qualifier]
		if len(statements) == 0 {
			return notFound("No policy is associated with the given resource.")
		}
		at := slices.IndexFunc(statements, func(st function.Statement) bool { return st.Sid == sid })
		if at < 0 {
			return notFound("Statement %s is not found in resource policy.", sid)
		}
		if given := in.query.Get("RevisionId"); given != "" && given != *revision {
			return stale()
		}
		if statements = slices.Delete(statements, at, at+1); len(statements) == 0 {
			delete(r.Policies, qualifier)
		} else {
			r.Policies[qualifier] = statements
		}
		*revision = requestid.New()
		return nil
	})
	return nil, err
}
