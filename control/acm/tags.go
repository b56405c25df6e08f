package acm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/service/certificate"
)

// maxTags is how many tags a certificate may have. Source: ACM API Reference, AddTagsToCertificate.
const maxTags = 50

type tag struct {
	Key   *string
	Value *string `json:",omitempty"`
}

func indexed(list string, i int, member string) string {
	return fmt.Sprintf("%s.%d.member.%s", list, i+1, member)
}

func (f *faults) tags(tags []tag) {
	for i, t := range tags {
		f.need(indexed("tags", i, "key"), t.Key != nil)
		f.text(indexed("tags", i, "key"), t.Key, 1, 128, tagForm, tagKeyPattern)
		f.text(indexed("tags", i, "value"), t.Value, 0, 256, tagForm, tagKeyPattern)
	}
}

// reserved refuses the tags that are AWS's own.
func reserved(key string) error {
	if strings.HasPrefix(strings.ToLower(key), "aws:") {
		return refuse("InvalidTagException", `Invalid Tag Key: "%s". AWS internal tags cannot be changed with this API`, key)
	}
	return nil
}

// withTags returns old with tags in it.
func withTags(old []certificate.Tag, tags []tag) ([]certificate.Tag, error) {
	all := slices.Clone(old)
	for _, t := range tags {
		if err := reserved(*t.Key); err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(have certificate.Tag) bool { return have.Key == *t.Key })
		if i < 0 {
			all, i = append(all, certificate.Tag{Key: *t.Key}), len(all)
		}
		all[i].Value = t.Value
	}
	if len(all) > maxTags {
		var shown []string
		for _, t := range all {
			text := t.Key + "="
			if t.Value != nil {
				text += *t.Value
			}
			shown = append(shown, text)
		}
		return nil, refuse("TooManyTagsException", "the TagSet: '{%s}' contains too many Tags", strings.Join(shown, ", "))
	}
	return all, nil
}

type tagsInput struct {
	CertificateArn, ResourceArn *string
	Tags                        []tag
	TagKeys                     []string
}

// readTags checks a call about tags. member is the one that has the ARN.
func readTags(c *call, member string, needTags bool) (*tagsInput, string, error) {
	in, err := read[tagsInput](c)
	if err != nil {
		return nil, "", err
	}
	arn := in.CertificateArn
	if member == "resourceArn" {
		arn = in.ResourceArn
	}
	var f faults
	f.arn(member, arn, true)
	if needTags {
		f.need("tags", in.Tags != nil)
		if in.Tags != nil && len(in.Tags) == 0 {
			f.add("[]", "tags", atLeast, 1)
		}
		f.tags(in.Tags)
	}
	if err := f.err(); err != nil {
		return nil, "", err
	}
	return in, *arn, certificateARN(*arn)
}

func (s *Service) addTags(c *call) (any, error) { return s.add(c, "certificateArn") }

func (s *Service) tagResource(c *call) (any, error) { return s.add(c, "resourceArn") }

func (s *Service) add(c *call, member string) (any, error) {
	in, arn, err := readTags(c, member, true)
	if err != nil {
		return nil, err
	}
	return nil, s.Certificates.Change(c.ctx, arn, func(r *certificate.Record) (err error) {
		r.Tags, err = withTags(r.Tags, in.Tags)
		return err
	})
}

// removeTags removes a tag that comes with a value only when it has that value.
func (s *Service) removeTags(c *call) (any, error) {
	in, arn, err := readTags(c, "certificateArn", true)
	if err != nil {
		return nil, err
	}
	return nil, s.remove(c, arn, in.Tags)
}

func (s *Service) untagResource(c *call) (any, error) {
	in, arn, err := readTags(c, "resourceArn", false)
	if err != nil {
		return nil, err
	}
	var f faults
	f.need("tagKeys", in.TagKeys != nil)
	var tags []tag
	for _, key := range in.TagKeys {
		tags = append(tags, tag{Key: &key})
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return nil, s.remove(c, arn, tags)
}

func (s *Service) remove(c *call, arn string, tags []tag) error {
	for _, t := range tags {
		if err := reserved(*t.Key); err != nil {
			return err
		}
	}
	return s.Certificates.Change(c.ctx, arn, func(r *certificate.Record) error {
		r.Tags = slices.DeleteFunc(r.Tags, func(have certificate.Tag) bool {
			return slices.ContainsFunc(tags, func(t tag) bool {
				return *t.Key == have.Key && (t.Value == nil || have.Value != nil && *have.Value == *t.Value)
			})
		})
		return nil
	})
}

func (s *Service) listTags(c *call) (any, error) { return s.tagsOf(c, "certificateArn") }

func (s *Service) listTagsForResource(c *call) (any, error) { return s.tagsOf(c, "resourceArn") }

func (s *Service) tagsOf(c *call, member string) (any, error) {
	_, arn, err := readTags(c, member, false)
	if err != nil {
		return nil, err
	}
	r, err := s.Certificates.Get(c.ctx, arn)
	if err != nil {
		return nil, err
	}
	out := struct{ Tags []tag }{[]tag{}}
	for _, t := range r.Tags {
		out.Tags = append(out.Tags, tag{&t.Key, t.Value})
	}
	return out, nil
}
