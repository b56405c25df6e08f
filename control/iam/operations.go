package iam

import "strings"

// operation is one line of the API: what it takes, on what it must be allowed, and what does it.
type operation struct {
	name     string
	params   []param
	resource func(*Service, *call) (string, error)
	handle   func(*Service, *call) (any, error)
}

func operations() []operation {
	type P = []param
	newName := as("NewUserName", newUser)
	newName.required = false
	newPath := as("NewPath", path)
	status := param{name: "Status", required: true, enum: []string{"Active", "Inactive", "Expired"}}
	trust := as("AssumeRolePolicyDocument", document)
	usage := param{name: "PolicyUsageFilter", enum: []string{"PermissionsPolicy", "PermissionsBoundary"}}
	user := need(userName)

	return []operation{
		{"CreateUser", P{newUser, path, boundary, tags}, newUserARN, (*Service).createUser},
		{"GetUser", P{userName}, userARN, (*Service).getUser},
		{"ListUsers", P{pathPrefix, marker, maxItems}, allUsers, (*Service).listUsers},
		{"UpdateUser", P{user, newPath, newName}, userARN, (*Service).updateUser},
		{"DeleteUser", P{user}, userARN, (*Service).deleteUser},
		{"PutUserPermissionsBoundary", P{user, need(boundary)}, userARN, (*Service).putUserBoundary},
		{"DeleteUserPermissionsBoundary", P{user}, userARN, (*Service).deleteUserBoundary},
		{"TagUser", P{user, need(tags)}, userARN, (*Service).tagUser},
		{"UntagUser", P{user, tagKeys}, userARN, (*Service).untagUser},
		{"ListUserTags", P{user, marker, maxItems}, userARN, (*Service).listUserTags},
		{"ListGroupsForUser", P{user, marker, maxItems}, userARN, (*Service).listGroupsForUser},

		{"CreateAccessKey", P{userName}, userARN, (*Service).createAccessKey},
		{"ListAccessKeys", P{userName, marker, maxItems}, userARN, (*Service).listAccessKeys},
		{"UpdateAccessKey", P{userName, accessKeyID, status}, userARN, (*Service).updateAccessKey},
		{"DeleteAccessKey", P{userName, accessKeyID}, userARN, (*Service).deleteAccessKey},
		{"GetAccessKeyLastUsed", P{accessKeyID}, keyOwnerARN, (*Service).getAccessKeyLastUsed},

		{"PutUserPolicy", P{user, policyName, document}, userARN, (*Service).putUserPolicy},
		{"GetUserPolicy", P{user, policyName}, userARN, (*Service).getUserPolicy},
		{"ListUserPolicies", P{user, marker, maxItems}, userARN, (*Service).listUserPolicies},
		{"DeleteUserPolicy", P{user, policyName}, userARN, (*Service).deleteUserPolicy},
		{"AttachUserPolicy", P{user, policyARN}, userARN, (*Service).attachUserPolicy},
		{"DetachUserPolicy", P{user, policyARN}, userARN, (*Service).detachUserPolicy},
		{"ListAttachedUserPolicies", P{user, pathPrefix, marker, maxItems}, userARN, (*Service).listAttachedUserPolicies},

		{"CreateRole", P{roleName, trust, path, describe, maxSession, boundary, tags}, newRoleARN, (*Service).createRole},
		{"GetRole", P{roleName}, roleARN, (*Service).getRole},
		{"ListRoles", P{pathPrefix, marker, maxItems}, allRoles, (*Service).listRoles},
		{"UpdateRole", P{roleName, describe, maxSession}, roleARN, (*Service).updateRole},
		{"UpdateRoleDescription", P{roleName, need(describe)}, roleARN, (*Service).updateRoleDescription},
		{"UpdateAssumeRolePolicy", P{roleName, document}, roleARN, (*Service).updateAssumeRolePolicy},
		{"DeleteRole", P{roleName}, roleARN, (*Service).deleteRole},
		{"PutRolePermissionsBoundary", P{roleName, need(boundary)}, roleARN, (*Service).putRoleBoundary},
		{"DeleteRolePermissionsBoundary", P{roleName}, roleARN, (*Service).deleteRoleBoundary},
		{"TagRole", P{roleName, need(tags)}, roleARN, (*Service).tagRole},
		{"UntagRole", P{roleName, tagKeys}, roleARN, (*Service).untagRole},
		{"ListRoleTags", P{roleName, marker, maxItems}, roleARN, (*Service).listRoleTags},
		{"ListInstanceProfilesForRole", P{roleName, marker, maxItems}, roleARN, (*Service).listInstanceProfilesForRole},

		{"PutRolePolicy", P{roleName, policyName, document}, roleARN, (*Service).putRolePolicy},
		{"GetRolePolicy", P{roleName, policyName}, roleARN, (*Service).getRolePolicy},
		{"ListRolePolicies", P{roleName, marker, maxItems}, roleARN, (*Service).listRolePolicies},
		{"DeleteRolePolicy", P{roleName, policyName}, roleARN, (*Service).deleteRolePolicy},
		{"AttachRolePolicy", P{roleName, policyARN}, roleARN, (*Service).attachRolePolicy},
		{"DetachRolePolicy", P{roleName, policyARN}, roleARN, (*Service).detachRolePolicy},
		{"ListAttachedRolePolicies", P{roleName, pathPrefix, marker, maxItems}, roleARN, (*Service).listAttachedRolePolicies},

		{"CreatePolicy", P{policyName, path, document, describe, tags}, newPolicyARN, (*Service).createPolicy},
		{"GetPolicy", P{policyARN}, givenPolicy, (*Service).getPolicy},
		{"ListPolicies", P{{name: "Scope", enum: []string{"All", "AWS", "Local"}}, {name: "OnlyAttached", kind: boolean}, pathPrefix, usage, marker, maxItems},
			allPolicies, (*Service).listPolicies},
		{"DeletePolicy", P{policyARN}, givenPolicy, (*Service).deletePolicy},
		{"CreatePolicyVersion", P{policyARN, document, setDefault}, givenPolicy, (*Service).createPolicyVersion},
		{"GetPolicyVersion", P{policyARN, versionID}, givenPolicy, (*Service).getPolicyVersion},
		{"ListPolicyVersions", P{policyARN, marker, maxItems}, givenPolicy, (*Service).listPolicyVersions},
		{"DeletePolicyVersion", P{policyARN, versionID}, givenPolicy, (*Service).deletePolicyVersion},
		{"SetDefaultPolicyVersion", P{policyARN, versionID}, givenPolicy, (*Service).setDefaultPolicyVersion},
		{"ListEntitiesForPolicy", P{policyARN, {name: "EntityFilter", enum: []string{"User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"}}, pathPrefix,
			usage, marker, maxItems}, givenPolicy, (*Service).listEntitiesForPolicy},
		{"TagPolicy", P{policyARN, need(tags)}, givenPolicy, (*Service).tagPolicy},
		{"UntagPolicy", P{policyARN, tagKeys}, givenPolicy, (*Service).untagPolicy},
		{"ListPolicyTags", P{policyARN, marker, maxItems}, givenPolicy, (*Service).listPolicyTags},

		{"ListGroups", P{pathPrefix, marker, maxItems}, allGroups, noneOf("Groups")},
		{"ListInstanceProfiles", P{pathPrefix, marker, maxItems}, allProfiles, noneOf("InstanceProfiles")},
		{"ListAccountAliases", P{marker, maxItems}, anything, noneOf("AccountAliases")},
		{"ListMFADevices", P{userName, marker, maxItems}, userARN, noneOf("MFADevices")},
		{"ListVirtualMFADevices", P{marker, maxItems}, anything, noneOf("VirtualMFADevices")},
		{"ListSSHPublicKeys", P{userName, marker, maxItems}, userARN, noneOf("SSHPublicKeys")},
		{"ListSigningCertificates", P{userName, marker, maxItems}, userARN, noneOf("Certificates")},
		{"ListServiceSpecificCredentials", P{userName, marker, maxItems}, userARN, noneOf("ServiceSpecificCredentials")},
		{"GetLoginProfile", P{userName}, userARN, (*Service).noLoginProfile},
		{"DeleteLoginProfile", P{userName}, userARN, (*Service).noLoginProfile},

		{"SimulatePrincipalPolicy", P{need(as("PolicySourceArn", policyARN)), marker, maxItems}, simulated, (*Service).simulatePrincipalPolicy},
	}
}

