package apigatewayv2

import (
	"context"
)

// operation is one line of the API: where it is called, what it takes, what it answers.
type operation struct {
	name, method, path string
	status             int // of a success
	query, body        []member
	handle             func(*Service, context.Context, *input) (any, error) // nil: known by name, not built
}

// operations returns the API. Source: reference control-plane section 2.3, and the SDK's model for those that are not built.
func operations() []operation {
	const (
		api   = "/v2/apis/{apiId}"
		route = api + "/routes/{routeId}"
		rresp = route + "/routeresponses"
		integ = api + "/integrations/{integrationId}"
		iresp = integ + "/integrationresponses"
		auth  = api + "/authorizers"
		model = api + "/models"
		depl  = api + "/deployments"
		stage = api + "/stages/{stageName}"
		tags  = "/v2/tags/{resourceArn}"
		names = "/v2/domainnames"
		name  = names + "/{domainName}"
		maps  = name + "/apimappings"
	)
	built := []operation{
		{"CreateApi", "POST", "/v2/apis", 201, nil, apiMembers, (*Service).createAPI},
		{"GetApis", "GET", "/v2/apis", 200, paging, nil, (*Service).getAPIs},
		{"GetApi", "GET", api, 200, nil, nil, (*Service).getAPI},
		{"UpdateApi", "PATCH", api, 200, nil, editable(without(apiMembers, "protocolType", "tags")), (*Service).updateAPI},
		{"DeleteApi", "DELETE", api, 204, nil, nil, (*Service).deleteAPI},
		{"ImportApi", "PUT", "/v2/apis", 201, nil, nil, (*Service).importAPI},
		{"ReimportApi", "PUT", api, 201, nil, nil, (*Service).reimportAPI},
		{"ExportApi", "GET", api + "/exports/{specification}", 200, nil, nil, (*Service).exportAPI},
		{"DeleteCorsConfiguration", "DELETE", api + "/cors", 204, nil, nil, (*Service).deleteCORS},

		{"CreateRoute", "POST", api + "/routes", 201, nil, routeMembers, (*Service).createRoute},
		{"GetRoutes", "GET", api + "/routes", 200, paging, nil, (*Service).getRoutes},
		{"GetRoute", "GET", route, 200, nil, nil, (*Service).getRoute},
		{"UpdateRoute", "PATCH", route, 200, nil, editable(routeMembers, "requestModels"), (*Service).updateRoute},
		{"DeleteRoute", "DELETE", route, 204, nil, nil, (*Service).deleteRoute},
		{"DeleteRouteRequestParameter", "DELETE", route + "/requestparameters/{requestParameterKey}", 204, nil, nil, (*Service).deleteRouteRequestParameter},

		{"CreateRouteResponse", "POST", rresp, 201, nil, routeResponseMembers, (*Service).createRouteResponse},
		{"GetRouteResponses", "GET", rresp, 200, paging, nil, (*Service).getRouteResponses},
		{"GetRouteResponse", "GET", rresp + "/{routeResponseId}", 200, nil, nil, (*Service).getRouteResponse},
		{"UpdateRouteResponse", "PATCH", rresp + "/{routeResponseId}", 200, nil, editable(routeResponseMembers, "responseModels"), (*Service).updateRouteResponse},
		{"DeleteRouteResponse", "DELETE", rresp + "/{routeResponseId}", 204, nil, nil, (*Service).deleteRouteResponse},

		{"CreateIntegration", "POST", api + "/integrations", 201, nil, integrationMembers, (*Service).createIntegration},
		{"GetIntegrations", "GET", api + "/integrations", 200, paging, nil, (*Service).getIntegrations},
		{"GetIntegration", "GET", integ, 200, nil, nil, (*Service).getIntegration},
		{"UpdateIntegration", "PATCH", integ, 200, nil, editable(integrationMembers, "requestParameters"), (*Service).updateIntegration},
		{"DeleteIntegration", "DELETE", integ, 204, nil, nil, (*Service).deleteIntegration},

		{"CreateIntegrationResponse", "POST", iresp, 201, nil, integrationResponseMembers, (*Service).createIntegrationResponse},
		{"GetIntegrationResponses", "GET", iresp, 200, paging, nil, (*Service).getIntegrationResponses},
		{"GetIntegrationResponse", "GET", iresp + "/{integrationResponseId}", 200, nil, nil, (*Service).getIntegrationResponse},
		{"UpdateIntegrationResponse", "PATCH", iresp + "/{integrationResponseId}", 200, nil, editable(integrationResponseMembers, "responseParameters"), (*Service).updateIntegrationResponse},
		{"DeleteIntegrationResponse", "DELETE", iresp + "/{integrationResponseId}", 204, nil, nil, (*Service).deleteIntegrationResponse},

		{"CreateAuthorizer", "POST", auth, 201, nil, authorizerMembers, (*Service).createAuthorizer},
		{"GetAuthorizers", "GET", auth, 200, paging, nil, (*Service).getAuthorizers},
		{"GetAuthorizer", "GET", auth + "/{authorizerId}", 200, nil, nil, (*Service).getAuthorizer},
		{"UpdateAuthorizer", "PATCH", auth + "/{authorizerId}", 200, nil, editable(authorizerMembers), (*Service).updateAuthorizer},
		{"DeleteAuthorizer", "DELETE", auth + "/{authorizerId}", 204, nil, nil, (*Service).deleteAuthorizer},

		{"CreateModel", "POST", model, 201, nil, modelMembers, (*Service).createModel},
		{"GetModels", "GET", model, 200, paging, nil, (*Service).getModels},
		{"GetModel", "GET", model + "/{modelId}", 200, nil, nil, (*Service).getModel},
		{"GetModelTemplate", "GET", model + "/{modelId}/template", 200, nil, nil, (*Service).getModelTemplate},
		{"UpdateModel", "PATCH", model + "/{modelId}", 200, nil, editable(modelMembers), (*Service).updateModel},
		{"DeleteModel", "DELETE", model + "/{modelId}", 204, nil, nil, (*Service).deleteModel},

		{"CreateDeployment", "POST", depl, 201, nil, deploymentMembers, (*Service).createDeployment},
		{"GetDeployments", "GET", depl, 200, paging, nil, (*Service).getDeployments},
		{"GetDeployment", "GET", depl + "/{deploymentId}", 200, nil, nil, (*Service).getDeployment},
		{"UpdateDeployment", "PATCH", depl + "/{deploymentId}", 200, nil, without(deploymentMembers, "stageName"), (*Service).updateDeployment},
		{"DeleteDeployment", "DELETE", depl + "/{deploymentId}", 204, nil, nil, (*Service).deleteDeployment},

		{"CreateStage", "POST", api + "/stages", 201, nil, stageMembers, (*Service).createStage},
		{"GetStages", "GET", api + "/stages", 200, paging, nil, (*Service).getStages},
		{"GetStage", "GET", stage, 200, nil, nil, (*Service).getStage},
		{"UpdateStage", "PATCH", stage, 200, nil, editable(without(stageMembers, "stageName", "tags")), (*Service).updateStage},
		{"DeleteStage", "DELETE", stage, 204, nil, nil, (*Service).deleteStage},
		{"DeleteRouteSettings", "DELETE", stage + "/routesettings/{routeKey}", 204, nil, nil, (*Service).deleteRouteSettings},
		{"DeleteAccessLogSettings", "DELETE", stage + "/accesslogsettings", 204, nil, nil, (*Service).deleteAccessLogSettings},
		{"ResetAuthorizersCache", "DELETE", stage + "/cache/authorizers", 204, nil, nil, (*Service).resetAuthorizersCache},

		{"CreateDomainName", "POST", names, 201, nil, domainMembers, (*Service).createDomainName},
		{"GetDomainNames", "GET", names, 200, paging, nil, (*Service).getDomainNames},
		{"GetDomainName", "GET", name, 200, nil, nil, (*Service).getDomainName},
		{"UpdateDomainName", "PATCH", name, 200, nil, without(domainMembers, "domainName", "tags"), (*Service).updateDomainName},
		{"DeleteDomainName", "DELETE", name, 204, nil, nil, (*Service).deleteDomainName},

		{"CreateApiMapping", "POST", maps, 201, nil, mappingMembers, (*Service).createAPIMapping},
		{"GetApiMappings", "GET", maps, 200, paging, nil, (*Service).getAPIMappings},
		{"GetApiMapping", "GET", maps + "/{apiMappingId}", 200, nil, nil, (*Service).getAPIMapping},
		{"UpdateApiMapping", "PATCH", maps + "/{apiMappingId}", 200, nil, mappingUpdate, (*Service).updateAPIMapping},
		{"DeleteApiMapping", "DELETE", maps + "/{apiMappingId}", 204, nil, nil, (*Service).deleteAPIMapping},

		{"GetTags", "GET", tags, 200, nil, nil, (*Service).getTags},
		{"TagResource", "POST", tags, 201, nil, tagMembers, (*Service).tagResource},
		{"UntagResource", "DELETE", tags, 204, tagKeys, nil, (*Service).untagResource},
	}
	for _, a := range notBuilt {
		built = append(built, operation{name: a.name, method: a.method, path: a.path})
	}
	return built
}

