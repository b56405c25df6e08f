package dynamodb

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/table"
)

// A stream has one shard, which is open as long as the stream is enabled.

const (
	// iteratorLife is how long a shard iterator is good. Source: API reference, GetShardIterator.
	iteratorLife = 15 * time.Minute
	maxRecords   = 1000
)

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// shardID names the shard of a stream: when it began, and digits that stay the same.
func shardID(d *table.Definition, s *table.Stream) string {
	sum := md5.Sum([]byte(d.UUID + s.Label))
	return fmt.Sprintf("shardId-%020d-%08x", s.Created.UnixMilli(), sum[:4])
}

func errStream(arn string) error {
	return sockgate.NotFoundf("Requested resource not found: Stream: %s not found", arn)
}

// stream returns what a stream's ARN names, and whether the caller may do the operation on it.
func (c *call) stream(arn string) (*table.Table, *table.Stream, error) {
	path, ok := strings.CutPrefix(arn, c.s.arn(""))
	if !ok || !strings.Contains(path, "/stream/") {
		return nil, nil, sockgate.Invalidf("Invalid StreamArn: %s", arn)
	}
	if err := c.allow(c.op.name, path, nil); err != nil {
		return nil, nil, err
	}
	t, s, err := c.s.Tables.StreamOf(path)
	if err != nil {
		return nil, nil, errStream(arn)
	}
	return t, s, nil
}

func listStreams(c *call) error {
	name := c.s.tableOf(c.text("TableName"))
	if !c.req.Principal.Root {
		resource := "*"
		if name != "" {
			resource = c.s.arn(name + "/stream/*")
		}
		if err := c.req.Allowed("dynamodb:ListStreams", []string{resource}, nil); err != nil {
			return err
		}
	}
	most := 100
	if l := c.node("Limit"); l.set {
		most = int(l.n)
	}
	var found []object
	for _, n := range c.s.Tables.Names() {
		d, err := c.s.Tables.Lookup(n)
		if err != nil || name != "" && n != name {
			continue
		}
		for _, s := range d.Streams {
			found = append(found, object{"StreamArn": c.s.arn(n + "/stream/" + s.Label), "StreamLabel": s.Label, "TableName": n})
		}
	}
	if start := c.text("ExclusiveStartStreamArn"); start != "" {
		if !strings.HasPrefix(start, c.s.arn("")) || !strings.Contains(start, "/stream/") {
			return sockgate.Invalidf("Invalid StreamArn: %s", start)
		}
		i := slices.IndexFunc(found, func(o object) bool { return o["StreamArn"] == start })
		found = found[i+1:]
	}
	answer := object{"Streams": found}
	if len(found) == 0 {
		answer["Streams"] = []object{}
	}
	if len(found) > most {
		answer["Streams"], answer["LastEvaluatedStreamArn"] = found[:most], found[most-1]["StreamArn"]
	}
	return c.tellAll(answer)
}

func describeStream(c *call) error {
	arn := c.text("StreamArn")
	t, s, err := c.stream(arn)
	if err != nil {
		return err
	}
	d := t.Def()
	sequence := object{"StartingSequenceNumber": table.Sequence(uint64(s.Created.UnixMicro()))}
	status := "ENABLED"
	if !s.Disabled.IsZero() {
		status = "DISABLED"
		sequence["EndingSequenceNumber"] = table.Sequence(t.Visible())
	}
	shards := []object{}
	if c.text("ExclusiveStartShardId") < shardID(d, s) {
		shards = append(shards, object{"ShardId": shardID(d, s), "SequenceNumberRange": sequence})
	}
	return c.tell("StreamDescription", object{
		"StreamArn": arn, "StreamLabel": s.Label, "StreamStatus": status, "StreamViewType": s.View, "TableName": d.Name,
		"CreationRequestDateTime": unixTime(s.Created), "KeySchema": describeKey(d.Key), "Shards": shards,
	})
}

// iterator is where a reader of a shard stands: behind which change.
type iterator struct {
	table, stream string // names
	behind        uint64
	made          time.Time
}

// iteratorKey signs iterators, so that what comes back is what was given. A restart makes a new one: iterators live a quarter of an
// hour anyway, and readers know to ask for others.
type iteratorKey [32]byte

func newIteratorKey() (k iteratorKey) {
	_, _ = rand.Read(k[:]) // never fails
	return k
}

func (k *iteratorKey) seal(arn string, it iterator) string {
	b := binary.BigEndian.AppendUint64(nil, it.behind)
	b = binary.BigEndian.AppendUint64(b, uint64(it.made.UnixMilli()))
	b = append(append(append(b, it.table...), 0), it.stream...)
	m := hmac.New(sha256.New, k[:])
	m.Write(b)
	return arn + "|1|" + base64.StdEncoding.EncodeToString(m.Sum(b))
}