// The resources on which operations must be allowed. Source: Service Authorization Reference, "AWS Identity and Access Management".
// What does not exist is asked about under the path "/".

func (s *Service) arn(resource string) string {
	return "arn:aws:iam::" + s.directory.Account() + ":" + resource
}

func pathOf(c *call) string {
	if p := c.get("Path"); p != "" {
		return p
	}
	return "/"
}

func newUserARN(s *Service, c *call) (string, error) {
	return s.arn("user" + pathOf(c) + c.get("UserName")), nil
}

func newRoleARN(s *Service, c *call) (string, error) {
	return s.arn("role" + pathOf(c) + c.get("RoleName")), nil
}

func newPolicyARN(s *Service, c *call) (string, error) {
	return s.arn("policy" + pathOf(c) + c.get("PolicyName")), nil
}

// userARN is the user that the call names, or who makes it.
func userARN(s *Service, c *call) (string, error) {
	if c.get("UserName") == "" && c.req.Principal.Root {
		return c.req.Principal.ARN, nil
	}
	name, err := userOf(c)
	if err != nil {
		return "", err
	}
	if u, ok := s.directory.User(name); ok {
		return u.ARN(s.directory.Account()), nil
	}
	return s.arn("user/" + name), nil
}

// userOf returns the name of the user that a call is about: its own, when it names none.
func userOf(c *call) (string, error) {
	if name := c.get("UserName"); name != "" {
		return name, nil
	}
	if name := c.req.Principal.UserName; name != "" {
		return name, nil
	}
	return "", invalid("Must specify userName when calling with non-User credentials")
}

