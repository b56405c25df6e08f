package resource

import "context"

// The types of CloudWatch Logs. A log group is a record only: the gateway makes the file of a group when the first line is written to it.
var logsTypes = []*Type{
	{
		Name: "AWS::Logs::LogGroup", named: "LogGroupName", attributes: []string{"Arn"}, provider: logGroup{},
		shape: object(
			fixed("LogGroupName", str()),
			opt("RetentionInDays", whole()).keep(),
			opt("KmsKeyId", str()).keep(),
			opt("LogGroupClass", str()).keep(),
			opt("DataProtectionPolicy", anything()).keep(),
			opt("FieldIndexPolicies", anything()).keep(),
			opt("Tags", tagList()).keep(),
			opt("DeletionProtectionEnabled", flag()).keep(),
			opt("BearerTokenAuthenticationEnabled", flag()).keep(),
			opt("ResourcePolicyDocument", anything()).keep(),
		),
	},
}

type logGroup struct{}

func (logGroup) create(_ context.Context, c *Call) (*State, error) {
	name := textOr(c.Properties, "LogGroupName", c.Name)
	return &State{PhysicalID: name, Attributes: map[string]any{"Arn": "arn:aws:logs:" + c.Region + ":" + c.Account + ":log-group:" + name + ":*"}}, nil
}

func (logGroup) update(_ context.Context, c *Call) (*State, error) {
	return &State{PhysicalID: c.Old.PhysicalID, Attributes: c.Old.Attributes}, nil
}

func (logGroup) delete(context.Context, *Call) error         { return nil }
func (logGroup) find(context.Context, *Call) (*State, error) { return nil, nil }
