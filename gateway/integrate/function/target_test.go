package function_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/integrate/function"
)

const (
	arn = "arn:aws:lambda:us-east-1:000000000000:function:chat"
	uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + arn + "/invocations"
)

func TestTargets(t *testing.T) {
	in := func(function string) string { return strings.Replace(uri, arn, function, 1) }
	vars := map[string]string{"fn": "chat", "alias": "live", "both": "chat:7", "whole": arn, "role": "caller", "bad": "a/b"}
	for _, tt := range []struct {
		name, uri, credentials string
		arn, role              string
		asCaller               bool
		missing, fault         string
	}{
		{name: "function", uri: uri, arn: arn},
		{name: "version", uri: in(arn + ":7"), arn: arn + ":7"},
		{name: "latest", uri: in(arn + ":$LATEST"), arn: arn + ":$LATEST"},
		{name: "name by variable", uri: in("arn:aws:lambda:us-east-1:000000000000:function:${stageVariables.fn}"), arn: arn},
		{name: "alias by variable", uri: in(arn + ":${stageVariables.alias}"), arn: arn + ":live"},
		{name: "name and version by variable", uri: in("arn:aws:lambda:us-east-1:000000000000:function:${stageVariables.both}"), arn: arn + ":7"},
		{name: "ARN by variable", uri: in("${stageVariables.whole}"), arn: arn},
		{name: "another partition", uri: strings.ReplaceAll(uri, "arn:aws:", "arn:aws-cn:"), arn: strings.Replace(arn, "aws", "aws-cn", 1)},
		{name: "role", uri: uri, credentials: "arn:aws:iam::000000000000:role/r", arn: arn, role: "arn:aws:iam::000000000000:role/r"},
		{name: "role by variable", uri: uri, credentials: "arn:aws:iam::000000000000:role/${stageVariables.role}", arn: arn, role: "arn:aws:iam::000000000000:role/caller"},
		{name: "caller", uri: uri, credentials: "arn:aws:iam::*:user/*", arn: arn, asCaller: true},
		{name: "missing variable", uri: in(arn + ":${stageVariables.gone}"), missing: "gone"},
		{name: "missing variables", uri: in(arn + ":${stageVariables.gone}"), credentials: "${stageVariables.role2}${stageVariables.gone}", missing: "gone role2"},
		{name: "bare ARN", uri: arn, fault: "does not invoke a Lambda function"},
		{name: "name alone", uri: in("chat"), fault: "chat is no ARN"},
		{name: "variable that breaks out", uri: in("arn:aws:lambda:us-east-1:000000000000:function:${stageVariables.bad}"), fault: "is no ARN"},
		{name: "another service", uri: "arn:aws:apigateway:us-east-1:sqs:path/q", fault: "does not invoke"},
		{name: "another operation", uri: "arn:aws:apigateway:us-east-1:lambda:path/2014-11-13/functions/" + arn + "/invoke-async", fault: "does not invoke"},
		{name: "empty", fault: "does not invoke"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := function.Compile(tt.uri, tt.credentials, vars)
			if got.ARN != tt.arn || got.RoleARN != tt.role || got.AsCaller != tt.asCaller || strings.Join(got.Missing, " ") != tt.missing {
				t.Errorf("%+v", got)
			}
			if (got.Fault == "") != (tt.fault == "") || !strings.Contains(got.Fault, tt.fault) {
				t.Errorf("fault %q, want one with %q", got.Fault, tt.fault)
			}
		})
	}
}

func TestServices(t *testing.T) {
	for uri, want := range map[string]string{
		uri: "lambda", "arn:aws:apigateway:us-east-1:sqs:path/0/q": "sqs", "arn:aws:apigateway:us-east-1:my.s3:action/Get": "s3",
		"arn:aws:apigateway:us-east-1:lambda:path/2014-11-13/x": "lambda:path/2014-11-13/x", "http://a/": "", arn: "", "": "",
	} {
		if got := function.Service(uri); got != want {
			t.Errorf("Service(%q) = %q, want %q", uri, got, want)
		}
	}
}

// functions is a function service of one function.
type functions func(ctx context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error)

