package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	benchTable = "bench"
	tableItems = 20000
	// signedAhead is how many requests a caller has signed beforehand. A signature is good for five minutes, and what is measured is
	// the gateway's work, not the load generator's.
	signedAhead = 500
)

// tableCalls are the calls that are measured, by the number of an item.
var tableCalls = []struct {
	name, target string
	body         func(i int) string
}{
	{"PutItem", "PutItem", func(i int) string {
		return fmt.Sprintf(`{"TableName":%q,"Item":{"room":{"S":"r%d"},"n":{"N":"%d"},"text":{"S":%q},"at":{"N":"1700000000"}}}`,
			benchTable, i/100, i%100, strings.Repeat("x", 100))
	}},
	{"GetItem", "GetItem", func(i int) string {
		return fmt.Sprintf(`{"TableName":%q,"Key":{"room":{"S":"r%d"},"n":{"N":"%d"}},"ConsistentRead":true}`, benchTable, i/100, i%100)
	}},
	{"UpdateItem with a condition", "UpdateItem", func(i int) string {
		return fmt.Sprintf(`{"TableName":%q,"Key":{"room":{"S":"r%d"},"n":{"N":"%d"}},"UpdateExpression":"SET #at = #at + :one","ConditionExpression":"attribute_exists(room)",`+
			`"ExpressionAttributeNames":{"#at":"at"},"ExpressionAttributeValues":{":one":{"N":"1"}}}`, benchTable, i/100, i%100)
	}},
	{"Query of 100 items", "Query", func(i int) string {
		return fmt.Sprintf(`{"TableName":%q,"KeyConditionExpression":"room = :r","ExpressionAttributeValues":{":r":{"S":"r%d"}}}`, benchTable, i/100)
	}},
}

// tables measures signed calls of the DynamoDB API, each write on disk before it is answered, by 1, 16 and 64 callers.
func tables(ctx context.Context, gw *gateway, d time.Duration, rounds int) error {
	create := fmt.Sprintf(`{"TableName":%q,"BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"room","AttributeType":"S"},{"AttributeName":"n","AttributeType":"N"}],`+
		`"KeySchema":[{"AttributeName":"room","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"}]}`, benchTable)
	if err := gw.tableCall(ctx, "CreateTable", create); err != nil {
		return err
	}
	if err := gw.tableCall(ctx, "DescribeTable", fmt.Sprintf(`{"TableName":%q}`, benchTable)); err != nil { // which waits for the table
		return err
	}
	for from := 0; from < tableItems; from += 25 {
		var puts []string
		for i := from; i < from+25; i++ {
			item := strings.TrimPrefix(tableCalls[0].body(i), fmt.Sprintf(`{"TableName":%q,`, benchTable))
			puts = append(puts, `{"PutRequest":{`+item+`}`)
		}
		if err := gw.tableCall(ctx, "BatchWriteItem", fmt.Sprintf(`{"RequestItems":{%q:[%s]}}`, benchTable, strings.Join(puts, ","))); err != nil {
			return err
		}
	}
	for _, call := range tableCalls {
		for _, callers := range []int{1, 16, 64} {
			var best rate
			for range rounds {
				r, err := gw.tableRate(ctx, call.target, call.body, callers, d)
				if err != nil {
					return fmt.Errorf("%s: %w", call.name, err)
				}
				best = better(best, r)
			}
			report(fmt.Sprintf("%s, %d callers", call.name, callers), "%.0f calls/s, %v of processor time each", best.perSecond, best.cpu)
		}
	}
	return nil
}

// tableRate is how many of a call n callers get answered per second.
func (g *gateway) tableRate(ctx context.Context, target string, body func(int) string, n int, d time.Duration) (rate, error) {
	caller := 0
	return closedLoop(ctx, n, d, func() (func() error, func(), error) {
		requests := make([][]byte, signedAhead)
		for i := range requests {
			var err error
			if requests[i], err = g.signedTableCall(ctx, target, body((caller*signedAhead+i*7)%tableItems)); err != nil {
				return nil, nil, err
			}
		}
		caller++
		c, err := net.Dial("tcp", g.addr)
		if err != nil {
			return nil, nil, err
		}
		r := bufio.NewReaderSize(c, 64<<10)
		next := 0
		once := func() error {
			next++
			if _, err := c.Write(requests[next%signedAhead]); err != nil {
				return err
			}
			return readReply(r)
		}
		return once, func() { c.Close() }, nil
	})
}

// tableCall makes one call.
func (g *gateway) tableCall(ctx context.Context, target, body string) error {
	request, err := g.signedTableCall(ctx, target, body)
	if err != nil {
		return err
	}
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write(request); err != nil {
		return err
	}
	if err := readReply(bufio.NewReaderSize(c, 64<<10)); err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	return nil
}

// readReply reads a reply with a body, as cheaply as the load generator can.
func readReply(r *bufio.Reader) error {
	first, length := true, 0
	status := ""
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first {
			status = string(line[:min(len(line), 12)])
		}
		if first = false; len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok && bytes.EqualFold(name, []byte("content-length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if status != "HTTP/1.1 200" {
		text := make([]byte, min(length, 1000))
		n, _ := r.Read(text)
		return fmt.Errorf("answered %s %s", status, text[:n])
	}
	_, err := r.Discard(length)
	return err
}

// signedTableCall is a whole request, signed by the AWS SDK's own signer.
func (g *gateway) signedTableCall(ctx context.Context, target, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+g.addr+"/", nil)
	if err != nil {
		return nil, err
	}
	req.ContentLength = int64(len(body))
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+target)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	sum := sha256.Sum256([]byte(body))
	err = v4.NewSigner().SignHTTP(ctx, aws.Credentials{AccessKeyID: benchKeyID, SecretAccessKey: benchSecret}, req,
		hex.EncodeToString(sum[:]), "dynamodb", "us-east-1", time.Now())
	if err != nil {
		return nil, err
	}
	out := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", g.addr, len(body))
	for name, values := range req.Header {
		for _, v := range values {
			out = fmt.Appendf(out, "%s: %s\r\n", name, v)
		}
	}
	return append(append(out, "\r\n"...), body...), nil
}
