package template

// policyTemplate is one of SAM's named policies.
type policyTemplate struct {
	name       string
	parameters string // names, separated by spaces; all are required
	statements []allowance
}

// allowance is one statement. A resource that begins with ":" belongs to the service in the stack's region and account.
type allowance struct {
	service, actions, resources string
	key, equals                 string // a StringEquals condition, or ""
}

// policyTemplates: which actions on which resources each template allows. Those for services that the gateway does not have
// are here as well: a function that carries one is deployed all the same, and its role says what it says on AWS.
// Source: AWS SAM Developer Guide, "AWS SAM policy templates".
var policyTemplates = []policyTemplate{
	{"AMIDescribePolicy", "", []allowance{
		{service: "ec2", actions: "DescribeImages", resources: "*"}}},
	{"AWSSecretsManagerGetSecretValuePolicy", "SecretArn", []allowance{
		{service: "secretsmanager", actions: "GetSecretValue", resources: "${SecretArn}"}}},
	{"AWSSecretsManagerRotationPolicy", "FunctionName", []allowance{
		{service: "secretsmanager", actions: "DescribeSecret GetSecretValue PutSecretValue UpdateSecretVersionStage", resources: ":secret:*", key: "secretsmanager:resource/AllowRotationLambdaArn",
			equals: "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${FunctionName}"},
		{service: "secretsmanager", actions: "GetRandomPassword", resources: "*"}}},
	{"AcmGetCertificatePolicy", "CertificateArn", []allowance{
		{service: "acm", actions: "GetCertificate", resources: "${CertificateArn}"}}},
	{"AthenaQueryPolicy", "WorkGroupName", []allowance{
		{service: "athena", actions: "ListWorkGroups GetExecutionEngine GetExecutionEngines GetNamespace GetCatalogs GetNamespaces GetTables " +
			"GetTable",
			resources: "*"},
		{service: "athena", actions: "StartQueryExecution GetQueryResults DeleteNamedQuery GetNamedQuery ListQueryExecutions StopQueryExecution " +
			"GetQueryResultsStream ListNamedQueries CreateNamedQuery GetQueryExecution BatchGetNamedQuery " +
			"BatchGetQueryExecution GetWorkGroup",
			resources: ":workgroup/${WorkGroupName}"}}},
	{"CloudFormationDescribeStacksPolicy", "", []allowance{
		{service: "cloudformation", actions: "DescribeStacks", resources: ":stack/*"}}},
	{"CloudWatchDashboardPolicy", "", []allowance{
		{service: "cloudwatch", actions: "GetDashboard ListDashboards PutDashboard ListMetrics", resources: "*"}}},
	{"CloudWatchDescribeAlarmHistoryPolicy", "", []allowance{
		{service: "cloudwatch", actions: "DescribeAlarmHistory", resources: "*"}}},
	{"CloudWatchPutMetricPolicy", "", []allowance{
		{service: "cloudwatch", actions: "PutMetricData", resources: "*"}}},
	{"CodeCommitCrudPolicy", "RepositoryName", []allowance{
		{service: "codecommit", actions: "GitPull GitPush CreateBranch DeleteBranch GetBranch ListBranches MergeBranchesByFastForward " +
			"MergeBranchesBySquash MergeBranchesByThreeWay UpdateDefaultBranch BatchDescribeMergeConflicts " +
			"CreateUnreferencedMergeCommit DescribeMergeConflicts GetMergeCommit GetMergeOptions BatchGetPullRequests " +
			"CreatePullRequest DescribePullRequestEvents GetCommentsForPullRequest GetCommitsFromMergeBase " +
			"GetMergeConflicts GetPullRequest ListPullRequests MergePullRequestByFastForward MergePullRequestBySquash " +
			"MergePullRequestByThreeWay PostCommentForPullRequest UpdatePullRequestDescription UpdatePullRequestStatus " +
			"UpdatePullRequestTitle DeleteFile GetBlob GetFile GetFolder PutFile DeleteCommentContent GetComment " +
			"GetCommentsForComparedCommit PostCommentForComparedCommit PostCommentReply UpdateComment BatchGetCommits " +
			"CreateCommit GetCommit GetCommitHistory GetDifferences GetObjectIdentifier GetReferences GetTree " +
			"GetRepository UpdateRepositoryDescription ListTagsForResource TagResource UntagResource " +
			"GetRepositoryTriggers PutRepositoryTriggers TestRepositoryTriggers GetBranch GetCommit UploadArchive " +
			"GetUploadArchiveStatus CancelUploadArchive",
			resources: ":${RepositoryName}"}}},
	{"CodeCommitReadPolicy", "RepositoryName", []allowance{
		{service: "codecommit", actions: "GitPull GetBranch ListBranches BatchDescribeMergeConflicts DescribeMergeConflicts GetMergeCommit " +
			"GetMergeOptions BatchGetPullRequests DescribePullRequestEvents GetCommentsForPullRequest " +
			"GetCommitsFromMergeBase GetMergeConflicts GetPullRequest ListPullRequests GetBlob GetFile GetFolder " +
			"GetComment GetCommentsForComparedCommit BatchGetCommits GetCommit GetCommitHistory GetDifferences " +
			"GetObjectIdentifier GetReferences GetTree GetRepository ListTagsForResource GetRepositoryTriggers " +
			"TestRepositoryTriggers GetBranch GetCommit GetUploadArchiveStatus",
			resources: ":${RepositoryName}"}}},
	{"CodePipelineLambdaExecutionPolicy", "", []allowance{
		{service: "codepipeline", actions: "PutJobSuccessResult PutJobFailureResult", resources: "*"}}},
	{"CodePipelineReadOnlyPolicy", "PipelineName", []allowance{
		{service: "codepipeline", actions: "ListPipelineExecutions", resources: ":${PipelineName}"}}},
	{"ComprehendBasicAccessPolicy", "", []allowance{
		{service: "comprehend", actions: "BatchDetectKeyPhrases DetectDominantLanguage DetectEntities BatchDetectEntities DetectKeyPhrases " +
			"DetectSentiment BatchDetectDominantLanguage BatchDetectSentiment",
			resources: "*"}}},
	{"CostExplorerReadOnlyPolicy", "", []allowance{
		{service: "ce", actions: "GetCostAndUsage GetDimensionValues GetReservationCoverage GetReservationPurchaseRecommendation " +
			"GetReservationUtilization GetTags",
			resources: "*"}}},
	{"DynamoDBBackupFullAccessPolicy", "TableName", []allowance{
		{service: "dynamodb", actions: "CreateBackup DescribeContinuousBackups", resources: ":table/${TableName}"},
		{service: "dynamodb", actions: "DeleteBackup DescribeBackup ListBackups", resources: ":table/${TableName}/backup/*"}}},
	{"DynamoDBCrudPolicy", "TableName", []allowance{
		{service: "dynamodb", actions: "GetItem DeleteItem PutItem Scan Query UpdateItem BatchWriteItem BatchGetItem DescribeTable " +
			"ConditionCheckItem",
			resources: ":table/${TableName} :table/${TableName}/index/*"}}},
	{"DynamoDBReadPolicy", "TableName", []allowance{
		{service: "dynamodb", actions: "GetItem Scan Query BatchGetItem DescribeTable",
			resources: ":table/${TableName} :table/${TableName}/index/*"}}},
	{"DynamoDBReconfigurePolicy", "TableName", []allowance{
		{service: "dynamodb", actions: "UpdateTable", resources: ":table/${TableName}"}}},
	{"DynamoDBRestoreFromBackupPolicy", "TableName", []allowance{
		{service: "dynamodb", actions: "RestoreTableFromBackup", resources: ":table/${TableName}/backup/*"},
		{service: "dynamodb", actions: "PutItem UpdateItem DeleteItem GetItem Query Scan BatchWriteItem", resources: ":table/${TableName}"}}},
	{"DynamoDBStreamReadPolicy", "StreamName TableName", []allowance{
		{service: "dynamodb", actions: "DescribeStream GetRecords GetShardIterator", resources: ":table/${TableName}/stream/${StreamName}"},
		{service: "dynamodb", actions: "ListStreams", resources: ":table/${TableName}/stream/*"}}},
	{"DynamoDBWritePolicy", "TableName", []allowance{
		{service: "dynamodb", actions: "PutItem UpdateItem BatchWriteItem", resources: ":table/${TableName} :table/${TableName}/index/*"}}},
	{"EC2CopyImagePolicy", "ImageId", []allowance{
		{service: "ec2", actions: "CopyImage", resources: ":image/${ImageId}"}}},
	{"EC2DescribePolicy", "", []allowance{
		{service: "ec2", actions: "DescribeRegions DescribeInstances", resources: "*"}}},
	{"EFSWriteAccessPolicy", "AccessPoint FileSystem", []allowance{
		{service: "elasticfilesystem", actions: "ClientMount ClientWrite", resources: ":file-system/${FileSystem}", key: "elasticfilesystem:AccessPointArn",
			equals: "arn:${AWS::Partition}:elasticfilesystem:${AWS::Region}:${AWS::AccountId}:access-point/${AccessPoint}"}}},
	{"EKSDescribePolicy", "", []allowance{
		{service: "eks", actions: "DescribeCluster ListClusters", resources: "*"}}},
	{"EcsRunTaskPolicy", "TaskDefinition", []allowance{
		{service: "ecs", actions: "RunTask", resources: ":task-definition/${TaskDefinition}"}}},
	{"ElasticMapReduceAddJobFlowStepsPolicy", "ClusterId", []allowance{
		{service: "elasticmapreduce", actions: "AddJobFlowSteps", resources: ":cluster/${ClusterId}"}}},
	{"ElasticMapReduceCancelStepsPolicy", "ClusterId", []allowance{
		{service: "elasticmapreduce", actions: "CancelSteps", resources: ":cluster/${ClusterId}"}}},
	{"ElasticMapReduceModifyInstanceFleetPolicy", "ClusterId", []allowance{
		{service: "elasticmapreduce", actions: "ModifyInstanceFleet ListInstanceFleets", resources: ":cluster/${ClusterId}"}}},
	{"ElasticMapReduceModifyInstanceGroupsPolicy", "ClusterId", []allowance{
		{service: "elasticmapreduce", actions: "ModifyInstanceGroups ListInstanceGroups", resources: ":cluster/${ClusterId}"}}},
	{"ElasticMapReduceSetTerminationProtectionPolicy", "ClusterId", []allowance{
		{service: "elasticmapreduce", actions: "SetTerminationProtection", resources: ":cluster/${ClusterId}"}}},
	{"ElasticMapReduceTerminateJobFlowsPolicy", "ClusterId", []allowance{
		{service: "elasticmapreduce", actions: "TerminateJobFlows", resources: ":cluster/${ClusterId}"}}},
	{"ElasticsearchHttpPostPolicy", "DomainName", []allowance{
		{service: "es", actions: "ESHttpPost ESHttpPut", resources: ":domain/${DomainName}/*"}}},
	{"EventBridgePutEventsPolicy", "EventBusName", []allowance{
		{service: "events", actions: "PutEvents", resources: ":event-bus/${EventBusName}"}}},
	{"FilterLogEventsPolicy", "LogGroupName", []allowance{
		{service: "logs", actions: "FilterLogEvents", resources: ":log-group:${LogGroupName}:log-stream:*"}}},
	{"FirehoseCrudPolicy", "DeliveryStreamName", []allowance{
		{service: "firehose", actions: "CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream PutRecord PutRecordBatch " +
			"UpdateDestination",
			resources: ":deliverystream/${DeliveryStreamName}"}}},
	{"FirehoseWritePolicy", "DeliveryStreamName", []allowance{
		{service: "firehose", actions: "PutRecord PutRecordBatch", resources: ":deliverystream/${DeliveryStreamName}"}}},
	{"KMSDecryptPolicy", "KeyId", []allowance{
		{service: "kms", actions: "Decrypt", resources: ":key/${KeyId}"}}},
	{"KMSEncryptPolicy", "KeyId", []allowance{
		{service: "kms", actions: "Encrypt", resources: ":key/${KeyId}"}}},
	{"KMSEncryptPolicy_v2", "KeyId", []allowance{
		{service: "kms", actions: "Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair " +
			"GenerateDataKeyPairWithoutPlaintext",
			resources: ":key/${KeyId}"}}},
	{"KinesisCrudPolicy", "StreamName", []allowance{
		{service: "kinesis", actions: "AddTagsToStream CreateStream DecreaseStreamRetentionPeriod DeleteStream DescribeStream " +
			"DescribeStreamSummary GetShardIterator IncreaseStreamRetentionPeriod ListTagsForStream MergeShards " +
			"PutRecord PutRecords SplitShard RemoveTagsFromStream",
			resources: ":stream/${StreamName}"}}},
	{"KinesisStreamReadPolicy", "StreamName", []allowance{
		{service: "kinesis", actions: "ListStreams DescribeLimits", resources: ":stream/*"},
		{service: "kinesis", actions: "DescribeStream DescribeStreamSummary GetRecords GetShardIterator", resources: ":stream/${StreamName}"}}},
	{"LambdaInvokePolicy", "FunctionName", []allowance{
		{service: "lambda", actions: "InvokeFunction", resources: ":function:${FunctionName}*"}}},
	{"MobileAnalyticsWriteOnlyAccessPolicy", "", []allowance{
		{service: "mobileanalytics", actions: "PutEvents", resources: "*"}}},
	{"OrganizationsListAccountsPolicy", "", []allowance{
		{service: "organizations", actions: "ListAccounts", resources: "*"}}},
	{"PinpointEndpointAccessPolicy", "PinpointApplicationId", []allowance{
		{service: "mobiletargeting", actions: "GetEndpoint UpdateEndpoint UpdateEndpointsBatch", resources: ":apps/${PinpointApplicationId}/endpoints/*"}}},
	{"PollyFullAccessPolicy", "LexiconName", []allowance{
		{service: "polly", actions: "GetLexicon DeleteLexicon", resources: ":lexicon/${LexiconName}"},
		{service: "polly", actions: "DescribeVoices ListLexicons PutLexicon SynthesizeSpeech", resources: ":lexicon/*"}}},
	{"RekognitionDetectOnlyPolicy", "", []allowance{
		{service: "rekognition", actions: "DetectFaces DetectLabels DetectModerationLabels DetectText", resources: "*"}}},
	{"RekognitionFacesManagementPolicy", "CollectionId", []allowance{
		{service: "rekognition", actions: "IndexFaces DeleteFaces SearchFaces SearchFacesByImage ListFaces", resources: ":collection/${CollectionId}"}}},
	{"RekognitionFacesPolicy", "", []allowance{
		{service: "rekognition", actions: "CompareFaces DetectFaces", resources: "*"}}},
	{"RekognitionLabelsPolicy", "", []allowance{
		{service: "rekognition", actions: "DetectLabels DetectModerationLabels", resources: "*"}}},
	{"RekognitionNoDataAccessPolicy", "CollectionId", []allowance{
		{service: "rekognition", actions: "CompareFaces DetectFaces DetectLabels DetectModerationLabels", resources: ":collection/${CollectionId}"}}},
	{"RekognitionReadPolicy", "CollectionId", []allowance{
		{service: "rekognition", actions: "ListCollections ListFaces SearchFaces SearchFacesByImage", resources: ":collection/${CollectionId}"}}},
	{"RekognitionWriteOnlyAccessPolicy", "CollectionId", []allowance{
		{service: "rekognition", actions: "CreateCollection IndexFaces", resources: ":collection/${CollectionId}"}}},
	{"Route53ChangeResourceRecordSetsPolicy", "HostedZoneId", []allowance{
		{service: "route53", actions: "ChangeResourceRecordSets", resources: "arn:${AWS::Partition}:route53:::hostedzone/${HostedZoneId}"}}},
	{"S3CrudPolicy", "BucketName", []allowance{
		{service: "s3", actions: "GetObject ListBucket GetBucketLocation GetObjectVersion PutObject PutObjectAcl GetLifecycleConfiguration " +
			"PutLifecycleConfiguration DeleteObject",
			resources: "arn:${AWS::Partition}:s3:::${BucketName} arn:${AWS::Partition}:s3:::${BucketName}/*"}}},
	{"S3FullAccessPolicy", "BucketName", []allowance{
		{service: "s3", actions: "GetObject GetObjectAcl GetObjectVersion PutObject PutObjectAcl DeleteObject DeleteObjectTagging " +
			"DeleteObjectVersionTagging GetObjectTagging GetObjectVersionTagging PutObjectTagging " +
			"PutObjectVersionTagging",
			resources: "arn:${AWS::Partition}:s3:::${BucketName}/*"},
		{service: "s3", actions: "ListBucket GetBucketLocation GetLifecycleConfiguration PutLifecycleConfiguration",
			resources: "arn:${AWS::Partition}:s3:::${BucketName}"}}},
	{"S3ReadPolicy", "BucketName", []allowance{
		{service: "s3", actions: "GetObject ListBucket GetBucketLocation GetObjectVersion GetLifecycleConfiguration",
			resources: "arn:${AWS::Partition}:s3:::${BucketName} arn:${AWS::Partition}:s3:::${BucketName}/*"}}},
	{"S3WritePolicy", "BucketName", []allowance{
		{service: "s3", actions: "PutObject PutObjectAcl PutLifecycleConfiguration",
			resources: "arn:${AWS::Partition}:s3:::${BucketName} arn:${AWS::Partition}:s3:::${BucketName}/*"}}},
	{"SESBulkTemplatedCrudPolicy", "IdentityName", []allowance{
		{service: "ses", actions: "GetIdentityVerificationAttributes SendEmail SendRawEmail SendTemplatedEmail SendBulkTemplatedEmail " +
			"VerifyEmailIdentity",
			resources: ":identity/${IdentityName}"}}},
	{"SESBulkTemplatedCrudPolicy_v2", "IdentityName TemplateName", []allowance{
		{service: "ses", actions: "SendEmail SendRawEmail SendTemplatedEmail SendBulkTemplatedEmail",
			resources: ":identity/${IdentityName} :template/${TemplateName}"},
		{service: "ses", actions: "GetIdentityVerificationAttributes VerifyEmailIdentity", resources: "*"}}},
	{"SESCrudPolicy", "IdentityName", []allowance{
		{service: "ses", actions: "GetIdentityVerificationAttributes SendEmail SendRawEmail VerifyEmailIdentity",
			resources: ":identity/${IdentityName}"}}},
	{"SESEmailTemplateCrudPolicy", "", []allowance{
		{service: "ses", actions: "CreateTemplate GetTemplate ListTemplates UpdateTemplate DeleteTemplate TestRenderTemplate", resources: "*"}}},
	{"SESSendBouncePolicy", "IdentityName", []allowance{
		{service: "ses", actions: "SendBounce", resources: ":identity/${IdentityName}"}}},
	{"SNSCrudPolicy", "TopicName", []allowance{
		{service: "sns", actions: "ListSubscriptionsByTopic CreateTopic SetTopicAttributes Subscribe Publish", resources: ":${TopicName}*"}}},
	{"SNSPublishMessagePolicy", "TopicName", []allowance{
		{service: "sns", actions: "Publish", resources: ":${TopicName}"}}},
	{"SQSPollerPolicy", "QueueName", []allowance{
		{service: "sqs", actions: "ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage DeleteMessageBatch GetQueueAttributes " +
			"ReceiveMessage",
			resources: ":${QueueName}"}}},
	{"SQSSendMessagePolicy", "QueueName", []allowance{
		{service: "sqs", actions: "SendMessage*", resources: ":${QueueName}"}}},
	{"SSMParameterReadPolicy", "ParameterName", []allowance{
		{service: "ssm", actions: "DescribeParameters", resources: "*"},
		{service: "ssm", actions: "GetParameters GetParameter GetParametersByPath", resources: ":parameter/${ParameterName}"}}},
	{"SSMParameterWithSlashPrefixReadPolicy", "ParameterName", []allowance{
		{service: "ssm", actions: "DescribeParameters", resources: "*"},
		{service: "ssm", actions: "GetParameters GetParameter GetParametersByPath", resources: ":parameter${ParameterName}"}}},
	{"SageMakerCreateEndpointConfigPolicy", "EndpointConfigName", []allowance{
		{service: "sagemaker", actions: "CreateEndpointConfig", resources: ":endpoint-config/${EndpointConfigName}"}}},
	{"SageMakerCreateEndpointPolicy", "EndpointName", []allowance{
		{service: "sagemaker", actions: "CreateEndpoint", resources: ":endpoint/${EndpointName}"}}},
	{"ServerlessRepoReadWriteAccessPolicy", "", []allowance{
		{service: "serverlessrepo", actions: "CreateApplication CreateApplicationVersion UpdateApplication GetApplication ListApplications " +
			"ListApplicationVersions ListApplicationDependencies",
			resources: ":applications/*"}}},
	{"StepFunctionsCallbackPolicy", "StateMachineName", []allowance{
		{service: "states", actions: "SendTaskFailure SendTaskHeartbeat SendTaskSuccess", resources: ":stateMachine:${StateMachineName}"}}},
	{"StepFunctionsExecutionPolicy", "StateMachineName", []allowance{
		{service: "states", actions: "StartExecution", resources: ":stateMachine:${StateMachineName}"}}},
	{"StepFunctionsExecutionPolicy_v2", "StateMachineName", []allowance{
		{service: "states", actions: "StartExecution StartSyncExecution", resources: ":stateMachine:${StateMachineName}"}}},
	{"TextractDetectAnalyzePolicy", "", []allowance{
		{service: "textract", actions: "DetectDocumentText StartDocumentTextDetection StartDocumentAnalysis AnalyzeDocument", resources: "*"}}},
	{"TextractGetResultPolicy", "", []allowance{
		{service: "textract", actions: "GetDocumentTextDetection GetDocumentAnalysis", resources: "*"}}},
	{"TextractPolicy", "", []allowance{
		{service: "textract", actions: "*", resources: "*"}}},
	{"VPCAccessPolicy", "", []allowance{
		{service: "ec2", actions: "CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DetachNetworkInterface",
			resources: "*"}}},
}
