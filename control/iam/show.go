package iam

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/identity"
)

// The shapes of answers. Members are in the order in which AWS writes them.

type list[T any] struct {
	Members []T `xml:"member"`
}

type tagShape struct{ Key, Value string }

func showTags(tags []identity.Tag) *list[tagShape] {
	l := new(list[tagShape])
	for _, t := range tags {
		l.Members = append(l.Members, tagShape(t))
	}
	return l
}

// someTags is showTags, or nothing when there are none.
func someTags(tags []identity.Tag) *list[tagShape] {
	if len(tags) == 0 {
		return nil
	}
	return showTags(tags)
}

type boundaryShape struct {
	Type string `xml:"PermissionsBoundaryType"`
	ARN  string `xml:"PermissionsBoundaryArn"`
}

func showBoundary(arn string) *boundaryShape {
	if arn == "" {
		return nil
	}
	return &boundaryShape{"Policy", arn}
}

type userShape struct {
	Path       string `xml:",omitempty"`
	UserName   string `xml:",omitempty"`
	UserID     string `xml:"UserId"`
	ARN        string `xml:"Arn"`
	CreateDate awswire.QueryTime
	Boundary   *boundaryShape  `xml:"PermissionsBoundary"`
	Tags       *list[tagShape] `xml:"Tags"`
}

// showUser shows a user as CreateUser and GetUser do.
func (s *Service) showUser(u *identity.User) userShape {
	shape := s.listUser(u)
	shape.Boundary, shape.Tags = showBoundary(u.Boundary), someTags(u.Tags)
	return shape
}

// listUser shows a user as ListUsers does.
func (s *Service) listUser(u *identity.User) userShape {
	return userShape{Path: u.Path, UserName: u.Name, UserID: u.ID, ARN: u.ARN(s.directory.Account()), CreateDate: awswire.QueryTime(u.Created)}
}

type lastUsedShape struct{}

type roleShape struct {
	Path        string
	RoleName    string
	RoleID      string `xml:"RoleId"`
	ARN         string `xml:"Arn"`
	CreateDate  awswire.QueryTime
	Trust       string          `xml:"AssumeRolePolicyDocument"`
	Description string          `xml:",omitempty"`
	MaxSession  int             `xml:"MaxSessionDuration,omitempty"`
	Boundary    *boundaryShape  `xml:"PermissionsBoundary"`
	Tags        *list[tagShape] `xml:"Tags"`
	LastUsed    *lastUsedShape  `xml:"RoleLastUsed"`
}

// newRole shows a role as CreateRole does: without what it was given that is not part of its identity.
func (s *Service) newRole(r *identity.Role) roleShape {
	return roleShape{
		Path: r.Path, RoleName: r.Name, RoleID: r.ID, ARN: r.ARN(s.directory.Account()), CreateDate: awswire.QueryTime(r.Created),
		Trust: escapeDocument(r.Trust), Boundary: showBoundary(r.Boundary), Tags: someTags(r.Tags),
	}
}

// listRole shows a role as ListRoles does.
func (s *Service) listRole(r *identity.Role) roleShape {
	shape := s.newRole(r)
	shape.Boundary, shape.Tags = nil, nil
	shape.Description, shape.MaxSession = r.Description, r.MaxSession
	return shape
}

// showRole shows a role as GetRole does. When a role was last used is not known here.
func (s *Service) showRole(r *identity.Role) roleShape {
	shape := s.newRole(r)
	shape.Description, shape.MaxSession, shape.LastUsed = r.Description, r.MaxSession, &lastUsedShape{}
	return shape
}

type policyShape struct {
	PolicyName     string
	PolicyID       string `xml:"PolicyId"`
	ARN            string `xml:"Arn"`
	Path           string
	DefaultVersion string `xml:"DefaultVersionId"`
	Attachments    int    `xml:"AttachmentCount"`
	Boundaries     int    `xml:"PermissionsBoundaryUsageCount"`
	IsAttachable   bool
	Description    string `xml:",omitempty"`
	CreateDate     awswire.QueryTime
	UpdateDate     awswire.QueryTime
	Tags           *list[tagShape] `xml:"Tags"`
}

// listPolicy shows a policy as ListPolicies does.
func (s *Service) listPolicy(p *identity.Policy, u uses) policyShape {
	arn := p.ARN(s.directory.Account())
	return policyShape{
		PolicyName: p.Name, PolicyID: p.ID, ARN: arn, Path: p.Path, DefaultVersion: p.Default, IsAttachable: true,
		Attachments: u.attached[arn], Boundaries: u.bounding[arn],
		CreateDate: awswire.QueryTime(p.Created), UpdateDate: awswire.QueryTime(p.Updated),
	}
}

// uses counts how often policies are used.
type uses struct{ attached, bounding map[string]int }

func (s *Service) uses() uses {
	u := uses{map[string]int{}, map[string]int{}}
	count := func(h *identity.Holder) {
		for _, arn := range h.Attached {
			u.attached[arn]++
		}
		if h.Boundary != "" {
			u.bounding[h.Boundary]++
		}
	}
	for _, x := range s.directory.Users() {
		count(&x.Holder)
	}
	for _, x := range s.directory.Roles() {
		count(&x.Holder)
	}
	return u
}

// escapeDocument is a policy document as answers hold it: percent-encoded as in RFC 3986.
func escapeDocument(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// paged is what lists end with.
type paged struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

const (
	defaultPage = 100 // Source: IAM API Reference, "MaxItems"
)

// page returns one page of items. order gives each item's place among the others, and what a marker holds; the items must be in
// the order of these strings.
func page[T any](c *call, items []T, order func(T) string) ([]T, paged, error) {
	size := defaultPage
	if n, err := strconv.Atoi(c.get("MaxItems")); err == nil {
		size = n
	}
	if m := c.get("Marker"); m != "" {
		raw, err := base64.RawURLEncoding.DecodeString(m)
		after, ok := strings.CutPrefix(string(raw), c.get("Action")+"\n")
		if err != nil || !ok {
			return nil, paged{}, invalid("Invalid Marker.")
		}
		for len(items) > 0 && order(items[0]) <= after {
			items = items[1:]
		}
	}
	if len(items) <= size {
		return items, paged{}, nil
	}
	last := order(items[size-1])
	return items[:size], paged{true, base64.RawURLEncoding.EncodeToString([]byte(c.get("Action") + "\n" + last))}, nil
}

// shown turns each of items into its shape.
func shown[T, S any](items []T, show func(T) S) (l list[S]) {
	for _, it := range items {
		l.Members = append(l.Members, show(it))
	}
	return l
}

func same(s string) string { return s }

func date(t time.Time) awswire.QueryTime { return awswire.QueryTime(t) }
