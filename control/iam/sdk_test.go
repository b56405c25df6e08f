package iam_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestUsers(t *testing.T) {
	g := newGateway(t)
	c := g.root
	u := must(c.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("Ann"), Path: aws.String("/team/"),
		Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}, {Key: aws.String("a"), Value: aws.String("")}}}))(t).User
	if *u.Arn != "arn:aws:iam::000000000000:user/team/Ann" || *u.Path != "/team/" || !regexp.MustCompile(`^AIDA[A-Z2-7]{16}$`).MatchString(*u.UserId) || len(u.Tags) != 2 || u.CreateDate == nil {
		t.Errorf("%+v", u)
	}
	_, err := c.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("ANN")})
	refused(t, err, 409, "EntityAlreadyExists", "User with name ANN already exists.")
	_, err = c.GetUser(ctx, &awsiam.GetUserInput{UserName: aws.String("bob")})
	refused(t, err, 404, "NoSuchEntity", "The user with name bob cannot be found.")
	if got := must(c.GetUser(ctx, &awsiam.GetUserInput{}))(t).User; *got.Arn != "arn:aws:iam::000000000000:root" {
		t.Errorf("the root is %s", *got.Arn)
	}

	must(c.UpdateUser(ctx, &awsiam.UpdateUserInput{UserName: aws.String("Ann"), NewUserName: aws.String("beth"), NewPath: aws.String("/")}))(t)
	if got := must(c.GetUser(ctx, &awsiam.GetUserInput{UserName: aws.String("beth")}))(t).User; *got.Arn != "arn:aws:iam::000000000000:user/beth" || *got.UserId != *u.UserId {
		t.Errorf("%+v", got)
	}
	_, err = c.UpdateUser(ctx, &awsiam.UpdateUserInput{UserName: aws.String("Ann"), NewUserName: aws.String("x")})
	refused(t, err, 404, "NoSuchEntity", "The user with name Ann cannot be found.")

	must(c.TagUser(ctx, &awsiam.TagUserInput{UserName: aws.String("beth"), Tags: []types.Tag{{Key: aws.String("A"), Value: aws.String("new")}}}))(t)
	must(c.UntagUser(ctx, &awsiam.UntagUserInput{UserName: aws.String("beth"), TagKeys: []string{"b"}}))(t)
	if tags := must(c.ListUserTags(ctx, &awsiam.ListUserTagsInput{UserName: aws.String("beth")}))(t).Tags; len(tags) != 1 || *tags[0].Key != "A" || *tags[0].Value != "new" {
		t.Errorf("%+v", tags)
	}
	if groups := must(c.ListGroupsForUser(ctx, &awsiam.ListGroupsForUserInput{UserName: aws.String("beth")}))(t); groups.IsTruncated || groups.Groups == nil {
		t.Errorf("%+v", groups)
	}

	k := must(c.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: aws.String("beth")}))(t).AccessKey
	_, err = c.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: aws.String("beth")})
	refused(t, err, 409, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
	must(c.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{UserName: aws.String("beth"), AccessKeyId: k.AccessKeyId}))(t)
	must(c.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: aws.String("beth"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}))(t)
	_, err = c.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: aws.String("beth")})
	refused(t, err, 409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	must(c.DetachUserPolicy(ctx, &awsiam.DetachUserPolicyInput{UserName: aws.String("beth"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}))(t)
	must(c.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: aws.String("beth"), PolicyName: aws.String("p"), PolicyDocument: aws.String(statement("Allow", "*", "*"))}))(t)
	_, err = c.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: aws.String("beth")})
	refused(t, err, 409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	must(c.DeleteUserPolicy(ctx, &awsiam.DeleteUserPolicyInput{UserName: aws.String("beth"), PolicyName: aws.String("p")}))(t)
	must(c.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: aws.String("beth")}))(t)
	_, err = c.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: aws.String("beth")})
	refused(t, err, 404, "NoSuchEntity", "The user with name beth cannot be found.")
}

