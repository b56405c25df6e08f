package iam_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestAnswers compares whole answers.
func TestAnswers(t *testing.T) {
	g := newGateway(t)
	tests := []struct{ form, want string }{
		{"Action=CreateUser&Version=2010-05-08&UserName=ann&Tags.member.1.Key=a&Tags.member.1.Value=1", `<CreateUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <CreateUserResult>
    <User>
      <Path>/</Path>
      <UserName>ann</UserName>
      <UserId>AIDA…</UserId>
      <Arn>arn:aws:iam::000000000000:user/ann</Arn>
      <CreateDate>DATE</CreateDate>
      <Tags>
        <member>
          <Key>a</Key>
          <Value>1</Value>
        </member>
      </Tags>
    </User>
  </CreateUserResult>
  <ResponseMetadata>
    <RequestId>UUID</RequestId>
  </ResponseMetadata>
</CreateUserResponse>
`},
		{"Action=ListUsers&Version=2010-05-08", `<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <ListUsersResult>
    <Users>
      <member>
        <Path>/</Path>
        <UserName>ann</UserName>
        <UserId>AIDA…</UserId>
        <Arn>arn:aws:iam::000000000000:user/ann</Arn>
        <CreateDate>DATE</CreateDate>
      </member>
    </Users>
    <IsTruncated>false</IsTruncated>
  </ListUsersResult>
  <ResponseMetadata>
    <RequestId>UUID</RequestId>
  </ResponseMetadata>
</ListUsersResponse>
`},
		{"Action=DeleteUser&Version=2010-05-08&UserName=ann", `<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <ResponseMetadata>
    <RequestId>UUID</RequestId>
  </ResponseMetadata>
</DeleteUserResponse>
`},
		{"Action=GetUser&Version=2010-05-08&UserName=a%3C%26b", `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <Error>
    <Type>Sender</Type>
    <Code>ValidationError</Code>
    <Message>The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-</Message>
  </Error>
  <RequestId>UUID</RequestId>
</ErrorResponse>
`},
		{"Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=" + url.QueryEscape(trust), `<CreateRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <CreateRoleResult>
    <Role>
      <Path>/</Path>
      <RoleName>r</RoleName>
      <RoleId>AROA…</RoleId>
      <Arn>arn:aws:iam::000000000000:role/r</Arn>
      <CreateDate>DATE</CreateDate>
      <AssumeRolePolicyDocument>` + strings.ReplaceAll(url.QueryEscape(trust), "+", "%20") + `</AssumeRolePolicyDocument>
    </Role>
  </CreateRoleResult>
  <ResponseMetadata>
    <RequestId>UUID</RequestId>
  </ResponseMetadata>
</CreateRoleResponse>
`},
		{"Action=GetPolicy&Version=2010-05-08&PolicyArn=arn:aws:iam::aws:policy/service-role/AWSLambdaRole", `<GetPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <GetPolicyResult>
    <Policy>
      <PolicyName>AWSLambdaRole</PolicyName>
      <PolicyId>ANPA…</PolicyId>
      <Arn>arn:aws:iam::aws:policy/service-role/AWSLambdaRole</Arn>
      <Path>/service-role/</Path>
      <DefaultVersionId>v1</DefaultVersionId>
      <AttachmentCount>0</AttachmentCount>
      <PermissionsBoundaryUsageCount>0</PermissionsBoundaryUsageCount>
      <IsAttachable>true</IsAttachable>
      <Description>Default policy for AWS Lambda service role.</Description>
      <CreateDate>DATE</CreateDate>
      <UpdateDate>DATE</UpdateDate>
      <Tags></Tags>
    </Policy>
  </GetPolicyResult>
  <ResponseMetadata>
    <RequestId>UUID</RequestId>
  </ResponseMetadata>
</GetPolicyResponse>
`},
	}
	for _, tt := range tests {
		action, _, _ := strings.Cut(tt.form, "&")
		t.Run(action, func(t *testing.T) {
			if _, got := g.post(tt.form); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestRefusals: every fault has AWS's status, code and text.
func TestRefusals(t *testing.T) {
	g := newGateway(t)
	g.post("Action=CreateUser&UserName=ann")
	g.post("Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=" + url.QueryEscape(trust))
	tags := func(n int) (s string) {
		for i := 1; i <= n; i++ {
			s += fmt.Sprintf("&Tags.member.%d.Key=k%d&Tags.member.%d.Value=v", i, i, i)
		}
		return s
	}
	const pattern = `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`
	long := strings.Repeat("x", 129)
	tests := []struct {
		name, form string
		status     int
		code, text string
	}{
		{"no action", "", 400, "InvalidAction", "Could not find operation  for version 2010-05-08"},
		{"unknown action", "Action=MakeCoffee&Version=2010-05-08", 400, "InvalidAction", "Could not find operation MakeCoffee for version 2010-05-08"},
		{"another version", "Action=GetUser&Version=2009-01-01", 400, "InvalidAction", "Could not find operation GetUser for version 2009-01-01"},
		{"not built", "Action=CreateGroup&GroupName=g", 501, "NotImplemented", "iam CreateGroup is not built"},
		{"missing", "Action=CreateUser", 400, "ValidationError", "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must not be null"},
		{"two missing", "Action=PutUserPolicy&UserName=ann", 400, "ValidationError", "2 validation errors detected: Value at 'policyName' failed to satisfy constraint: " +
			"Member must not be null; Value at 'policyDocument' failed to satisfy constraint: Member must not be null"},
		{"empty", "Action=CreateUser&UserName=", 400, "ValidationError", "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"too long", "Action=CreateUser&UserName=" + long, 400, "ValidationError", "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"path", "Action=CreateUser&UserName=x&Path=x", 400, "ValidationError", "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."},
		{"role name", "Action=GetRole&RoleName=a+b", 400, "ValidationError", "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
		{"new name", "Action=UpdateUser&UserName=ann&NewUserName=a!", 400, "ValidationError", "The specified value for newUserName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
		{"duration", "Action=UpdateRole&RoleName=r&MaxSessionDuration=60", 400, "ValidationError", "1 validation error detected: Value at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600"},
		{"items", "Action=ListUsers&MaxItems=0", 400, "ValidationError", "1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"scope", "Action=ListPolicies&Scope=Mine", 400, "ValidationError", "1 validation error detected: Value at 'scope' failed to satisfy constraint: Member must satisfy enum value set: [All, AWS, Local]"},
		{"version id", "Action=GetPolicyVersion&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess&VersionId=1", 400, "ValidationError",
			`1 validation error detected: Value at 'versionId' failed to satisfy constraint: Member must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`},
		{"short arn", "Action=GetPolicy&PolicyArn=p", 400, "ValidationError", "1 validation error detected: Value at 'policyArn' failed to satisfy constraint: Member must have length greater than or equal to 20"},
		{"no arn", "Action=GetPolicy&PolicyArn=longpolicynamebutnoarn", 400, "ValidationError", "ARN longpolicynamebutnoarn is not valid."},
		{"boundary", "Action=CreateUser&UserName=x&PermissionsBoundary=arn:aws:iam::000000000000:not_a_policy/invalid", 400, "InvalidInput", "ARN arn:aws:iam::000000000000:not_a_policy/invalid is not valid."},
		{"too many tags", "Action=TagUser&UserName=ann" + tags(51), 400, "ValidationError", "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
		{"tag key", "Action=TagUser&UserName=ann&Tags.member.1.Key=" + long + "&Tags.member.1.Value=", 400, "ValidationError",
			"1 validation error detected: Value at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"tag value", "Action=TagUser&UserName=ann&Tags.member.1.Key=k&Tags.member.1.Value=" + long + long, 400, "ValidationError",
			"1 validation error detected: Value at 'tags.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 256"},
		{"tag characters", "Action=TagRole&RoleName=r&Tags.member.1.Key=a%21&Tags.member.1.Value=", 400, "ValidationError",
			"1 validation error detected: Value at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: " + pattern},
		{"tags twice", "Action=TagRole&RoleName=r&Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=A&Tags.member.2.Value=", 400, "InvalidInput",
			"Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"tags twice on a policy", "Action=CreatePolicy&PolicyName=p&PolicyDocument=x&Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=a&Tags.member.2.Value=", 400, "InvalidInput",
			"Duplicate tag keys found."},
		{"untag", "Action=UntagRole&RoleName=r&TagKeys.member.1=a%21", 400, "ValidationError", "1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: " +
			"[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: " + pattern + ", Member must not be null]"},
		{"inline policy too large", "Action=PutUserPolicy&UserName=ann&PolicyName=p&PolicyDocument=" + url.QueryEscape(statement("Allow", "s3:*", "arn:aws:s3:::"+strings.Repeat("x", 2048))),
			409, "LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user ann"},
		{"managed policy too large", "Action=CreatePolicy&PolicyName=p&PolicyDocument=" + url.QueryEscape(statement("Allow", "s3:*", "arn:aws:s3:::"+strings.Repeat("x", 6144))),
			409, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144"},
		{"no password", "Action=DeleteLoginProfile&UserName=ann", 404, "NoSuchEntity", "Login Profile for User ann cannot be found."},
		{"devices of nobody", "Action=ListMFADevices&UserName=none", 404, "NoSuchEntity", "The user with name none cannot be found."},
		{"caller without a name", "Action=CreateAccessKey", 400, "ValidationError", "Must specify userName when calling with non-User credentials"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, got := g.post(tt.form)
			want := "<Type>Sender</Type>\n    <Code>" + tt.code + "</Code>\n    <Message>" + strings.NewReplacer("'", "&#39;", "&", "&amp;").Replace(tt.text) + "</Message>"
			if status != tt.status || !strings.Contains(got, want) {
				t.Errorf("got %d %s\nwant %d %s", status, got, tt.status, want)
			}
		})
	}
}
