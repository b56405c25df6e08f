package apigateway

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
)

// Rules of tags, as the v2 API has them. Source: reference control-plane section 1.5. The texts are ours: UNCONFIRMED.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

var tagText = regexp.MustCompile(`^[\p{L}\p{N}\p{Z}_.:/=+@-]*$`)

// checkTags checks all tags of a resource.
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return sockgate.Invalidf("A resource can have at most %d tags", maxTags)
	}
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

// someTags is how tags are shown where a resource without tags has no such member; it is left out by omitempty.
func someTags(tags map[string]string) any {
	if len(tags) == 0 {
		return nil
	}
	return tags
}

// allTags is how tags are shown where a resource without tags has an empty map.
func allTags(tags map[string]string) any {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}

// parseARN takes apart arn:aws:apigateway:{region}::/{collection}/{id}.
func (s *Service) parseARN(arn string) (collection, id string, err error) {
	bad := sockgate.Invalidf("Invalid resource ARN specified: %s", short(arn))
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] != "aws" || parts[2] != "apigateway" || parts[3] != s.Region || parts[4] != "" {
		return "", "", bad
	}
	path := strings.Split(parts[5], "/")
	if len(path) != 3 || path[0] != "" || path[2] == "" {
		return "", "", bad
	}
	switch path[1] {
	case "apikeys", "usageplans", "vpclinks":
		return path[1], path[2], nil
	case "restapis": // of which there are none
		return "", "", sockgate.NotFoundf("Invalid API identifier specified %s", short(path[2]))
	case "clientcertificates":
		return "", "", sockgate.NotFoundf("Invalid client certificate identifier specified")
	}
	return "", "", bad
}

func (s *Service) getTags(ctx context.Context, in *input) (any, error) {
	collection, id, err := s.parseARN(in.vars["resourceArn"])
	if err != nil {
		return nil, err
	}
	var tags map[string]string
	switch collection {
	case "apikeys":
		key, err := s.Catalog.APIKey(ctx, id)
		if err != nil {
			return nil, err
		}
		tags = key.Tags
	case "vpclinks":
		l, err := s.link(id)
		if err != nil {
			return nil, err
		}
		tags = l.Tags
	default:
		plan, err := s.Catalog.UsagePlan(ctx, id)
		if err != nil {
			return nil, err
		}
		tags = plan.Tags
	}
	return struct {
		Tags any `json:"tags"`
	}{allTags(tags)}, nil
}

// changeTags edits the tags of what the path's ARN names.
func (s *Service) changeTags(ctx context.Context, in *input, edit func(tags map[string]string)) error {
	collection, id, err := s.parseARN(in.vars["resourceArn"])
	if err != nil {
		return err
	}
	change := func(tags *map[string]string) error {
		if *tags == nil {
			*tags = make(map[string]string)
		}
		edit(*tags)
		return checkTags(*tags)
	}
	switch collection {
	case "apikeys":
		_, err = s.Catalog.ChangeAPIKey(ctx, id, func(k *sockgate.APIKey) error { return change(&k.Tags) })
	case "vpclinks":
		if _, err = s.ownLink(id); err == nil {
			_, err = s.Catalog.ChangeVPCLink(ctx, id, func(l *sockgate.VPCLink) error { return change(&l.Tags) })
		}
	default:
		_, err = s.Catalog.ChangeUsagePlan(ctx, id, func(p *sockgate.UsagePlan) error { return change(&p.Tags) })
	}
	return err
}

func (s *Service) tagResource(ctx context.Context, in *input) (any, error) {
	var body struct {
		Tags map[string]string `json:"tags"`
	}
	if err := in.decode(&body); err != nil {
		return nil, err
	}
	if body.Tags == nil {
		return nil, in.missing("tags")
	}
	return nil, s.changeTags(ctx, in, func(tags map[string]string) { maps.Copy(tags, body.Tags) })
}

func (s *Service) untagResource(ctx context.Context, in *input) (any, error) {
	keys := in.query["tagKeys"]
	if len(keys) == 0 {
		return nil, in.missing("tagKeys")
	}
	return nil, s.changeTags(ctx, in, func(tags map[string]string) {
		for _, key := range keys {
			delete(tags, key)
		}
	})
}