func TestAccessKeys(t *testing.T) {
	g := newGateway(t)
	c := g.root
	must(c.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("ann")}))(t)
	k := must(c.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: aws.String("ann")}))(t).AccessKey
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(*k.AccessKeyId) || len(*k.SecretAccessKey) != 40 || k.Status != "Active" || *k.UserName != "ann" {
		t.Errorf("%+v", k)
	}
	last := must(c.GetAccessKeyLastUsed(ctx, &awsiam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId}))(t)
	if *last.AccessKeyLastUsed.Region != "N/A" || *last.AccessKeyLastUsed.ServiceName != "N/A" || last.AccessKeyLastUsed.LastUsedDate != nil || *last.UserName != "ann" {
		t.Errorf("%+v", last)
	}

	// Its own key may do what its policies say; about itself it need not give its name.
	ann := g.as(*k.AccessKeyId, *k.SecretAccessKey, "")
	_, err := ann.GetUser(ctx, &awsiam.GetUserInput{})
	refused(t, err, 403, "AccessDenied", "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: iam:GetUser on resource: "+
		"user ann because no identity-based policy allows the iam:GetUser action")
	must(c.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("self"),
		PolicyDocument: aws.String(statement("Allow", "iam:*", "arn:aws:iam::*:user/${aws:username}"))}))(t)
	if got := must(ann.GetUser(ctx, &awsiam.GetUserInput{}))(t).User; *got.UserName != "ann" {
		t.Errorf("%+v", got)
	}
	if keys := must(ann.ListAccessKeys(ctx, &awsiam.ListAccessKeysInput{}))(t).AccessKeyMetadata; len(keys) != 1 || *keys[0].AccessKeyId != *k.AccessKeyId {
		t.Errorf("%+v", keys)
	}
	_, err = ann.ListUsers(ctx, &awsiam.ListUsersInput{})
	refused(t, err, 403, "AccessDenied", "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: iam:ListUsers on resource: "+
		"arn:aws:iam::000000000000:user/ because no identity-based policy allows the iam:ListUsers action")
	last = must(c.GetAccessKeyLastUsed(ctx, &awsiam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId}))(t)
	if *last.AccessKeyLastUsed.ServiceName != "iam" || *last.AccessKeyLastUsed.Region != "us-east-1" || last.AccessKeyLastUsed.LastUsedDate == nil {
		t.Errorf("%+v", last.AccessKeyLastUsed)
	}

	g.key("ann")
	_, err = c.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: aws.String("ann")})
	refused(t, err, 409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	must(c.UpdateAccessKey(ctx, &awsiam.UpdateAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: k.AccessKeyId, Status: "Inactive"}))(t)
	_, err = ann.GetUser(ctx, &awsiam.GetUserInput{})
	refused(t, err, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	must(c.UpdateAccessKey(ctx, &awsiam.UpdateAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: k.AccessKeyId, Status: "Active"}))(t)
	must(ann.GetUser(ctx, &awsiam.GetUserInput{}))(t)
	must(c.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: k.AccessKeyId}))(t)
	_, err = ann.GetUser(ctx, &awsiam.GetUserInput{})
	refused(t, err, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	for name, err := range map[string]error{
		"update": second(c.UpdateAccessKey(ctx, &awsiam.UpdateAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE"), Status: "Active"})),
		"delete": second(c.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")})),
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, err, 404, "NoSuchEntity", "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.")
		})
	}
	_, err = c.GetAccessKeyLastUsed(ctx, &awsiam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")})
	refused(t, err, 403, "AccessDenied", "User: arn:aws:iam::000000000000:root is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE")
	_, err = c.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")})
	refused(t, err, 400, "ValidationError", "Must specify userName when calling with non-User credentials")
}

func second[T any](_ T, err error) error { return err }

func TestRoles(t *testing.T) {
	g := newGateway(t)
	c := g.root
	name := aws.String("runner")
	r := must(c.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(trust), Description: aws.String("runs"), MaxSessionDuration: aws.Int32(7200)}))(t).Role
	if *r.Arn != "arn:aws:iam::000000000000:role/runner" || !strings.HasPrefix(*r.RoleId, "AROA") || unescape(t, r.AssumeRolePolicyDocument) != trust || r.MaxSessionDuration != nil || r.Description != nil {
		t.Errorf("created %+v", r)
	}
	r = must(c.GetRole(ctx, &awsiam.GetRoleInput{RoleName: name}))(t).Role
	if *r.MaxSessionDuration != 7200 || *r.Description != "runs" || r.RoleLastUsed == nil {
		t.Errorf("got %+v", r)
	}
	_, err := c.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(trust)})
	refused(t, err, 409, "EntityAlreadyExists", "Role with name runner already exists.")
	for document, text := range map[string]string{
		`{`: "This policy contains invalid Json",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"s3:GetObject"}]}`:                  "AssumeRole policy may only specify STS AssumeRole actions.",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Resource":"*"}]}`: "Has prohibited field Resource",
	} {
		_, err := c.UpdateAssumeRolePolicy(ctx, &awsiam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: aws.String(document)})
		refused(t, err, 400, "MalformedPolicyDocument", text)
		_, err = c.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: aws.String("other"), AssumeRolePolicyDocument: aws.String(document)})
		refused(t, err, 400, "MalformedPolicyDocument", text)
	}
	must(c.UpdateRole(ctx, &awsiam.UpdateRoleInput{RoleName: name, Description: aws.String("still"), MaxSessionDuration: aws.Int32(3600)}))(t)
	if got := must(c.UpdateRoleDescription(ctx, &awsiam.UpdateRoleDescriptionInput{RoleName: name, Description: aws.String("new")}))(t).Role; *got.Description != "new" {
		t.Errorf("%+v", got)
	}
	other := strings.Replace(trust, "lambda", "apigateway", 1)
	must(c.UpdateAssumeRolePolicy(ctx, &awsiam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: aws.String(other)}))(t)
	must(c.TagRole(ctx, &awsiam.TagRoleInput{RoleName: name, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}))(t)
	r = must(c.GetRole(ctx, &awsiam.GetRoleInput{RoleName: name}))(t).Role
	if *r.Description != "new" || *r.MaxSessionDuration != 3600 || unescape(t, r.AssumeRolePolicyDocument) != other || len(r.Tags) != 1 {
		t.Errorf("%+v", r)
	}

	document := statement("Allow", "dynamodb:*", "arn:aws:dynamodb:*:*:table/a b+c%")
	must(c.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(document)}))(t)
	if got := must(c.GetRolePolicy(ctx, &awsiam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("p")}))(t); unescape(t, got.PolicyDocument) != document {
		t.Errorf("%+v", got)
	}
	_, err = c.GetRolePolicy(ctx, &awsiam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("q")})
	refused(t, err, 404, "NoSuchEntity", "The role policy with name q cannot be found.")
	arn := aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
	for range 2 {
		must(c.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: name, PolicyArn: arn}))(t)
	}
	if got := must(c.ListAttachedRolePolicies(ctx, &awsiam.ListAttachedRolePoliciesInput{RoleName: name}))(t).AttachedPolicies; len(got) != 1 || *got[0].PolicyName != "AWSLambdaBasicExecutionRole" || *got[0].PolicyArn != *arn {
		t.Errorf("%+v", got)
	}
	if got := must(c.ListRolePolicies(ctx, &awsiam.ListRolePoliciesInput{RoleName: name}))(t).PolicyNames; len(got) != 1 || got[0] != "p" {
		t.Errorf("%+v", got)
	}
	_, err = c.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String("longpolicynamebutnoarn")})
	refused(t, err, 400, "ValidationError", "ARN longpolicynamebutnoarn is not valid.")
	none := "arn:aws:iam::000000000000:policy/none"
	_, err = c.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: name, PolicyArn: &none})
	refused(t, err, 404, "NoSuchEntity", "Policy "+none+" does not exist or is not attachable.")
	_, err = c.DetachRolePolicy(ctx, &awsiam.DetachRolePolicyInput{RoleName: name, PolicyArn: &none})
	refused(t, err, 404, "NoSuchEntity", "Policy "+none+" was not found.")

	must(c.PutRolePermissionsBoundary(ctx, &awsiam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: arn}))(t)
	if b := must(c.GetRole(ctx, &awsiam.GetRoleInput{RoleName: name}))(t).Role.PermissionsBoundary; *b.PermissionsBoundaryArn != *arn || b.PermissionsBoundaryType != "Policy" {
		t.Errorf("%+v", b)
	}
	_, err = c.PutRolePermissionsBoundary(ctx, &awsiam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: &none})
	refused(t, err, 404, "NoSuchEntity", "Scope ARN: "+none+" does not exist or is not attachable.")
	must(c.DeleteRolePermissionsBoundary(ctx, &awsiam.DeleteRolePermissionsBoundaryInput{RoleName: name}))(t)

	_, err = c.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: name})
	refused(t, err, 409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	must(c.DetachRolePolicy(ctx, &awsiam.DetachRolePolicyInput{RoleName: name, PolicyArn: arn}))(t)
	must(c.DeleteRolePolicy(ctx, &awsiam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("p")}))(t)
	if got := must(c.ListInstanceProfilesForRole(ctx, &awsiam.ListInstanceProfilesForRoleInput{RoleName: name}))(t).InstanceProfiles; len(got) != 0 {
		t.Errorf("%+v", got)
	}
	must(c.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: name}))(t)
	_, err = c.GetRole(ctx, &awsiam.GetRoleInput{RoleName: name})
	refused(t, err, 404, "NoSuchEntity", "The role with name runner cannot be found.")
}

