package dynamodb

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/table"
)

// Limits of tags. Source: API reference, TagResource; Developer Guide, "Tagging restrictions".
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// readTags adds tags to those that there are, and checks them.
func readTags(n *node, there map[string]string) (map[string]string, error) {
	tags := make(map[string]string, len(there)+len(n.nodes))
	for k, v := range there {
		tags[k] = v
	}
	seen := map[string]bool{}
	for i := range n.nodes {
		if !n.nodes[i].set {
			continue
		}
		k, v := n.nodes[i].nodes[0].text, n.nodes[i].nodes[1].text
		switch {
		case k == "" || utf8.RuneCountInString(k) > maxTagKey:
			return nil, invalid("Tag key must be between 1 and %d characters long", maxTagKey)
		case utf8.RuneCountInString(v) > maxTagValue:
			return nil, invalid("Tag value must be at most %d characters long", maxTagValue)
		case strings.ContainsFunc(k+v, notTag):
			return nil, invalid("Tags may hold letters, numbers, spaces and the characters + - = . _ : / @ only: %s", k) // the words are ours
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return nil, invalid("Tag keys cannot start with 'aws:'")
		case seen[k]:
			return nil, invalid("Duplicate tag keys found: %s", k)
		}
		seen[k] = true
		tags[k] = v
	}
	if len(tags) > maxTags {
		return nil, invalid("Too many tags: a resource can have at most %d tags", maxTags)
	}
	return tags, nil
}

// notTag says of which characters a tag must not be. Source: Developer Guide, "Tagging restrictions".
func notTag(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsSpace(r) && !strings.ContainsRune("+-=._:/@", r)
}

// tagged returns the table that ResourceArn names. Source of the texts: dynalite's tests.
func (c *call) tagged() (string, error) {
	n := c.node("ResourceArn")
	if !n.set {
		return "", sockgate.Invalidf("Invalid TableArn")
	}
	arn := n.text
	if parts := strings.Split(arn, ":"); arn == "" || len(parts) < 6 || !strings.Contains(parts[5], "/") {
		resource := arn
		if resource == "" {
			resource = "*"
		}
		return "", awswire.Denied(c.req.Principal, "dynamodb:"+c.op.name, resource)
	}
	name, ok := strings.CutPrefix(arn, c.s.arn(""))
	if !ok || len(name) < 3 || len(name) > 255 || !isName(name) {
		return "", sockgate.Invalidf("Invalid TableArn: Invalid ResourceArn provided as input %s", arn)
	}
	if err := c.allow(c.op.name, name, nil); err != nil {
		return "", err
	}
	if _, err := c.s.Tables.Lookup(name); err != nil {
		return "", sockgate.NotFoundf("Requested resource not found: ResourcArn: %s not found", arn)
	}
	return name, nil
}

func tagResource(c *call) error {
	name, err := c.tagged()
	if err != nil {
		return err
	}
	if len(c.node("Tags").nodes) == 0 {
		return invalid("At least one tag must be specified")
	}
	_, err = c.s.Tables.Change(name, func(d *table.Definition) error {
		tags, err := readTags(c.node("Tags"), d.Tags)
		d.Tags = tags
		return err
	})
	return err // the answer has no body
}

func untagResource(c *call) error {
	name, err := c.tagged()
	if err != nil {
		return err
	}
	keys := c.node("TagKeys").texts()
	if len(keys) == 0 {
		return invalid("At least one tag key must be specified")
	}
	_, err = c.s.Tables.Change(name, func(d *table.Definition) error {
		for _, k := range keys {
			delete(d.Tags, k)
		}
		return nil
	})
	return err // the answer has no body
}

func listTagsOfResource(c *call) error {
	name, err := c.tagged()
	if err != nil {
		return err
	}
	d, err := c.s.Tables.Lookup(name)
	if err != nil {
		return err
	}
	list := []object{}
	for _, k := range sortedKeys(d.Tags) {
		list = append(list, object{"Key": k, "Value": d.Tags[k]})
	}
	return c.tell("Tags", list)
}

func updateTimeToLive(c *call) error {
	spec := c.node("TimeToLiveSpecification").nodes
	attribute, on := spec[0].text, spec[1].truth
	name := c.text("TableName")
	if err := c.allow("UpdateTimeToLive", name, nil); err != nil {
		return err
	}
	_, err := c.s.Tables.Change(name, func(d *table.Definition) error {
		switch {
		case d.Status == table.Creating || d.Status == table.Deleting:
			return sockgate.NotFoundf("Requested resource not found: Table: %s not found", name)
		case on && d.Expiry.Enabled:
			return sockgate.Invalidf("TimeToLive is already enabled")
		case !on && !d.Expiry.Enabled:
			return sockgate.Invalidf("TimeToLive is already disabled")
		case !on && d.Expiry.Attribute != attribute:
			return sockgate.Invalidf("TimeToLive is active on a different AttributeName: current AttributeName is %s", d.Expiry.Attribute)
		}
		d.Expiry = table.Expiry{}
		if on {
			d.Expiry = table.Expiry{Attribute: attribute, Enabled: true}
		}
		return nil
	})
	if err != nil {
		return err
	}
	answer := object{"Enabled": on}
	if on {
		answer["AttributeName"] = attribute
	}
	return c.tell("TimeToLiveSpecification", answer)
}

func describeTimeToLive(c *call) error {
	name := c.text("TableName")
	if err := c.allow("DescribeTimeToLive", name, nil); err != nil {
		return err
	}
	d, err := c.s.Tables.Lookup(name)
	if err != nil {
		return err
	}
	answer := object{"TimeToLiveStatus": "DISABLED"}
	if d.Expiry.Enabled {
		answer = object{"TimeToLiveStatus": "ENABLED", "AttributeName": d.Expiry.Attribute}
	}
	return c.tell("TimeToLiveDescription", answer)
}

// describeContinuousBackups tells that there are none that can be restored, which tools ask of every table.
func describeContinuousBackups(c *call) error {
	name := c.text("TableName")
	if err := c.allow("DescribeContinuousBackups", name, nil); err != nil {
		return err
	}
	if _, err := c.s.Tables.Lookup(name); err != nil {
		return &fault{typ: dynamo + "TableNotFoundException", message: "Table not found: " + name}
	}
	return c.tell("ContinuousBackupsDescription", object{
		"ContinuousBackupsStatus":        "ENABLED",
		"PointInTimeRecoveryDescription": object{"PointInTimeRecoveryStatus": "DISABLED"},
	})
}

// The quotas that are told; nothing is refused by them. Source: Developer Guide, "Quotas".
func describeLimits(c *call) error {
	if !c.req.Principal.Root {
		if err := c.req.Allowed("dynamodb:DescribeLimits", []string{"*"}, nil); err != nil {
			return err
		}
	}
	c.out = append(c.out, `{"AccountMaxReadCapacityUnits":80000,"AccountMaxWriteCapacityUnits":80000,`+
		`"TableMaxReadCapacityUnits":40000,"TableMaxWriteCapacityUnits":40000}`...)
	return nil
}

// describeEndpoints answers with the address that the client has used.
func describeEndpoints(c *call) error {
	if !c.req.Principal.Root {
		if err := c.req.Allowed("dynamodb:DescribeEndpoints", []string{"*"}, nil); err != nil {
			return err
		}
	}
	host := c.req.Header.Get("Host")
	if host == "" {
		host = "dynamodb." + c.s.Region + ".amazonaws.com"
	}
	return c.tell("Endpoints", []object{{"Address": host, "CachePeriodInMinutes": 1440}})
}
