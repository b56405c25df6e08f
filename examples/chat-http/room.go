package main

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// room keeps who is connected in DynamoDB tables, whose key is the connection id. Each stage has a table of its own.
type room struct{ db *dynamodb.Client }

type person struct{ ConnectionID, Name string }

func newRoom(config aws.Config) *room { return &room{dynamodb.NewFromConfig(config)} }

func (r *room) enter(ctx context.Context, table, id, name string) error {
	_, err := r.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"connectionId": &types.AttributeValueMemberS{Value: id},
		"name":         &types.AttributeValueMemberS{Value: name},
	}})
	return err
}

func (r *room) leave(ctx context.Context, table, id string) error {
	_, err := r.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &table, Key: map[string]types.AttributeValue{
		"connectionId": &types.AttributeValueMemberS{Value: id},
	}})
	return err
}

// people returns everyone, by name.
func (r *room) people(ctx context.Context, table string) ([]person, error) {
	var all []person
	for pages := dynamodb.NewScanPaginator(r.db, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			all = append(all, person{text(item["connectionId"]), text(item["name"])})
		}
	}
	slices.SortFunc(all, func(a, b person) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
