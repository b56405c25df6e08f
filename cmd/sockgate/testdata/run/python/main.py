"""With boto3."""

import os
import sys

import boto3

api, connection = sys.argv[1:]
gateway = boto3.client("apigatewayv2")
created = gateway.create_api(Name="boto3", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
assert any(a["ApiId"] == created["ApiId"] and a["Name"] == "boto3" for a in gateway.get_apis()["Items"])
boto3.client("dynamodb").put_item(TableName="items", Item={"id": {"S": "boto3"}})
endpoint = f"https://{api}.execute-api.{os.environ['AWS_REGION']}.amazonaws.com/dev"
boto3.client("apigatewaymanagementapi", endpoint_url=endpoint).post_to_connection(ConnectionId=connection, Data=b"from boto3")
