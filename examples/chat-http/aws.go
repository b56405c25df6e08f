package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
)

// surroundings is the part of the SDK's config.LoadDefaultConfig that matters here: region, key and endpoint of the environment.
func surroundings() aws.Config {
	config := aws.Config{Region: os.Getenv("AWS_REGION"), Credentials: credentials.NewStaticCredentialsProvider(
		os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"))}
	if endpoint := os.Getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		config.BaseEndpoint = &endpoint
	}
	return config
}

// pusher sends to connected clients.
type pusher struct{ config aws.Config }

// push sends text to one connection; gone says that there is none with that id any more.
func (p *pusher) push(ctx context.Context, api, stage, id string, text []byte) (gone bool, err error) {
	client := apigatewaymanagementapi.NewFromConfig(p.config, func(o *apigatewaymanagementapi.Options) {
		o.BaseEndpoint = aws.String(p.address(api, stage))
	})
	_, err = client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: text})
	if _, ok := errors.AsType[*types.GoneException](err); ok {
		return true, nil
	}
	return false, err
}

// address is where the connections of a stage are pushed to. It is the API's own address, which stays the same whichever
// domain name a client came by.
func (p *pusher) address(api, stage string) string {
	if p.config.BaseEndpoint != nil { // a gateway elsewhere than at AWS
		return *p.config.BaseEndpoint + "/_aws/execute-api/" + api + "/" + stage
	}
	return fmt.Sprintf("https://%s.execute-api.%s.amazonaws.com/%s", api, p.config.Region, stage)
}
