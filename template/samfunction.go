package template

import (
	"strings"
)

// passed are the properties of a function that CloudFormation has under the same name.
var passed = strings.Fields("Architectures CodeSigningConfigArn Description Environment EphemeralStorage FileSystemConfigs " +
	"FunctionName Handler ImageConfig KmsKeyArn Layers LoggingConfig MemorySize PackageType RecursiveLoop " +
	"ReservedConcurrentExecutions Runtime RuntimeManagementConfig SnapStart Timeout VpcConfig")

// unused are the properties that make resources of which the gateway has none, or settings without an effect here.
var unused = strings.Fields("CapacityProviderConfig DeploymentPreference DurableConfig EventInvokeConfig FunctionScalingConfig " +
	"FunctionUrlConfig ProvisionedConcurrencyConfig TenancyConfig")

var functionProperties = append(append(strings.Fields("AssumeRolePolicyDocument AutoPublishAlias AutoPublishAliasAllProperties "+
	"AutoPublishCodeSha256 CodeUri DeadLetterQueue Events ImageUri InlineCode PermissionsBoundary Policies PropagateTags "+
	"PublishToLatestPublished Role RolePath SourceKMSKeyArn Tags Tracing VersionDeletionPolicy VersionDescription"), passed...), unused...)

func (s *sam) function(r *resource) {
	given := s.properties(r, "Function", functionProperties)
	p := take(given, passed...)
	place := r.key.place()
	code := s.functionCode(r, given)
	p.set("Code", code)
	if q := s.reduce(given.get("DeadLetterQueue")); q != nil {
		p.set("DeadLetterConfig", q.place().object("TargetArn", q.get("TargetArn")))
	}
	if mode := s.reduce(given.get("Tracing")); mode != nil {
		p.set("TracingConfig", mode.place().object("Mode", mode))
	}
	p.set("Tags", s.tagList(r, given.get("Tags"), "lambda:createdBy"))
	role := s.reduce(given.get("Role"))
	if role == nil {
		p.set("Role", place.getAtt(r.id+"Role", "Arn"))
	} else {
		p.set("Role", role)
	}
	s.base(r, r.id, "AWS::Lambda::Function", p)
	s.alias(r, given, p, code)
	if role == nil {
		s.role(r, given)
	}
	s.events(r, given.get("Events"))
	for _, name := range unused {
		if key := given.key(name); key != nil && s.reduce(given.get(name)) != nil {
			s.skip(r, key, name)
		}
	}
}

func (s *sam) functionCode(r *resource, given *node) *node {
	if inline := s.reduce(given.get("InlineCode")); inline != nil {
		return inline.place().object("ZipFile", inline)
	}
	if image := s.reduce(given.get("ImageUri")); image != nil {
		return image.place().object("ImageUri", image)
	}
	return s.code(r, given.get("CodeUri"), "S3Bucket", "S3Key", "S3ObjectVersion")
}

// alias makes a version of the function, whose id changes with the code, and an alias for it.
func (s *sam) alias(r *resource, given, p, code *node) {
	at := s.reduce(given.get("AutoPublishAlias"))
	name, ok := s.static(at, "AutoPublishAlias of "+r.id)
	if !ok {
		return
	}
	place := at.place()
	changes := shortHash(s.codeHash(code))
	if all := s.reduce(given.get("AutoPublishAliasAllProperties")); all != nil && strings.EqualFold(all.text, "true") {
		changes = shortHash(s.codeHash(code), p.source())
	}
	if given := s.reduce(given.get("AutoPublishCodeSha256")); given != nil {
		if sha, _ := s.static(given, "AutoPublishCodeSha256 of "+r.id); alphanumeric(sha) {
			changes = sha[:min(len(sha), 10)]
		}
	}
	version := s.add(r, r.id+"Version"+changes, "AWS::Lambda::Version",
		place.object("FunctionName", place.ref(r.id), "Description", given.get("VersionDescription")))
	version.deletion = place.text("Retain")
	if policy := s.reduce(given.get("VersionDeletionPolicy")); policy != nil {
		version.deletion = policy
	}
	// Dashes and underscores cannot stand in an id.
	suffix := strings.NewReplacer("-", "D", "_", "U").Replace(name)
	if !alphanumeric(suffix) {
		s.fail(at, "Resource with id [%s] is invalid. AutoPublishAlias %q must be letters, digits, '-' and '_'", r.id, name)
		return
	}
	alias := s.add(r, r.id+"Alias"+suffix, "AWS::Lambda::Alias", place.object("Name", name,
		"FunctionName", place.ref(r.id), "FunctionVersion", place.getAtt(version.id, "Version")))
	s.aliases[r.id+".Version"] = version.id
	s.aliases[r.id+".Alias"] = alias.id
}

