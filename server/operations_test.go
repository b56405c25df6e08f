package server_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/control/acm"
	"github.com/sockgate/sockgate/control/apigateway"
	"github.com/sockgate/sockgate/control/apigatewayv2"
	"github.com/sockgate/sockgate/control/dynamodb"
	"github.com/sockgate/sockgate/control/elbv2"
	"github.com/sockgate/sockgate/control/iam"
	"github.com/sockgate/sockgate/control/lambda"
	"github.com/sockgate/sockgate/control/sts"
)

// TestOperationsDocument keeps the list of operations true.
func TestOperationsDocument(t *testing.T) {
	const file = "../docs/aws-operations.md"
	var b strings.Builder
	b.WriteString(`# Operations

<!-- Generated: go test ./server -run TestOperationsDocument -update -->

What is built of each AWS API, operation by operation. Every other operation of AWS's is refused with its name: 501, or the API's own error for
it. How the built ones differ from AWS is in [compatibility.md](compatibility.md).
`)
	for _, api := range []struct {
		title string
		all   map[string]bool
	}{
		{"API Gateway v2 (`apigatewayv2`), for `protocolType: WEBSOCKET`", apigatewayv2.Operations()},
		{"API Gateway v1 (`apigateway`)", apigateway.Operations()},
		{"Lambda (`lambda`)", lambda.Operations()},
		{"DynamoDB and DynamoDB Streams (`dynamodb`, `dynamodbstreams`)", dynamodb.Operations()},
		{"IAM (`iam`)", iam.Operations()},
		{"STS (`sts`)", sts.Operations()},
		{"Elastic Load Balancing v2 (`elbv2`)", elbv2.Operations()},
		{"Certificate Manager (`acm`)", acm.Operations()},
	} {
		var built, not []string
		for _, name := range slices.Sorted(maps.Keys(api.all)) {
			if api.all[name] {
				built = append(built, name)
			} else {
				not = append(not, name)
			}
		}
		if len(built) == 0 {
			t.Errorf("%s has no operations", api.title)
		}
		fmt.Fprintf(&b, "\n## %s\n\n%d built: %s.\n", api.title, len(built), strings.Join(built, ", "))
		if len(not) > 0 {
			fmt.Fprintf(&b, "\nNot built (%d): %s.\n", len(not), strings.Join(not, ", "))
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("docs/aws-operations.md is out of date; run the test with -update (-file +code):\n%s", diff)
	}
}
