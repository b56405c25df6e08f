// A program with the AWS SDK for Go, which takes AWS_ENDPOINT_URL for all services, and pushes to the address that API Gateway would have.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	api "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, id, connection string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	gateway := apigatewayv2.NewFromConfig(cfg)
	created, err := gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("go"), ProtocolType: api.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	})
	if err != nil {
		return err
	}
	all, err := gateway.GetApis(ctx, &apigatewayv2.GetApisInput{})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all.Items, func(a api.Api) bool { return *a.ApiId == *created.ApiId && *a.Name == "go" }) {
		return errors.New("the API is not listed")
	}
	_, err = dynamodb.NewFromConfig(cfg).PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String("items"), Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "go"}},
	})
	if err != nil {
		return err
	}
	push := apigatewaymanagementapi.NewFromConfig(cfg, func(o *apigatewaymanagementapi.Options) {
		o.BaseEndpoint = aws.String("https://" + id + ".execute-api." + cfg.Region + ".amazonaws.com/dev")
	})
	_, err = push.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &connection, Data: []byte("from go")})
	return err
}