func TestPolicies(t *testing.T) {
	g := newGateway(t)
	c := g.root
	p := must(c.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: aws.String("p"), Path: aws.String("/x/"), Description: aws.String("d"),
		PolicyDocument: aws.String(statement("Allow", "s3:*", "*")), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("A"), Value: aws.String("2")}}}))(t).Policy
	arn := p.Arn
	if *arn != "arn:aws:iam::000000000000:policy/x/p" || *p.DefaultVersionId != "v1" || !p.IsAttachable || *p.AttachmentCount != 0 || p.Description != nil || len(p.Tags) != 2 {
		t.Errorf("%+v", p)
	}
	_, err := c.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: aws.String("P"), PolicyDocument: aws.String(statement("Allow", "s3:*", "*"))})
	refused(t, err, 409, "EntityAlreadyExists", "A policy called P already exists. Duplicate names are not allowed.")
	_, err = c.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: aws.String("q"), PolicyDocument: aws.String("{")})
	refused(t, err, 400, "MalformedPolicyDocument", "Syntax errors in policy.")

	for i := 2; i <= 5; i++ {
		v := must(c.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(statement("Allow", fmt.Sprintf("s3:a%d", i), "*")), SetAsDefault: i == 2}))(t).PolicyVersion
		if *v.VersionId != fmt.Sprintf("v%d", i) || v.IsDefaultVersion != (i == 2) {
			t.Errorf("%+v", v)
		}
	}
	_, err = c.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(statement("Allow", "s3:*", "*"))})
	refused(t, err, 409, "LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	_, err = c.DeletePolicyVersion(ctx, &awsiam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v2")})
	refused(t, err, 409, "DeleteConflict", "Cannot delete the default version of a policy.")
	must(c.SetDefaultPolicyVersion(ctx, &awsiam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v5")}))(t)
	_, err = c.DeletePolicy(ctx, &awsiam.DeletePolicyInput{PolicyArn: arn})
	refused(t, err, 409, "DeleteConflict", "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	for _, id := range []string{"v1", "v2", "v3", "v4"} {
		must(c.DeletePolicyVersion(ctx, &awsiam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: &id}))(t)
	}
	v := must(c.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(statement("Allow", "s3:*", "*"))}))(t).PolicyVersion
	if *v.VersionId != "v6" {
		t.Errorf("%+v", v)
	}
	versions := must(c.ListPolicyVersions(ctx, &awsiam.ListPolicyVersionsInput{PolicyArn: arn}))(t).Versions
	if len(versions) != 2 || *versions[0].VersionId != "v6" || *versions[1].VersionId != "v5" || !versions[1].IsDefaultVersion {
		t.Errorf("%+v", versions)
	}
	got := must(c.GetPolicyVersion(ctx, &awsiam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v5")}))(t).PolicyVersion
	if unescape(t, got.Document) != statement("Allow", "s3:a5", "*") {
		t.Errorf("%+v", got)
	}
	_, err = c.GetPolicyVersion(ctx, &awsiam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v9")})
	refused(t, err, 404, "NoSuchEntity", "Policy "+*arn+" version v9 does not exist or is not attachable.")

	must(c.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("ann"), PermissionsBoundary: arn}))(t)
	must(c.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trust)}))(t)
	must(c.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: arn}))(t)
	p = must(c.GetPolicy(ctx, &awsiam.GetPolicyInput{PolicyArn: arn}))(t).Policy
	if *p.AttachmentCount != 1 || *p.PermissionsBoundaryUsageCount != 1 || *p.Description != "d" {
		t.Errorf("%+v", p)
	}
	e := must(c.ListEntitiesForPolicy(ctx, &awsiam.ListEntitiesForPolicyInput{PolicyArn: arn}))(t)
	if len(e.PolicyRoles) != 1 || *e.PolicyRoles[0].RoleName != "r" || len(e.PolicyUsers) != 1 || len(e.PolicyGroups) != 0 {
		t.Errorf("%+v", e)
	}
	if local := must(c.ListPolicies(ctx, &awsiam.ListPoliciesInput{Scope: "Local", OnlyAttached: true}))(t).Policies; len(local) != 1 || *local[0].Arn != *arn {
		t.Errorf("%+v", local)
	}
	_, err = c.DeletePolicy(ctx, &awsiam.DeletePolicyInput{PolicyArn: arn})
	refused(t, err, 409, "DeleteConflict", "Cannot delete a policy attached to entities.")
	aws1 := "arn:aws:iam::aws:policy/AdministratorAccess"
	_, err = c.DeletePolicy(ctx, &awsiam.DeletePolicyInput{PolicyArn: &aws1})
	refused(t, err, 403, "AccessDenied", "User: arn:aws:iam::000000000000:root is not authorized to perform: iam:DeletePolicy on resource: policy "+aws1)
	must(c.UntagPolicy(ctx, &awsiam.UntagPolicyInput{PolicyArn: arn, TagKeys: []string{"a"}}))(t)
	if tags := must(c.ListPolicyTags(ctx, &awsiam.ListPolicyTagsInput{PolicyArn: arn}))(t).Tags; len(tags) != 1 || *tags[0].Key != "A" {
		t.Errorf("%+v", tags)
	}
}