// role makes the role of a function that has none of its own.
func (s *sam) role(r *resource, given *node) {
	place := r.key.place()
	trust := s.reduce(given.get("AssumeRolePolicyDocument"))
	if trust == nil {
		trust = place.object("Version", "2012-10-17", "Statement", place.list(place.object(
			"Action", place.list(place.text("sts:AssumeRole")), "Effect", "Allow",
			"Principal", place.object("Service", place.list(place.text("lambda.amazonaws.com"))))))
	}
	managed := place.list(managedPolicy(place, "AWSLambdaBasicExecutionRole"))
	if mode := s.reduce(given.get("Tracing")); mode != nil && mode.text == "Active" {
		managed.items = append(managed.items, managedPolicy(place, "AWSXrayWriteOnlyAccess"))
	}
	if s.reduce(given.get("VpcConfig")) != nil {
		managed.items = append(managed.items, managedPolicy(place, "AWSLambdaVPCAccessExecutionRole"))
	}
	inline := place.list()
	if queue := s.reduce(given.get("DeadLetterQueue")); queue != nil {
		action := map[string]string{"SQS": "sqs:SendMessage", "SNS": "sns:Publish"}[queue.get("Type").textOr("")]
		if action == "" || queue.get("TargetArn") == nil {
			s.fail(queue, "Resource with id [%s] is invalid. 'DeadLetterQueue' requires Type (SQS or SNS) and TargetArn properties to be specified.", r.id)
		}
		inline.items = append(inline.items, inlinePolicy("DeadLetterQueuePolicy", queue.place().object(
			"Version", "2012-10-17", "Statement", queue.place().list(queue.place().object(
				"Action", action, "Effect", "Allow", "Resource", queue.get("TargetArn"))))))
	}
	s.policies(r, given.get("Policies"), managed, inline)
	if len(inline.items) == 0 {
		inline = nil
	}
	p := place.object("AssumeRolePolicyDocument", trust, "ManagedPolicyArns", managed, "Policies", inline,
		"Path", s.reduce(given.get("RolePath")), "PermissionsBoundary", s.reduce(given.get("PermissionsBoundary")),
		"Tags", s.tagList(r, given.get("Tags"), "lambda:createdBy"))
	s.add(r, r.id+"Role", "AWS::IAM::Role", p)
}

// events: none of SAM's has to do with WebSocket APIs, whose routes stand in the API.
func (s *sam) events(r *resource, all *node) {
	if all = s.reduce(all); all == nil {
		return
	}
	if all.kind != mapping {
		s.fail(all, "Resource with id [%s] is invalid. Events must be an object", r.id)
		return
	}
	for _, e := range all.pairs {
		typ := e.value.get("Type").textOr("")
		if found := Nearest(typ, eventTypes); found != typ || typ == "" {
			s.fail(e.key, "Resource with id [%s] is invalid. Event with id [%s] is invalid. Type %q is not known%s", r.id, e.key.text, typ, maybe(found, ""))
			continue
		}
		s.skip(r, e.key, "event "+e.key.text+" ("+typ+")")
	}
}

var eventTypes = strings.Fields("AlexaSkill Api CloudWatchEvent CloudWatchLogs Cognito DocumentDB DynamoDB EventBridgeRule HttpApi " +
	"IoTRule Kinesis MQ MSK S3 SNS SQS Schedule ScheduleV2 SelfManagedKafka")
