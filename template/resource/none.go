package resource

import "context"

// noneTypes are types that stand in templates and make nothing anywhere.
var noneTypes = []*Type{
	{Name: "AWS::CDK::Metadata", provider: none{}, shape: object(opt("Analytics", str()).keep())},
	{Name: "AWS::CloudFormation::WaitConditionHandle", provider: none{}, shape: object()},
}

type none struct{}

func (none) create(_ context.Context, c *Call) (*State, error) {
	return &State{PhysicalID: c.Name}, nil
}
func (none) update(_ context.Context, c *Call) (*State, error) {
	return &State{PhysicalID: c.Old.PhysicalID}, nil
}
func (none) delete(context.Context, *Call) error         { return nil }
func (none) find(context.Context, *Call) (*State, error) { return nil, nil }
