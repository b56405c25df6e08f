package lambda

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate/service/function"
)

// A policy is asked about what an operation will change, however the caller spelled it: an operation that does not look at the
// qualifier is asked about the function without one, and numbers and ARNs are asked about in their only form.

// qualified are the operations that are about a version or an alias, if the call names one.
var qualified = map[string]bool{
	"GetFunction": true, "GetFunctionConfiguration": true, "DeleteFunction": true, "Invoke": true,
	"AddPermission": true, "GetPolicy": true, "RemovePermission": true,
}

// asked is the qualifier of the function's ARN that an operation must be allowed on.
func (in *input) asked(operation string) string {
	switch {
	case !qualified[operation]:
		return ""
	case in.qualifier == function.Latest && strings.HasSuffix(operation, "Policy"), in.qualifier == function.Latest && operation == "RemovePermission":
		return "" // the function's own policy
	}
	return in.qualifier
}

// versionARN is the ARN of a layer's version. A number may have been sent as "+1" or "01".
func versionARN(layerARN, version string) string {
	if n, err := strconv.ParseInt(version, 10, 64); err == nil {
		version = strconv.FormatInt(n, 10)
	}
	return layerARN + ":" + version
}

// taggedARN is the ARN of the function that another spelling of it names: in another partition, for one. What names no function here stays.
func (s *Service) taggedARN(given string) string {
	if !taggableForm.MatchString(given) || !strings.Contains(given, ":function:") {
		return given
	}
	name, qualifier, err := s.functionName(given, "")
	if err != nil {
		return given
	}
	return s.Functions.ARN(name, qualifier)
}

// mayUseLayers asks whether the caller may give a function its layers.
// Source: Lambda Developer Guide, "Identity-based IAM policies for Lambda", layers.
func mayUseLayers(in *input, arns []string) error {
	for _, arn := range arns {
		layer, number, _ := cutLast(arn)
		if err := in.Allowed("lambda:GetLayerVersion", []string{versionARN(layer, number)}, nil); err != nil {
			return err
		}
	}
	return nil
}

// conditionKeys are the keys that Lambda adds to the question about an operation. A body that cannot be read has none; it is refused next.
// Source: Service Authorization Reference, "AWS Lambda", condition keys.
func (in *input) conditionKeys(operation string) map[string][]string {
	var body struct {
		Principal, FunctionUrlAuthType *string
		Layers                         []string
	}
	switch operation {
	case "AddPermission", "CreateFunction", "UpdateFunctionConfiguration":
		_ = json.Unmarshal(in.Body, &body)
	default:
		return nil
	}
	keys := make(map[string][]string)
	if body.Principal != nil {
		keys["lambda:principal"] = []string{*body.Principal}
	}
	if body.FunctionUrlAuthType != nil {
		keys["lambda:functionurlauthtype"] = []string{*body.FunctionUrlAuthType}
	}
	for _, arn := range body.Layers {
		layer, number, _ := cutLast(arn)
		keys["lambda:layer"] = append(keys["lambda:layer"], versionARN(layer, number))
	}
	return keys
}