func TestPaging(t *testing.T) {
	g := newGateway(t)
	want := ""
	for i := range 7 {
		name := fmt.Sprintf("user%d", i)
		must(g.root.CreateUser(ctx, &awsiam.CreateUserInput{UserName: &name, Path: aws.String("/p/")}))(t)
		want += name + " "
	}
	got, pages := "", 0
	for p := awsiam.NewListUsersPaginator(g.root, &awsiam.ListUsersInput{MaxItems: aws.Int32(3), PathPrefix: aws.String("/p")}); p.HasMorePages(); pages++ {
		for _, u := range must(p.NextPage(ctx))(t).Users {
			got += *u.UserName + " "
		}
	}
	if got != want || pages != 3 {
		t.Errorf("%d pages: %s", pages, got)
	}
	_, err := g.root.ListUsers(ctx, &awsiam.ListUsersInput{Marker: aws.String("nonsense")})
	refused(t, err, 400, "ValidationError", "Invalid Marker.")
}

func TestSimulate(t *testing.T) {
	g := newGateway(t)
	must(g.root.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("ann")}))(t)
	must(g.root.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"v"}}},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]}`)}))(t)
	out := must(g.root.SimulatePrincipalPolicy(ctx, &awsiam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String("arn:aws:iam::000000000000:user/ann"), ActionNames: []string{"s3:GetObject", "s3:DeleteObject", "sns:Publish"},
		ContextEntries: []types.ContextEntry{{ContextKeyName: aws.String("aws:SourceVpc"), ContextKeyType: "string", ContextKeyValues: []string{"v"}}},
	}))(t)
	got := ""
	for _, e := range out.EvaluationResults {
		got += string(e.EvalDecision) + " "
	}
	if got != "allowed explicitDeny implicitDeny " {
		t.Error(got)
	}
}

// TestRefusedResources: a refusal names its resource as IAM does, and to create something with tags takes two permissions.
func TestRefusedResources(t *testing.T) {
	g := newGateway(t)
	must(g.root.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("ann")}))(t)
	ann := g.key("ann")
	const account, aws1 = "arn:aws:iam::000000000000:", "arn:aws:iam::aws:policy/AdministratorAccess"
	tag := []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
	call := func(out any, err error) error { return err }
	tests := []struct {
		action, resource string
		err              error
	}{
		{"CreateRole", account + "role/r", call(ann.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trust)}))},
		{"GetRole", "role r", call(ann.GetRole(ctx, &awsiam.GetRoleInput{RoleName: aws.String("r")}))},
		{"TagRole", account + "role/r", call(ann.TagRole(ctx, &awsiam.TagRoleInput{RoleName: aws.String("r"), Tags: tag}))},
		{"AttachRolePolicy", "role r", call(ann.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: aws.String(aws1)}))},
		{"ListRoles", account + "role/", call(ann.ListRoles(ctx, &awsiam.ListRolesInput{}))},
		{"CreateUser", account + "user/x/bob", call(ann.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("bob"), Path: aws.String("/x/")}))},
		{"CreateAccessKey", "user bob", call(ann.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: aws.String("bob")}))},
		{"GetPolicy", "policy " + aws1, call(ann.GetPolicy(ctx, &awsiam.GetPolicyInput{PolicyArn: aws.String(aws1)}))},
		{"CreatePolicy", "policy p", call(ann.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: aws.String(statement("Allow", "*", "*"))}))},
		{"ListPolicies", "policy path /", call(ann.ListPolicies(ctx, &awsiam.ListPoliciesInput{}))},
	}
	for _, tt := range tests {
		t.Run(tt.action, func(t *testing.T) {
			refused(t, tt.err, 403, "AccessDenied", "User: "+account+"user/ann is not authorized to perform: iam:"+tt.action+" on resource: "+tt.resource+
				" because no identity-based policy allows the iam:"+tt.action+" action")
		})
	}
	must(g.root.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: aws.String(statement("Allow", "iam:CreateRole", "*"))}))(t)
	tagged := &awsiam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trust), Tags: tag}
	_, err := ann.CreateRole(ctx, tagged)
	refused(t, err, 403, "AccessDenied", "User: "+account+"user/ann is not authorized to perform: iam:TagRole on resource: "+account+"role/r"+
		" because no identity-based policy allows the iam:TagRole action")
	tagged.Tags = nil
	must(ann.CreateRole(ctx, tagged))(t)
}

// TestRenamingAsksForBoth: a new name or path is a way to another user's policies, so it must be allowed as well as the old one.
func TestRenamingAsksForBoth(t *testing.T) {
	g := newGateway(t)
	for _, name := range []string{"ann", "bob"} {
		must(g.root.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String(name)}))(t)
	}
	ann := g.key("ann")
	const users = "arn:aws:iam::000000000000:user/"
	give := func(document string) {
		must(g.root.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: &document}))(t)
	}
	give(statement("Allow", "iam:UpdateUser", users+"bob"))
	for _, tt := range []struct {
		in     awsiam.UpdateUserInput
		target string
	}{
		{awsiam.UpdateUserInput{NewPath: aws.String("/admin/")}, users + "admin/bob"},
		{awsiam.UpdateUserInput{NewUserName: aws.String("eve")}, users + "eve"},
		{awsiam.UpdateUserInput{NewUserName: aws.String("Bob")}, users + "Bob"},
	} {
		tt.in.UserName = aws.String("BOB")
		_, err := ann.UpdateUser(ctx, &tt.in)
		refused(t, err, 403, "AccessDenied", "User: "+users+"ann is not authorized to perform: iam:UpdateUser on resource: "+tt.target+
			" because no identity-based policy allows the iam:UpdateUser action")
	}
	must(ann.UpdateUser(ctx, &awsiam.UpdateUserInput{UserName: aws.String("bob"), NewPath: aws.String("/")}))(t)
	give(statement("Allow", "iam:UpdateUser", users+"*"))
	must(ann.UpdateUser(ctx, &awsiam.UpdateUserInput{UserName: aws.String("bob"), NewUserName: aws.String("eve"), NewPath: aws.String("/admin/")}))(t)
}

// TestAbsent: what tools look for before they delete a user is not there.
func TestAbsent(t *testing.T) {
	g := newGateway(t)
	ann := aws.String("ann")
	must(g.root.CreateUser(ctx, &awsiam.CreateUserInput{UserName: ann}))(t)
	for name, n := range map[string]int{
		"groups":       len(must(g.root.ListGroups(ctx, &awsiam.ListGroupsInput{}))(t).Groups),
		"aliases":      len(must(g.root.ListAccountAliases(ctx, &awsiam.ListAccountAliasesInput{}))(t).AccountAliases),
		"devices":      len(must(g.root.ListMFADevices(ctx, &awsiam.ListMFADevicesInput{UserName: ann}))(t).MFADevices),
		"virtual":      len(must(g.root.ListVirtualMFADevices(ctx, &awsiam.ListVirtualMFADevicesInput{}))(t).VirtualMFADevices),
		"ssh keys":     len(must(g.root.ListSSHPublicKeys(ctx, &awsiam.ListSSHPublicKeysInput{UserName: ann}))(t).SSHPublicKeys),
		"certificates": len(must(g.root.ListSigningCertificates(ctx, &awsiam.ListSigningCertificatesInput{UserName: ann}))(t).Certificates),
		"profiles":     len(must(g.root.ListInstanceProfiles(ctx, &awsiam.ListInstanceProfilesInput{}))(t).InstanceProfiles),
	} {
		if n != 0 {
			t.Errorf("%d %s", n, name)
		}
	}
	if _, got := g.post("Action=ListSSHPublicKeys&UserName=ann"); !strings.Contains(got, "<SSHPublicKeys></SSHPublicKeys>\n    <IsTruncated>false</IsTruncated>") {
		t.Error(got)
	}
	if u := must(g.root.GetUser(ctx, &awsiam.GetUserInput{}))(t).User; u.CreateDate.Year() < 2000 || u.UserName != nil {
		t.Errorf("root: %+v", u)
	}
	if keys := must(g.root.ListAccessKeys(ctx, &awsiam.ListAccessKeysInput{}))(t).AccessKeyMetadata; len(keys) != 1 || *keys[0].AccessKeyId != "AKIDROOT" {
		t.Errorf("root's keys: %+v", keys)
	}
}