func roleARN(s *Service, c *call) (string, error) {
	if r, ok := s.directory.Role(c.get("RoleName")); ok {
		return r.ARN(s.directory.Account()), nil
	}
	return s.arn("role/" + c.get("RoleName")), nil
}

func givenPolicy(_ *Service, c *call) (string, error) {
	arn := c.get("PolicyArn")
	if !policyLike(arn) {
		return "", invalid("ARN %s is not valid.", arn)
	}
	return arn, nil
}

// policyLike reports whether arn has the form of a managed policy's.
func policyLike(arn string) bool {
	parts := strings.SplitN(arn, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "iam" && strings.HasPrefix(parts[5], "policy/")
}

func simulated(_ *Service, c *call) (string, error) { return c.get("PolicySourceArn"), nil }

func keyOwnerARN(s *Service, c *call) (string, error) {
	if u, _, ok := s.directory.KeyOwner(c.get("AccessKeyId")); ok {
		return u.ARN(s.directory.Account()), nil
	}
	return s.arn("user/*"), nil
}

func allUsers(s *Service, c *call) (string, error) { return s.arn("user" + prefixOf(c)), nil }

func allRoles(s *Service, c *call) (string, error) { return s.arn("role" + prefixOf(c)), nil }

func allGroups(s *Service, c *call) (string, error) { return s.arn("group" + prefixOf(c)), nil }

func allProfiles(s *Service, c *call) (string, error) {
	return s.arn("instance-profile" + prefixOf(c)), nil
}

func allPolicies(s *Service, c *call) (string, error) { return s.arn("policy" + prefixOf(c)), nil }

func prefixOf(c *call) string {
	if p := c.get("PathPrefix"); p != "" {
		return p
	}
	return "/"
}

// notBuilt are the operations that AWS has and that are refused by name.
var notBuilt = func() map[string]bool {
	names := make(map[string]bool)
	for name := range strings.FieldsSeq(notBuiltNames) {
		names[name] = true
	}
	return names
}()

const notBuiltNames = `
	AcceptDelegationRequest AcquireRole AddClientIDToOpenIDConnectProvider AddRoleToInstanceProfile AddUserToGroup
	AssociateDelegationRequest AttachGroupPolicy ChangePassword CreateAccountAlias CreateDelegationRequest CreateGroup
	CreateInstanceProfile CreateLoginProfile CreateOpenIDConnectProvider CreateSAMLProvider CreateServiceLinkedRole
	CreateServiceSpecificCredential CreateVirtualMFADevice DeactivateMFADevice DeleteAccountAlias
	DeleteAccountPasswordPolicy DeleteGroup DeleteGroupPolicy DeleteInstanceProfile
	DeleteOpenIDConnectProvider DeleteSAMLProvider DeleteSSHPublicKey DeleteServerCertificate DeleteServiceLinkedRole
	DeleteServiceSpecificCredential DeleteSigningCertificate DeleteVirtualMFADevice DetachGroupPolicy
	DisableOrganizationsRootCredentialsManagement DisableOrganizationsRootSessions DisableOutboundWebIdentityFederation
	EnableMFADevice EnableOrganizationsRootCredentialsManagement EnableOrganizationsRootSessions
	EnableOutboundWebIdentityFederation GenerateCredentialReport GenerateOrganizationsAccessReport
	GenerateServiceLastAccessedDetails GetAccountAuthorizationDetails GetAccountPasswordPolicy GetAccountProperties
	GetAccountSummary GetContextKeysForCustomPolicy GetContextKeysForPrincipalPolicy GetCredentialReport
	GetDelegationRequest GetGroup GetGroupPolicy GetHumanReadableSummary GetInstanceProfile GetMFADevice
	GetOpenIDConnectProvider GetOrganizationsAccessReport GetOutboundWebIdentityFederationInfo GetRoleTemplateVersion
	GetSAMLProvider GetSSHPublicKey GetServerCertificate GetServiceLastAccessedDetails
	GetServiceLastAccessedDetailsWithEntities GetServiceLinkedRoleDeletionStatus
	ListAttachedGroupPolicies ListDelegationRequests ListGroupPolicies ListInstanceProfileTags
	ListMFADeviceTags ListOpenIDConnectProviderTags ListOpenIDConnectProviders
	ListOrganizationsFeatures ListPoliciesGrantingServiceAccess ListSAMLProviderTags ListSAMLProviders
	ListServerCertificateTags ListServerCertificates
	PutAccountProperties PutGroupPolicy RejectDelegationRequest
	RemoveClientIDFromOpenIDConnectProvider RemoveRoleFromInstanceProfile RemoveUserFromGroup
	ResetServiceSpecificCredential ResyncMFADevice SendDelegationToken SetSecurityTokenServicePreferences
	SimulateCustomPolicy TagInstanceProfile TagMFADevice TagOpenIDConnectProvider TagSAMLProvider TagServerCertificate
	UntagInstanceProfile UntagMFADevice UntagOpenIDConnectProvider UntagSAMLProvider UntagServerCertificate
	UpdateAccountPasswordPolicy UpdateDelegationRequest UpdateGroup UpdateLoginProfile
	UpdateOpenIDConnectProviderThumbprint UpdateSAMLProvider UpdateSSHPublicKey UpdateServerCertificate
	UpdateServiceSpecificCredential UpdateSigningCertificate UploadSSHPublicKey UploadServerCertificate
	UploadSigningCertificate`
