package elbv2

// operation is one line of the API.
type operation struct {
	changes bool
	handle  func(*Service, *call) (any, error)
}

var operations = map[string]*operation{
	"CreateLoadBalancer":             {true, (*Service).createLoadBalancer},
	"DescribeLoadBalancers":          {false, (*Service).describeLoadBalancers},
	"DeleteLoadBalancer":             {true, (*Service).deleteLoadBalancer},
	"ModifyLoadBalancerAttributes":   {true, (*Service).modifyLoadBalancerAttributes},
	"DescribeLoadBalancerAttributes": {false, (*Service).describeLoadBalancerAttributes},

	"CreateListener":             {true, (*Service).createListener},
	"DescribeListeners":          {false, (*Service).describeListeners},
	"ModifyListener":             {true, (*Service).modifyListener},
	"DeleteListener":             {true, (*Service).deleteListener},
	"ModifyListenerAttributes":   {true, (*Service).modifyListenerAttributes},
	"DescribeListenerAttributes": {false, (*Service).describeListenerAttributes},

	"CreateTargetGroup":             {true, (*Service).createTargetGroup},
	"DescribeTargetGroups":          {false, (*Service).describeTargetGroups},
	"ModifyTargetGroup":             {true, (*Service).modifyTargetGroup},
	"DeleteTargetGroup":             {true, (*Service).deleteTargetGroup},
	"ModifyTargetGroupAttributes":   {true, (*Service).modifyTargetGroupAttributes},
	"DescribeTargetGroupAttributes": {false, (*Service).describeTargetGroupAttributes},

	"RegisterTargets":      {true, (*Service).registerTargets},
	"DeregisterTargets":    {true, (*Service).deregisterTargets},
	"DescribeTargetHealth": {false, (*Service).describeTargetHealth},

	"AddTags":      {true, (*Service).addTags},
	"RemoveTags":   {true, (*Service).removeTags},
	"DescribeTags": {false, (*Service).describeTags},
}

// notBuilt are operations that AWS has and that are refused by name.
var notBuilt = []string{
	"AddListenerCertificates", "AddTrustStoreRevocations", "CreateRule", "CreateTrustStore", "DeleteRule", "DeleteSharedTrustStoreAssociation",
	"DeleteTrustStore", "DescribeAccountLimits", "DescribeCapacityReservation", "DescribeListenerCertificates", "DescribeRules",
	"DescribeSSLPolicies", "DescribeTrustStoreAssociations", "DescribeTrustStoreRevocations", "DescribeTrustStores", "GetResourcePolicy",
	"GetTrustStoreCaCertificatesBundle", "GetTrustStoreRevocationContent", "ModifyCapacityReservation", "ModifyIpPools", "ModifyRule",
	"ModifyTrustStore", "RemoveListenerCertificates", "RemoveTrustStoreRevocations", "SetIpAddressType", "SetRulePriorities",
	"SetSecurityGroups", "SetSubnets",
}
