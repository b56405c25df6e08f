package iam_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/iam"
	"github.com/sockgate/sockgate/service/identity"
	"github.com/sockgate/sockgate/state/store/memory"
)

// FuzzForm: whatever a form holds, the answer is no internal error.
func FuzzForm(f *testing.F) {
	st := memory.New()
	f.Cleanup(func() { st.Close() })
	d, err := identity.Open(ctx, identity.Config{Store: st, Account: "000000000000", Region: "us-east-1", RootID: "AKIDROOT", RootSecret: "root", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	front := awswire.New(awswire.Config{
		Verify: func(*http.Request, []byte, ...string) (*sockgate.Principal, error) {
			return &sockgate.Principal{Root: true}, nil
		},
		Screen:   func(*http.Request, ...string) error { return nil },
		Services: []awswire.Service{iam.New(d)}, Log: slog.New(slog.DiscardHandler),
	})
	for _, form := range []string{
		"Action=CreateUser&UserName=ann&Path=/a/&Tags.member.1.Key=k&Tags.member.1.Value=v",
		"Action=CreateAccessKey&UserName=ann", "Action=GetUser&UserName=ann", "Action=ListUsers&MaxItems=1&Marker=TGlzdA",
		"Action=UpdateUser&UserName=ann&NewUserName=beth&NewPath=/", "Action=DeleteUser&UserName=beth",
		"Action=CreateRole&RoleName=r&MaxSessionDuration=3600&AssumeRolePolicyDocument=" + url.QueryEscape(trust),
		"Action=PutRolePolicy&RoleName=r&PolicyName=p&PolicyDocument=" + url.QueryEscape(statement("Allow", "*", "*")),
		"Action=CreatePolicy&PolicyName=p&PolicyDocument=" + url.QueryEscape(statement("Allow", "s3:*", "*")),
		"Action=ListPolicyVersions&PolicyArn=arn:aws:iam::000000000000:policy/p", "Action=DeletePolicyVersion&VersionId=v1.&PolicyArn=arn:aws:iam::000000000000:policy/p",
		"Action=SimulatePrincipalPolicy&PolicySourceArn=arn:aws:iam::000000000000:role/r&ActionNames.member.1=s3:Get",
		"Action=UntagUser&UserName=ann&TagKeys.member.1=%ff", "Action=%zz", "=&;",
	} {
		f.Add(form)
	}
	f.Fuzz(func(t *testing.T, form string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(form))
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00")
		w := httptest.NewRecorder()
		front.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%q: %s", form, w.Body)
		}
	})
}
