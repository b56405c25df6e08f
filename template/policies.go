package template

import (
	"slices"
	"strconv"
	"strings"
)

// managedPolicy is the ARN of one of AWS's own policies.
func managedPolicy(place at, name string) *node {
	path := "policy/"
	if slices.Contains(serviceRolePolicies, name) {
		path += "service-role/"
	}
	return place.sub("arn:${AWS::Partition}:iam::aws:" + path + name)
}

// serviceRolePolicies are those of AWS's own policies for functions and APIs that stand under service-role/.
var serviceRolePolicies = strings.Fields("AWSLambdaBasicExecutionRole AWSLambdaDynamoDBExecutionRole AWSLambdaENIManagementAccess " +
	"AWSLambdaKinesisExecutionRole AWSLambdaMSKExecutionRole AWSLambdaRole AWSLambdaSQSQueueExecutionRole " +
	"AWSLambdaVPCAccessExecutionRole AmazonAPIGatewayPushToCloudWatchLogs AmazonS3ObjectLambdaExecutionRolePolicy")

// policies sorts a function's Policies: managed ones are appended to managed, documents and templates to inline. A policy
// that an Fn::If leaves out counts for the names of those after it.
//
//	policy = text                        ; name or ARN of a managed policy
//	       / function                    ; its value is the ARN of one
//	       / { Statement: … }            ; a document
//	       / { TemplateName: { … } }     ; one of SAM's policy templates
func (s *sam) policies(r *resource, all, managed, inline *node) {
	all = s.reduce(all)
	if all == nil {
		return
	}
	items := []*node{all}
	if all.kind == list {
		items = all.items
	}
	for i, n := range items {
		n = s.reduce(n)
		if n == nil {
			continue
		}
		var document *node
		_, _, call := n.function()
		switch {
		case call || n.kind == text && strings.HasPrefix(n.text, "arn:"):
			managed.items = append(managed.items, n)
		case n.kind == text:
			managed.items = append(managed.items, managedPolicy(n.place(), n.text))
		case n.kind == mapping && n.get("Statement") != nil:
			document = n
		case n.kind == mapping && len(n.pairs) == 1:
			document = s.policyTemplate(r, n.pairs[0])
		default:
			s.fail(n, "Resource with id [%s] is invalid. Policies are names or ARNs of managed policies, documents with a Statement, or SAM policy templates", r.id)
		}
		if document != nil {
			inline.items = append(inline.items, inlinePolicy(r.id+"RolePolicy"+strconv.Itoa(i), document))
		}
	}
	managed.items = withoutTwins(managed.items)
}

func inlinePolicy(name string, document *node) *node {
	return document.place().object("PolicyName", name, "PolicyDocument", document)
}

func withoutTwins(all []*node) []*node {
	var out []*node
	for _, n := range all {
		if !slices.ContainsFunc(out, func(o *node) bool { return o.source() == n.source() }) {
			out = append(out, n)
		}
	}
	return out
}

func (s *sam) policyTemplate(r *resource, p pair) *node {
	names := make([]string, len(policyTemplates))
	for i, t := range policyTemplates {
		names[i] = t.name
		if t.name == p.key.text {
			return s.fillPolicy(r, p, t)
		}
	}
	s.fail(p.key, "Resource with id [%s] is invalid. Policy template %q is not known%s", r.id, p.key.text, maybe(Nearest(p.key.text, names), ""))
	return nil
}

func (s *sam) fillPolicy(r *resource, p pair, t policyTemplate) *node {
	place := p.key.place()
	wanted := strings.Fields(t.parameters)
	values := place.node(mapping)
	for _, name := range wanted {
		v := s.reduce(p.value.get(name))
		if v == nil {
			s.fail(p.key, "Resource with id [%s] is invalid. Must specify valid parameter values for policy template '%s': %s is missing", r.id, t.name, name)
			return nil
		}
		values.set(name, v)
	}
	for _, given := range p.value.pairs {
		if !slices.Contains(wanted, given.key.text) {
			s.fail(given.key, "Resource with id [%s] is invalid. Policy template '%s' has no parameter %s%s", r.id, t.name, given.key.text, maybe(Nearest(given.key.text, wanted), ""))
		}
	}
	filled := func(pattern string) *node {
		if values.pairs == nil || !strings.Contains(pattern, "${") {
			return place.sub(pattern)
		}
		return place.object("Fn::Sub", place.list(place.text(pattern), values))
	}
	statements := place.list()
	for _, st := range t.statements {
		actions := place.list()
		for action := range strings.FieldsSeq(st.actions) {
			actions.items = append(actions.items, place.text(st.service+":"+action))
		}
		resources := place.list()
		for _, pattern := range strings.Fields(st.resources) {
			if strings.HasPrefix(pattern, ":") {
				pattern = "arn:${AWS::Partition}:" + st.service + ":${AWS::Region}:${AWS::AccountId}" + pattern
			}
			resources.items = append(resources.items, filled(pattern))
		}
		where := resources
		if len(resources.items) == 1 {
			where = resources.items[0]
		}
		statement := place.object("Effect", "Allow", "Action", actions, "Resource", where)
		if st.key != "" {
			statement.set("Condition", place.object("StringEquals", place.object(st.key, filled(st.equals))))
		}
		statements.items = append(statements.items, statement)
	}
	return place.object("Statement", statements)
}