func (f functions) Call(ctx context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
	return f(ctx, c)
}

func TestCalls(t *testing.T) {
	caller := &sockgate.Principal{ARN: "arn:aws:iam::000000000000:user/ann"}
	fails := func(err error) functions {
		return func(context.Context, *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) { return nil, err }
	}
	for _, tt := range []struct {
		name        string
		target      *function.Target
		caller      *sockgate.Principal
		functions   sockgate.Functions
		kind        sockgate.Kind
		words, omit string
	}{
		{"permission", &function.Target{ARN: arn}, nil, fails(sockgate.Forbiddenf("for the peer").Because(errors.New("no statement lets it in"))),
			sockgate.Internal, "Invalid permissions on Lambda function: no statement lets it in", "for the peer"},
		{"not there", &function.Target{ARN: arn}, nil, fails(sockgate.NotFoundf("Function not found: x")), sockgate.Internal,
			"Invalid permissions on Lambda function: Function not found: x", ""},
		{"throttled", &function.Target{ARN: arn}, nil, fails(&sockgate.Error{Kind: sockgate.Throttled, Message: "no process is free"}), sockgate.Internal, "Rate Exceeded", ""},
		{"too late", &function.Target{ARN: arn}, nil, fails(&sockgate.Error{Kind: sockgate.Timeout, Message: "ours"}), sockgate.Timeout, "Endpoint request timed out", ""},
		{"unavailable", &function.Target{ARN: arn}, nil, fails(sockgate.Unavailablef("stopping")), sockgate.Internal, "stopping", ""},
		{"no functions", &function.Target{ARN: arn}, nil, nil, sockgate.Internal, "runs no functions", ""},
		{"missing variable", &function.Target{Missing: []string{"a", "b"}}, nil, fails(nil), sockgate.Internal, "no variable a, b", ""},
		{"fault", &function.Target{Fault: "names no function"}, nil, fails(nil), sockgate.Internal, "names no function", ""},
		{"caller without a signature", &function.Target{ARN: arn, AsCaller: true}, nil, fails(nil), sockgate.Internal, "not authorized with AWS_IAM", ""},
		{"caller", &function.Target{ARN: arn, AsCaller: true}, caller, functions(func(_ context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
			if c.Caller != caller || c.RoleARN != "" {
				return nil, sockgate.Invalidf("wrong credentials: %+v", c)
			}
			return &sockgate.FunctionAnswer{}, nil
		}), 0, "", ""},
		{"role", &function.Target{ARN: arn, RoleARN: "r"}, caller, functions(func(_ context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
			if c.Caller != nil || c.RoleARN != "r" || c.Function != arn || c.SourceARN != "s" {
				return nil, sockgate.Invalidf("wrong call: %+v", c)
			}
			return &sockgate.FunctionAnswer{}, nil
		}), 0, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.target.Call(t.Context(), tt.functions, sockgate.FunctionCall{SourceARN: "s"}, tt.caller, time.Second)
			if tt.words == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || sockgate.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.words) || tt.omit != "" && strings.Contains(err.Error(), tt.omit) {
				t.Errorf("%v (%v), want %v with %q", err, sockgate.KindOf(err), tt.kind, tt.words)
			}
		})
	}
}

func TestACallEndsWithItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := functions(func(ctx context.Context, _ *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
			<-ctx.Done()
			return nil, &sockgate.Error{Kind: sockgate.Timeout, Cause: ctx.Err()}
		})
		began := time.Now()
		_, err := (&function.Target{ARN: arn}).Call(t.Context(), waits, sockgate.FunctionCall{}, nil, 50*time.Millisecond)
		if took := time.Since(began); took != 50*time.Millisecond || sockgate.KindOf(err) != sockgate.Timeout {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func BenchmarkCall(b *testing.B) {
	answer := &sockgate.FunctionAnswer{}
	at := functions(func(context.Context, *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) { return answer, nil })
	target := &function.Target{ARN: arn}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := target.Call(context.Background(), at, sockgate.FunctionCall{}, nil, 29*time.Second); err != nil {
			b.Fatal(err)
		}
	}
}
