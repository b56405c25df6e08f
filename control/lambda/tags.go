package lambda

import (
	"context"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/sockgate/sockgate/service/function"
)

const maxTags = 50

const taggablePattern = `arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`

var taggableForm = whole(taggablePattern)

// tagged returns the name of the function that a tag operation is about.
func (s *Service) tagged(in *input) (string, error) {
	arn := in.vars["Resource"]
	c := &checker{}
	c.pattern("resource", arn, taggableForm, taggablePattern)
	if err := c.err(); err != nil {
		return "", err
	}
	if !strings.Contains(arn, ":function:") {
		return "", notFound("The resource you requested does not exist.")
	}
	name, qualifier, err := s.functionName(arn, "")
	if err != nil {
		return "", err
	}
	if qualifier != "" {
		return "", invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return name, nil
}

func (s *Service) listTags(_ context.Context, in *input) (any, error) {
	name, err := s.tagged(in)
	if err != nil {
		return nil, err
	}
	r := s.Functions.Get(name)
	if r == nil {
		return nil, s.Functions.NotFound(name, "")
	}
	tags := r.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return struct{ Tags map[string]string }{tags}, nil
}

// checkTags checks new tags and their number together with those that are there.
func checkTags(tags, there map[string]string) error {
	for key, value := range tags {
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128 || utf8.RuneCountInString(value) > 256:
			return invalid("Tag keys must have 1 to 128 characters, and tag values at most 256.")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return invalid("Tag keys must not begin with 'aws:'.")
		}
	}
	n := len(tags)
	for key := range there {
		if _, again := tags[key]; !again {
			n++
		}
	}
	if n > maxTags {
		return invalid("Number of tags exceeds resource tag limit.")
	}
	return nil
}

func (s *Service) tagResource(ctx context.Context, in *input) (any, error) {
	var body struct{ Tags map[string]string }
	if err := readBody(in.Body, &body); err != nil {
		return nil, err
	}
	name, err := s.tagged(in)
	if err != nil {
		return nil, err
	}
	if body.Tags == nil {
		c := &checker{}
		c.missing("tags")
		return nil, c.err()
	}
	if len(body.Tags) == 0 {
		return nil, invalid("An error occurred and the request cannot be processed.")
	}
	_, err = s.Functions.Change(ctx, name, func(r *function.Record) error {
		if err := checkTags(body.Tags, r.Tags); err != nil {
			return err
		}
		if r.Tags == nil {
			r.Tags = make(map[string]string)
		}
		maps.Copy(r.Tags, body.Tags)
		return nil
	})
	return nil, err
}

func (s *Service) untagResource(ctx context.Context, in *input) (any, error) {
	name, err := s.tagged(in)
	if err != nil {
		return nil, err
	}
	keys := in.query["tagKeys"]
	if len(keys) == 0 {
		c := &checker{}
		c.missing("tagKeys")
		return nil, c.err()
	}
	_, err = s.Functions.Change(ctx, name, func(r *function.Record) error {
		for _, key := range keys {
			delete(r.Tags, key)
		}
		return nil
	})
	return nil, err
}