func (k *iteratorKey) open(text string) (it iterator, ok bool) {
	i := strings.LastIndexByte(text, '|')
	b, err := base64.StdEncoding.DecodeString(text[i+1:])
	if err != nil || len(b) < 16+sha256.Size {
		return it, false
	}
	b, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	m := hmac.New(sha256.New, k[:])
	m.Write(b)
	if !hmac.Equal(m.Sum(nil), sum) {
		return it, false
	}
	it.behind = binary.BigEndian.Uint64(b)
	it.made = time.UnixMilli(int64(binary.BigEndian.Uint64(b[8:])))
	it.table, it.stream, ok = strings.Cut(string(b[16:]), "\x00")
	return it, ok
}

func getShardIterator(c *call) error {
	arn := c.text("StreamArn")
	t, s, err := c.stream(arn)
	if err != nil {
		return err
	}
	if id := c.text("ShardId"); id != shardID(t.Def(), s) {
		return sockgate.NotFoundf("Requested resource not found: Shard does not exist")
	}
	kind, number := c.text("ShardIteratorType"), c.node("SequenceNumber")
	it := iterator{table: t.Def().Name, stream: s.Label, made: c.s.Clock()}
	switch kind {
	case "LATEST":
		it.behind = t.Visible()
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		if !number.set {
			return sockgate.Invalidf("SequenceNumber is required for ShardIteratorType %s", kind)
		}
		at, ok := table.ParseSequence(number.text)
		if !ok || at > t.Visible() {
			return sockgate.Invalidf("Invalid SequenceNumber: %s", number.text)
		}
		trimmed, err := t.Trimmed(s, at)
		if err != nil {
			return err
		}
		if trimmed && at < uint64(s.Created.UnixMicro()) {
			return sockgate.Invalidf("Invalid SequenceNumber: %s", number.text)
		}
		it.behind = at
		if kind == "AT_SEQUENCE_NUMBER" {
			it.behind--
		}
	}
	if number.set && (kind == "LATEST" || kind == "TRIM_HORIZON") {
		return sockgate.Invalidf("SequenceNumber must not be specified for ShardIteratorType %s", kind)
	}
	return c.tell("ShardIterator", c.s.iterators.seal(arn, it))
}

func getRecords(c *call) error {
	text := c.text("ShardIterator")
	it, ok := c.s.iterators.open(text)
	if !ok {
		return sockgate.Invalidf("Invalid ShardIterator")
	}
	arn := c.s.arn(it.table + "/stream/" + it.stream)
	t, s, err := c.stream(arn)
	if err != nil {
		return err
	}
	if c.s.Clock().Sub(it.made) > iteratorLife {
		return &fault{typ: dynamo + "ExpiredIteratorException", message: "The shard iterator has expired. Shard iterators are valid for 15 minutes"}
	}
	most := maxRecords
	if l := c.node("Limit"); l.set {
		most = int(l.n)
	}
	rs, next, err := t.Records(s, it.behind, most)
	if err != nil {
		return err
	}
	c.out = append(c.out, `{"Records":[`...)
	for i := range rs {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.appendRecord(s, &rs[i])
	}
	c.out = append(c.out, ']')
	// A shard that is closed and read to its end has no next iterator.
	if s.Disabled.IsZero() || next < t.Visible() || len(rs) > 0 {
		it.behind, it.made = next, c.s.Clock()
		c.out = appendText(append(c.out, `,"NextShardIterator":`...), c.s.iterators.seal(arn, it))
	}
	c.out = append(c.out, '}')
	return nil
}

// appendRecord appends a change record.
func (c *call) appendRecord(s *table.Stream, r *table.Record) {
	id := md5.Sum(binary.BigEndian.AppendUint64([]byte(s.Label), r.Sequence))
	b := append(c.out, fmt.Sprintf(`{"eventID":"%x","eventName":"%s","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":`, id, r.Event)...)
	b = appendText(b, c.s.Region)
	b = strconv.AppendInt(append(b, `,"dynamodb":{"ApproximateCreationDateTime":`...), r.Time.Unix(), 10)
	b = r.Keys.AppendJSON(append(b, `,"Keys":`...))
	if r.New != nil {
		b = r.New.AppendJSON(append(b, `,"NewImage":`...))
	}
	if r.Old != nil {
		b = r.Old.AppendJSON(append(b, `,"OldImage":`...))
	}
	b = append(b, `,"SequenceNumber":"`+table.Sequence(r.Sequence)+`","SizeBytes":`...)
	b = strconv.AppendInt(b, int64(r.Size()), 10)
	b = append(b, `,"StreamViewType":"`+s.View+`"}`...)
	if r.Expired {
		b = append(b, `,"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}`...)
	}
	c.out = append(b, '}')
}
