package lambda

import "context"

// operation is one line of the API: where it is called, which permission it needs, what it answers.
type operation struct {
	name, method, path string
	action             string // behind "lambda:"; "" asks by itself
	status             int    // of a success
	handle             func(*Service, context.Context, *input) (any, error)
}

// operations returns the API. Source: Lambda's service model; permissions: Service Authorization Reference, "Actions, resources, and
// condition keys for AWS Lambda".
func operations() []operation {
	const (
		all      = "/2015-03-31/functions"
		one      = all + "/{FunctionName}"
		versions = one + "/versions"
		aliases  = one + "/aliases"
		policy   = one + "/policy"
		reserved = "/functions/{FunctionName}/concurrency"
		tags     = "/2017-03-31/tags/{Resource}"
		layers   = "/2018-10-31/layers"
		layer    = layers + "/{LayerName}/versions"
	)
	built := []operation{
		{"CreateFunction", "POST", all, "", 201, (*Service).createFunction},
		{"ListFunctions", "GET", all, "ListFunctions", 200, (*Service).listFunctions},
		{"GetFunction", "GET", one, "GetFunction", 200, (*Service).getFunction},
		{"DeleteFunction", "DELETE", one, "DeleteFunction", 204, (*Service).deleteFunction},
		{"GetFunctionConfiguration", "GET", one + "/configuration", "GetFunctionConfiguration", 200, (*Service).getFunctionConfiguration},
		{"UpdateFunctionConfiguration", "PUT", one + "/configuration", "UpdateFunctionConfiguration", 200, (*Service).updateFunctionConfiguration},
		{"UpdateFunctionCode", "PUT", one + "/code", "UpdateFunctionCode", 200, (*Service).updateFunctionCode},
		{"Invoke", "POST", one + "/invocations", "InvokeFunction", 200, (*Service).invoke},

		{"PublishVersion", "POST", versions, "PublishVersion", 201, (*Service).publishVersion},
		{"ListVersionsByFunction", "GET", versions, "ListVersionsByFunction", 200, (*Service).listVersions},

		{"CreateAlias", "POST", aliases, "CreateAlias", 201, (*Service).createAlias},
		{"ListAliases", "GET", aliases, "ListAliases", 200, (*Service).listAliases},
		{"GetAlias", "GET", aliases + "/{Name}", "GetAlias", 200, (*Service).getAlias},
		{"UpdateAlias", "PUT", aliases + "/{Name}", "UpdateAlias", 200, (*Service).updateAlias},
		{"DeleteAlias", "DELETE", aliases + "/{Name}", "DeleteAlias", 204, (*Service).deleteAlias},

		{"AddPermission", "POST", policy, "AddPermission", 201, (*Service).addPermission},
		{"GetPolicy", "GET", policy, "GetPolicy", 200, (*Service).getPolicy},
		{"RemovePermission", "DELETE", policy + "/{StatementId}", "RemovePermission", 204, (*Service).removePermission},

		{"PutFunctionConcurrency", "PUT", "/2017-10-31" + reserved, "PutFunctionConcurrency", 200, (*Service).putConcurrency},
		{"GetFunctionConcurrency", "GET", "/2019-09-30" + reserved, "GetFunctionConcurrency", 200, (*Service).getConcurrency},
		{"DeleteFunctionConcurrency", "DELETE", "/2017-10-31" + reserved, "DeleteFunctionConcurrency", 204, (*Service).deleteConcurrency},

		{"ListTags", "GET", tags, "ListTags", 200, (*Service).listTags},
		{"TagResource", "POST", tags, "TagResource", 204, (*Service).tagResource},
		{"UntagResource", "DELETE", tags, "UntagResource", 204, (*Service).untagResource},

		{"GetLayerVersionByArn", "GET", layers + "?find=LayerVersion", "", 200, (*Service).getLayerVersionByARN},
		{"ListLayers", "GET", layers, "ListLayers", 200, (*Service).listLayers},
		{"PublishLayerVersion", "POST", layer, "PublishLayerVersion", 201, (*Service).publishLayerVersion},
		{"ListLayerVersions", "GET", layer, "ListLayerVersions", 200, (*Service).listLayerVersions},
		{"GetLayerVersion", "GET", layer + "/{VersionNumber}", "GetLayerVersion", 200, (*Service).getLayerVersion},
		{"DeleteLayerVersion", "DELETE", layer + "/{VersionNumber}", "DeleteLayerVersion", 204, (*Service).deleteLayerVersion},

		{"GetAccountSettings", "GET", "/2016-08-19/account-settings", "GetAccountSettings", 200, (*Service).getAccountSettings},
		{"GetFunctionCodeSigningConfig", "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", "GetFunctionCodeSigningConfig", 200,
			(*Service).getCodeSigning},
	}
	for _, o := range notBuilt {
		built = append(built, operation{name: o.name, method: o.method, path: o.path})
	}
	return built
}
