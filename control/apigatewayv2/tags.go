package apigatewayv2

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
)

// Rules of tags. Source: reference control-plane section 1.5. The texts are ours: UNCONFIRMED.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

var tagText = regexp.MustCompile(`^[\p{L}\p{N}\p{Z}_.:/=+@-]*$`)

// checkTags checks tags that a caller wants to set.
func checkTags(tags map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		switch n := utf8.RuneCountInString(key); {
		case n < 1 || n > maxTagKey:
			return sockgate.Invalidf("Invalid tag key: a key has 1 to %d characters", maxTagKey)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return sockgate.Invalidf("Invalid tag key: %s. Keys that begin with aws: are reserved", key)
		case utf8.RuneCountInString(value) > maxTagValue:
			return sockgate.Invalidf("Invalid tag value: the value of %s exceeds %d characters", key, maxTagValue)
		case !tagText.MatchString(key) || !tagText.MatchString(value):
			return sockgate.Invalidf("Invalid tag: %s. Keys and values may have letters, digits, spaces and the symbols . : + = @ _ / -", key)
		}
	}
	return nil
}

// addTags returns tags with those of the member "tags" set.
func addTags(m members, tags map[string]string) (map[string]string, error) {
	var added map[string]string
	if !set(m, "tags", &added) {
		return tags, nil
	}
	if err := checkTags(added); err != nil {
		return nil, err
	}
	tags = merge(tags, added, true)
	if len(tags) > maxTags {
		return nil, sockgate.Invalidf("A resource can have at most %d tags", maxTags)
	}
	return tags, nil
}

func newTags(m members) (map[string]string, error) { return addTags(m, nil) }

// tagged is what an ARN names: an API, one of its stages, or a domain name.
type tagged struct{ apiID, stage, domain string }

// parseARN takes apart arn:aws:apigateway:{region}::/apis/{apiId}, …/stages/{stageName} or …::/domainnames/{name}.
func (s *Service) parseARN(arn string) (tagged, error) {
	bad := sockgate.Invalidf("Invalid resource ARN specified: %s", arn)
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] != "aws" || parts[2] != "apigateway" ||
		parts[3] != s.Region || parts[4] != "" {
		return tagged{}, bad
	}
	switch path := strings.Split(parts[5], "/"); {
	case len(path) == 3 && path[0] == "" && path[1] == "apis":
		return tagged{apiID: path[2]}, nil
	case len(path) == 5 && path[0] == "" && path[1] == "apis" && path[3] == "stages" && path[4] != "":
		return tagged{apiID: path[2], stage: path[4]}, nil
	case len(path) == 3 && path[0] == "" && path[1] == "domainnames":
		return tagged{domain: path[2]}, nil
	}
	return tagged{}, bad
}

// tags returns where the tags of t stand in its API's record.
func (t tagged) tags(rec *sockgate.APIRecord) (*map[string]string, error) {
	if t.stage == "" {
		return &rec.API.Tags, nil
	}
	st, err := findStage(rec, t.stage)
	if err != nil {
		return nil, err
	}
	return &st.Tags, nil
}

func (s *Service) getTags(ctx context.Context, in *input) (any, error) {
	t, err := s.parseARN(in.vars["resourceArn"])
	if err != nil {
		return nil, err
	}
	type out struct {
		Tags map[string]string `json:"tags"`
	}
	if t.domain != "" {
		d, err := s.Catalog.DomainName(ctx, t.domain)
		if err != nil {
			return nil, err
		}
		return out{shown(d.Tags)}, nil
	}
	rec, err := s.Catalog.API(ctx, t.apiID)
	if err != nil {
		return nil, err
	}
	tags, err := t.tags(rec)
	if err != nil {
		return nil, err
	}
	return out{shown(*tags)}, nil
}

// changeTags edits the tags of what the path's ARN names. Tags are no part of a deployment.
func (s *Service) changeTags(ctx context.Context, in *input, edit func(tags *map[string]string) error) error {
	t, err := s.parseARN(in.vars["resourceArn"])
	if err != nil {
		return err
	}
	if t.domain != "" {
		_, err := s.changeDomain(ctx, t.domain, func(d *sockgate.DomainName) error { return edit(&d.Tags) })
		return err
	}
	return s.change(ctx, t.apiID, func(e *edition) error {
		tags, err := t.tags(e.APIRecord)
		if err != nil {
			return err
		}
		return edit(tags)
	})
}

func (s *Service) tagResource(ctx context.Context, in *input) (any, error) {
	return struct{}{}, s.changeTags(ctx, in, func(tags *map[string]string) (err error) {
		*tags, err = addTags(in.body, *tags)
		return err
	})
}

func (s *Service) untagResource(ctx context.Context, in *input) (any, error) {
	return nil, s.changeTags(ctx, in, func(tags *map[string]string) error {
		for _, key := range in.query["tagKeys"] {
			delete(*tags, key)
		}
		return nil
	})
}
