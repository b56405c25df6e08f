package elbv2

import (
	"maps"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

// maxTagged bounds the resources of one call. Source: API Reference, DescribeTags.
const maxTagged = 20

// resources reads the parameter ResourceArns.
func resources(c *call) ([]string, error) {
	arns := c.list("ResourceArns")
	switch {
	case len(arns) == 0:
		return nil, constraint("", "resourceArns", "Member must not be null")
	case len(arns) > maxTagged:
		return nil, invalid("You can specify at most %d resources", maxTagged)
	}
	return arns, nil
}

// tagsOf returns the tags of the resource with an ARN.
func (s *Service) tagsOf(arn string) (map[string]string, error) {
	switch {
	case strings.Contains(arn, ":loadbalancer/"):
		b, err := s.balancer(arn)
		if err != nil {
			return nil, err
		}
		return b.Tags, nil
	case strings.Contains(arn, ":targetgroup/"):
		g, err := s.group(arn)
		if err != nil {
			return nil, err
		}
		return g.Tags, nil
	case strings.Contains(arn, ":listener/"):
		_, l, err := s.listener(arn)
		if err != nil {
			return nil, err
		}
		return l.Tags, nil
	}
	return nil, invalid("'%s' is not a valid ARN", short(arn))
}

// changeTags edits the tags of each resource.
func (s *Service) changeTags(c *call, edit func(tags map[string]string)) error {
	arns, err := resources(c)
	if err != nil {
		return err
	}
	for _, arn := range arns { // all are there, and the tags fit, before one is changed
		tags, err := s.tagsOf(arn)
		if err != nil {
			return err
		}
		next := maps.Clone(tags)
		if next == nil {
			next = make(map[string]string)
		}
		edit(next)
		if err := checkTags(next); err != nil {
			return err
		}
	}
	apply := func(tags *map[string]string) {
		if *tags == nil {
			*tags = make(map[string]string)
		}
		edit(*tags)
	}
	for _, arn := range arns {
		if err := s.retag(c, arn, apply); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) retag(c *call, arn string, apply func(*map[string]string)) error {
	switch {
	case strings.Contains(arn, ":loadbalancer/"):
		b, err := s.balancer(arn)
		if err != nil {
			return err
		}
		if b.Declared {
			return declared(loadBalancer, b.Name)
		}
		_, err = s.Catalog.ChangeLoadBalancer(c.ctx, b.Name, func(b *sockgate.LoadBalancer) error { apply(&b.Tags); return nil })
		return err
	case strings.Contains(arn, ":targetgroup/"):
		g, err := s.group(arn)
		if err != nil {
			return err
		}
		if err := changeable(g); err != nil {
			return err
		}
		_, err = s.Catalog.ChangeTargetGroup(c.ctx, g.Name, func(g *sockgate.TargetGroup) error { apply(&g.Tags); return nil })
		return err
	}
	_, _, err := s.changeListenerOf(c, arn, func(_ *sockgate.LoadBalancer, l *sockgate.Listener) error { apply(&l.Tags); return nil })
	return err
}

func (s *Service) addTags(c *call) (any, error) {
	tags, err := c.pairs("Tags")
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, constraint("", "tags", "Member must not be null")
	}
	return nil, s.changeTags(c, func(to map[string]string) { maps.Copy(to, tags) })
}

func (s *Service) removeTags(c *call) (any, error) {
	keys := c.list("TagKeys")
	if len(keys) == 0 {
		return nil, constraint("", "tagKeys", "Member must not be null")
	}
	return nil, s.changeTags(c, func(from map[string]string) {
		for _, key := range keys {
			delete(from, key)
		}
	})
}

type tagDescription struct {
	ResourceARN string `xml:"ResourceArn"`
	Tags        list[tagShape]
}

func (s *Service) describeTags(c *call) (any, error) {
	arns, err := resources(c)
	if err != nil {
		return nil, err
	}
	var out struct{ TagDescriptions list[tagDescription] }
	for _, arn := range arns {
		tags, err := s.tagsOf(arn)
		if err != nil {
			return nil, err
		}
		d := tagDescription{ResourceARN: arn}
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			d.Tags.Members = append(d.Tags.Members, tagShape{key, tags[key]})
		}
		out.TagDescriptions.Members = append(out.TagDescriptions.Members, d)
	}
	return &out, nil
}
