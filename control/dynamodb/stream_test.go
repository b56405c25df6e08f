package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const streams = "DynamoDBStreams_20120810."

// ask sends a call and decodes the answer.
func ask[T any](t *testing.T, h *harness, target string, in map[string]any) (out T) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	resp, answer := h.raw(t, target, string(body))
	if resp.StatusCode != 200 {
		t.Fatalf("%s: %s", target, answer)
	}
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return out
}

type shards struct {
	StreamDescription struct {
		StreamStatus, StreamViewType, TableName string
		Shards                                  []struct {
			ShardId             string
			SequenceNumberRange struct{ StartingSequenceNumber, EndingSequenceNumber string }
		}
	}
}

type records struct {
	NextShardIterator string
	Records           []record
}

type record struct {
	EventID, EventName, EventVersion, EventSource, AwsRegion string
	UserIdentity                                             *struct{ Type, PrincipalId string }
	Dynamodb                                                 struct {
		Keys, NewImage, OldImage       map[string]map[string]string
		SequenceNumber, StreamViewType string
		SizeBytes                      int
		ApproximateCreationDateTime    float64
	}
}

func TestStreams(t *testing.T) {
	h := start(t)
	in := hashTable("changes")
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "NEW_AND_OLD_IMAGES"}
	h.create(t, in)
	name, ctx := aws.String("changes"), t.Context()
	put := func(v string) {
		t.Helper()
		if _, err := h.PutItem(ctx, &ddb.PutItemInput{TableName: name, Item: item{"id": s("a"), "v": s(v)}}); err != nil {
			t.Fatal(err)
		}
	}
	put("1")
	put("2")
	put("2") // changes nothing
	if _, err := h.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: name, Key: item{"id": s("a")}}); err != nil {
		t.Fatal(err)
	}
	arn := *h.settled(t, "changes").LatestStreamArn
	list := ask[struct {
		Streams []struct{ StreamArn, TableName string }
	}](t, h, streams+"ListStreams", map[string]any{"TableName": "changes"})
	if len(list.Streams) != 1 || list.Streams[0].StreamArn != arn {
		t.Errorf("ListStreams: %+v", list)
	}
	d := ask[shards](t, h, streams+"DescribeStream", map[string]any{"StreamArn": arn}).StreamDescription
	if d.StreamStatus != "ENABLED" || d.StreamViewType != "NEW_AND_OLD_IMAGES" || len(d.Shards) != 1 {
		t.Fatalf("DescribeStream: %+v", d)
	}
	iterator := func(kind, sequence string) string {
		t.Helper()
		in := map[string]any{"StreamArn": arn, "ShardId": d.Shards[0].ShardId, "ShardIteratorType": kind}
		if sequence != "" {
			in["SequenceNumber"] = sequence
		}
		return ask[struct{ ShardIterator string }](t, h, streams+"GetShardIterator", in).ShardIterator
	}
	read := func(it string, limit int) records {
		t.Helper()
		return ask[records](t, h, streams+"GetRecords", map[string]any{"ShardIterator": it, "Limit": limit})
	}
	latest := iterator("LATEST", "")
	first := read(iterator("TRIM_HORIZON", ""), 2)
	rest := read(first.NextShardIterator, 100)
	all := append(first.Records, rest.Records...)
	var events []string
	for _, r := range all {
		events = append(events, fmt.Sprint(r.EventName, r.Dynamodb.Keys["id"]["S"], r.Dynamodb.OldImage["v"]["S"], r.Dynamodb.NewImage["v"]["S"]))
	}
	same(t, "events", events, []string{"INSERTa1", "MODIFYa12", "REMOVEa2"})
	if r := all[1]; r.EventVersion != "1.1" || r.EventSource != "aws:dynamodb" || r.AwsRegion != region || r.Dynamodb.SizeBytes != 3+5+5 || len(r.Dynamodb.SequenceNumber) < 21 {
		t.Errorf("%+v", r)
	}
	second := all[1].Dynamodb.SequenceNumber
	same(t, "at", len(read(iterator("AT_SEQUENCE_NUMBER", second), 10).Records), 2)
	same(t, "after", len(read(iterator("AFTER_SEQUENCE_NUMBER", second), 10).Records), 1)
	same(t, "latest, before", len(read(latest, 10).Records), 0)
	put("3")
	same(t, "latest, after", len(read(latest, 10).Records), 1)
	h.ahead.Store(int64(16 * time.Minute))
	if _, answer := h.raw(t, streams+"GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, latest)); !strings.Contains(answer, "ExpiredIteratorException") {
		t.Errorf("an old iterator: %s", answer)
	}
	h.ahead.Store(0)
	if _, err := h.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: name, StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}}); err != nil {
		t.Fatal(err)
	}
	h.settled(t, "changes")
	last := read(iterator("TRIM_HORIZON", ""), 100)
	same(t, "after the end", len(last.Records), 4)
	if end := read(last.NextShardIterator, 100); end.NextShardIterator != "" || len(end.Records) != 0 {
		t.Errorf("behind the end: %+v", end)
	}
	if _, answer := h.raw(t, streams+"GetRecords", `{"ShardIterator":"abc"}`); !strings.Contains(answer, "ValidationException") {
		t.Errorf("a forged iterator: %s", answer)
	}
}

func TestTimeToLive(t *testing.T) {
	h := start(t)
	in := hashTable("mortal")
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "KEYS_ONLY"}
	h.create(t, in)
	name, ctx := aws.String("mortal"), t.Context()
	spec := &types.TimeToLiveSpecification{AttributeName: aws.String("end"), Enabled: aws.Bool(true)}
	if _, err := h.UpdateTimeToLive(ctx, &ddb.UpdateTimeToLiveInput{TableName: name, TimeToLiveSpecification: spec}); err != nil {
		t.Fatal(err)
	}
	out, err := h.DescribeTimeToLive(ctx, &ddb.DescribeTimeToLiveInput{TableName: name})
	if err != nil || out.TimeToLiveDescription.TimeToLiveStatus != "ENABLED" || *out.TimeToLiveDescription.AttributeName != "end" {
		t.Errorf("%+v, %v", out, err)
	}
	for id, end := range map[string]int64{"old": time.Now().Unix() - 1, "new": time.Now().Unix() + 1000} {
		if _, err := h.PutItem(ctx, &ddb.PutItemInput{TableName: name, Item: item{"id": s(id), "end": n(fmt.Sprint(end))}}); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		out, err := h.Scan(ctx, &ddb.ScanInput{TableName: name})
		if err != nil {
			t.Fatal(err)
		}
		if out.Count == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the item does not expire")
		}
		time.Sleep(5 * time.Millisecond)
	}
	arn := *h.settled(t, "mortal").LatestStreamArn
	shard := ask[shards](t, h, streams+"DescribeStream", map[string]any{"StreamArn": arn}).StreamDescription.Shards[0].ShardId
	it := ask[struct{ ShardIterator string }](t, h, streams+"GetShardIterator", map[string]any{"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"})
	rs := ask[records](t, h, streams+"GetRecords", map[string]any{"ShardIterator": it.ShardIterator}).Records
	if len(rs) != 3 || rs[2].EventName != "REMOVE" || rs[2].UserIdentity == nil || rs[2].UserIdentity.PrincipalId != "dynamodb.amazonaws.com" {
		t.Errorf("%+v", rs)
	}
}
