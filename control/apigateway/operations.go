package apigateway

import "context"

// operation is one line of the API: where it is called and what it answers.
type operation struct {
	name, method, path string
	status             int                                                  // of a success
	handle             func(*Service, context.Context, *input) (any, error) // nil: known by name, not built
}

// operations returns the API. Source: reference control-plane section 3.2.
func operations() []operation {
	const (
		keys     = "/apikeys"
		key      = keys + "/{apiKey}"
		plans    = "/usageplans"
		plan     = plans + "/{usageplanId}"
		planKeys = plan + "/keys"
		planKey  = planKeys + "/{keyId}"
		links    = "/vpclinks"
		link     = links + "/{vpclinkId}"
		tags     = "/tags/{resourceArn}"
	)
	built := []operation{
		{"ImportApiKeys", "POST", keys + "?mode=import", 201, (*Service).importAPIKeys},
		{"CreateApiKey", "POST", keys, 201, (*Service).createAPIKey},
		{"GetApiKeys", "GET", keys, 200, (*Service).getAPIKeys},
		{"GetApiKey", "GET", key, 200, (*Service).getAPIKey},
		{"UpdateApiKey", "PATCH", key, 200, (*Service).updateAPIKey},
		{"DeleteApiKey", "DELETE", key, 202, (*Service).deleteAPIKey},

		{"CreateUsagePlan", "POST", plans, 201, (*Service).createUsagePlan},
		{"GetUsagePlans", "GET", plans, 200, (*Service).getUsagePlans},
		{"GetUsagePlan", "GET", plan, 200, (*Service).getUsagePlan},
		{"UpdateUsagePlan", "PATCH", plan, 200, (*Service).updateUsagePlan},
		{"DeleteUsagePlan", "DELETE", plan, 202, (*Service).deleteUsagePlan},

		{"CreateUsagePlanKey", "POST", planKeys, 201, (*Service).createUsagePlanKey},
		{"GetUsagePlanKeys", "GET", planKeys, 200, (*Service).getUsagePlanKeys},
		{"GetUsagePlanKey", "GET", planKey, 200, (*Service).getUsagePlanKey},
		{"DeleteUsagePlanKey", "DELETE", planKey, 202, (*Service).deleteUsagePlanKey},

		{"GetUsage", "GET", plan + "/usage", 200, (*Service).getUsage},
		{"UpdateUsage", "PATCH", planKey + "/usage", 200, (*Service).updateUsage},

		{"CreateVpcLink", "POST", links, 202, (*Service).createVPCLink},
		{"GetVpcLinks", "GET", links, 200, (*Service).getVPCLinks},
		{"GetVpcLink", "GET", link, 200, (*Service).getVPCLink},
		{"UpdateVpcLink", "PATCH", link, 200, (*Service).updateVPCLink},
		{"DeleteVpcLink", "DELETE", link, 202, (*Service).deleteVPCLink},

		{"GetAccount", "GET", "/account", 200, (*Service).getAccount},
		{"UpdateAccount", "PATCH", "/account", 200, (*Service).updateAccount},

		{"GetTags", "GET", tags, 200, (*Service).getTags},
		{"TagResource", "PUT", tags, 204, (*Service).tagResource},
		{"UntagResource", "DELETE", tags, 204, (*Service).untagResource},
	}
	for _, a := range notBuilt {
		built = append(built, operation{name: a.name, method: a.method, path: a.path})
	}
	return built
}

// notBuilt are operations that AWS has and that are refused by name. Of REST APIs only the collection is named: this is not a REST
// API gateway.
var notBuilt = []struct{ name, method, path string }{
	{"GenerateClientCertificate", "POST", "/clientcertificates"},
	{"GetClientCertificates", "GET", "/clientcertificates"},
	{"GetClientCertificate", "GET", "/clientcertificates/{clientcertificateId}"},
	{"UpdateClientCertificate", "PATCH", "/clientcertificates/{clientcertificateId}"},
	{"DeleteClientCertificate", "DELETE", "/clientcertificates/{clientcertificateId}"},
	{"CreateRestApi", "POST", "/restapis"},
	{"GetRestApis", "GET", "/restapis"},
	{"GetRestApi", "GET", "/restapis/{restapiId}"},
	{"PutRestApi", "PUT", "/restapis/{restapiId}"},
	{"UpdateRestApi", "PATCH", "/restapis/{restapiId}"},
	{"DeleteRestApi", "DELETE", "/restapis/{restapiId}"},
	{"CreateDomainName", "POST", "/domainnames"},
	{"GetDomainNames", "GET", "/domainnames"},
	{"GetDomainName", "GET", "/domainnames/{domainName}"},
	{"UpdateDomainName", "PATCH", "/domainnames/{domainName}"},
	{"DeleteDomainName", "DELETE", "/domainnames/{domainName}"},
	{"CreateBasePathMapping", "POST", "/domainnames/{domainName}/basepathmappings"},
	{"GetBasePathMappings", "GET", "/domainnames/{domainName}/basepathmappings"},
}