// notBuilt are the operations that AWS has and that are refused by name.
var notBuilt = []struct{ name, method, path string }{
	{"CreateRoutingRule", "POST", "/v2/domainnames/{domainName}/routingrules"},
	{"ListRoutingRules", "GET", "/v2/domainnames/{domainName}/routingrules"},
	{"GetRoutingRule", "GET", "/v2/domainnames/{domainName}/routingrules/{routingRuleId}"},
	{"PutRoutingRule", "PUT", "/v2/domainnames/{domainName}/routingrules/{routingRuleId}"},
	{"DeleteRoutingRule", "DELETE", "/v2/domainnames/{domainName}/routingrules/{routingRuleId}"},
	{"CreateVpcLink", "POST", "/v2/vpclinks"},
	{"GetVpcLinks", "GET", "/v2/vpclinks"},
	{"GetVpcLink", "GET", "/v2/vpclinks/{vpcLinkId}"},
	{"UpdateVpcLink", "PATCH", "/v2/vpclinks/{vpcLinkId}"},
	{"DeleteVpcLink", "DELETE", "/v2/vpclinks/{vpcLinkId}"},
	{"CreatePortal", "POST", "/v2/portals"},
	{"ListPortals", "GET", "/v2/portals"},
	{"GetPortal", "GET", "/v2/portals/{portalId}"},
	{"UpdatePortal", "PATCH", "/v2/portals/{portalId}"},
	{"DeletePortal", "DELETE", "/v2/portals/{portalId}"},
	{"PublishPortal", "POST", "/v2/portals/{portalId}/publish"},
	{"DisablePortal", "DELETE", "/v2/portals/{portalId}/publish"},
	{"PreviewPortal", "POST", "/v2/portals/{portalId}/preview"},
	{"CreatePortalProduct", "POST", "/v2/portalproducts"},
	{"ListPortalProducts", "GET", "/v2/portalproducts"},
	{"GetPortalProduct", "GET", "/v2/portalproducts/{portalProductId}"},
	{"UpdatePortalProduct", "PATCH", "/v2/portalproducts/{portalProductId}"},
	{"DeletePortalProduct", "DELETE", "/v2/portalproducts/{portalProductId}"},
	{"GetPortalProductSharingPolicy", "GET", "/v2/portalproducts/{portalProductId}/sharingpolicy"},
	{"PutPortalProductSharingPolicy", "PUT", "/v2/portalproducts/{portalProductId}/sharingpolicy"},
	{"DeletePortalProductSharingPolicy", "DELETE", "/v2/portalproducts/{portalProductId}/sharingpolicy"},
	{"CreateProductPage", "POST", "/v2/portalproducts/{portalProductId}/productpages"},
	{"ListProductPages", "GET", "/v2/portalproducts/{portalProductId}/productpages"},
	{"GetProductPage", "GET", "/v2/portalproducts/{portalProductId}/productpages/{productPageId}"},
	{"UpdateProductPage", "PATCH", "/v2/portalproducts/{portalProductId}/productpages/{productPageId}"},
	{"DeleteProductPage", "DELETE", "/v2/portalproducts/{portalProductId}/productpages/{productPageId}"},
	{"CreateProductRestEndpointPage", "POST", "/v2/portalproducts/{portalProductId}/productrestendpointpages"},
	{"ListProductRestEndpointPages", "GET", "/v2/portalproducts/{portalProductId}/productrestendpointpages"},
	{"GetProductRestEndpointPage", "GET", "/v2/portalproducts/{portalProductId}/productrestendpointpages/{productRestEndpointPageId}"},
	{"UpdateProductRestEndpointPage", "PATCH", "/v2/portalproducts/{portalProductId}/productrestendpointpages/{productRestEndpointPageId}"},
	{"DeleteProductRestEndpointPage", "DELETE", "/v2/portalproducts/{portalProductId}/productrestendpointpages/{productRestEndpointPageId}"},
}
