package template

import (
	"strings"
)

var tableProperties = strings.Fields("PointInTimeRecoverySpecification PrimaryKey ProvisionedThroughput SSESpecification TableName Tags")

// simpleTable is a DynamoDB table with a partition key and nothing else.
func (s *sam) simpleTable(r *resource) {
	given := s.properties(r, "SimpleTable", tableProperties)
	place := r.key.place()
	name, kind := place.text("id"), "S"
	if key := s.reduce(given.get("PrimaryKey")); key != nil {
		place = key.place()
		if n := s.reduce(key.get("Name")); n != nil {
			name = n
		}
		typ := "String"
		if n := key.get("Type"); n != nil {
			typ, _ = s.static(n, "PrimaryKey of "+r.id)
		}
		letter, known := map[string]string{"String": "S", "Number": "N", "Binary": "B"}[typ]
		if !known {
			s.fail(key, "Resource with id [%s] is invalid. 'PrimaryKey' has invalid 'Type': %s; it is String, Number or Binary", r.id, typ)
		}
		kind = letter
	}
	p := take(given, "TableName", "ProvisionedThroughput", "SSESpecification", "PointInTimeRecoverySpecification")
	p.set("AttributeDefinitions", place.list(place.object("AttributeName", name, "AttributeType", kind)))
	p.set("KeySchema", place.list(place.object("AttributeName", name, "KeyType", "HASH")))
	if s.reduce(given.get("ProvisionedThroughput")) == nil {
		p.set("BillingMode", place.text("PAY_PER_REQUEST"))
	}
	if given.get("Tags") != nil {
		p.set("Tags", s.tagList(r, given.get("Tags"), ""))
	}
	s.base(r, r.id, "AWS::DynamoDB::Table", p)
}

var layerProperties = strings.Fields("CompatibleArchitectures CompatibleRuntimes ContentUri Description LayerName LicenseInfo " +
	"PublishLambdaVersion RetentionPolicy")

// layer makes a layer version whose id changes with its content, so that functions get the new one.
func (s *sam) layer(r *resource) {
	given := s.properties(r, "LayerVersion", layerProperties)
	p := take(given, "CompatibleArchitectures", "CompatibleRuntimes", "Description", "LayerName", "LicenseInfo")
	if s.reduce(given.get("ContentUri")) == nil {
		s.fail(r.key, "Resource with id [%s] is invalid. Missing required property 'ContentUri'.", r.id)
		return
	}
	content := s.code(r, given.get("ContentUri"), "S3Bucket", "S3Key", "S3ObjectVersion")
	p.set("Content", content)
	if p.get("LayerName") == nil {
		p.set("LayerName", r.key.place().text(r.id))
	}
	made := s.base(r, r.id+shortHash(s.codeHash(content), p.source()), "AWS::Lambda::LayerVersion", p)
	made.deletion = r.key.place().text("Retain")
	if at := s.reduce(given.get("RetentionPolicy")); at != nil {
		policy, ok := s.static(at, "RetentionPolicy of "+r.id)
		switch {
		case !ok:
		case strings.EqualFold(policy, "Delete"):
			made.deletion = at.place().text("Delete")
		case !strings.EqualFold(policy, "Retain"):
			s.fail(at, "Resource with id [%s] is invalid. 'RetentionPolicy' must be one of the following options: Retain, Delete.", r.id)
		}
	}
	s.aliases[r.id] = made.id
}
