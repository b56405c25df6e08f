package acm

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/service/certificate"
)

// Pages. Source of the largest: the service's model. The usual one is UNCONFIRMED.
const (
	maxItems     = 1000
	defaultItems = 100
	maxSummaries = 100 // names in a summary
)

// summary is a CertificateSummary.
type summary struct {
	CertificateArn                       string
	DomainName                           string
	SubjectAlternativeNameSummaries      []string
	HasAdditionalSubjectAlternativeNames bool
	Status                               certificate.Status
	Type                                 string
	KeyAlgorithm                         string
	KeyUsages                            []string
	ExtendedKeyUsages                    []string
	ExportOption                         string
	InUse                                bool
	Exported                             bool
	RenewalEligibility                   string
	NotBefore                            *timestamp `json:",omitempty"`
	NotAfter                             *timestamp `json:",omitempty"`
	CreatedAt                            *timestamp
	IssuedAt                             *timestamp `json:",omitempty"`
	ImportedAt                           *timestamp `json:",omitempty"`
	CertificateKeyPairOrigin             string
}

type filters struct {
	ExtendedKeyUsage []string `json:"extendedKeyUsage"`
	KeyUsage         []string `json:"keyUsage"`
	KeyTypes         []string `json:"keyTypes"`
	ExportOption     string   `json:"exportOption"`
	ManagedBy        string   `json:"managedBy"`
}

type listInput struct {
	CertificateStatuses, CertificateKeyPairOrigins []string
	Includes                                       *filters
	MaxItems                                       *int
	NextToken                                      *string
	SortBy, SortOrder                              string
}

// defaultKeyTypes are listed when no others are asked for. Source: ACM API Reference, Filters.
var defaultKeyTypes = []string{"RSA_1024", "RSA_2048"}

func (in *listInput) check() error {
	var f faults
	f.eachOf("certificateStatuses", in.CertificateStatuses, "PENDING_VALIDATION", "ISSUED", "INACTIVE", "EXPIRED", "VALIDATION_TIMED_OUT", "REVOKED", "FAILED")
	f.eachOf("certificateKeyPairOrigins", in.CertificateKeyPairOrigins, "AWS_MANAGED", "ACME", "CUSTOMER_PROVIDED")
	f.oneOf("sortBy", in.SortBy, "CREATED_AT")
	f.oneOf("sortOrder", in.SortOrder, "ASCENDING", "DESCENDING")
	if in.MaxItems != nil && (*in.MaxItems < 1 || *in.MaxItems > maxItems) {
		bound, word := maxItems, "less"
		if *in.MaxItems < 1 {
			bound, word = 1, "greater"
		}
		f.add(fmt.Sprint(*in.MaxItems), "maxItems", "Member must have value %s than or equal to %d", word, bound)
	}
	if in.Includes != nil {
		f.eachOf("includes.keyTypes", in.Includes.KeyTypes, keyAlgorithms...)
		f.oneOf("includes.exportOption", in.Includes.ExportOption, "ENABLED", "DISABLED")
		f.oneOf("includes.managedBy", in.Includes.ManagedBy, "CLOUDFRONT")
		f.eachOf("includes.keyUsage", in.Includes.KeyUsage, allKeyUsages()...)
		f.eachOf("includes.extendedKeyUsage", in.Includes.ExtendedKeyUsage, allExtendedUsages()...)
	}
	if err := f.err(); err != nil {
		return err
	}
	if (in.SortBy == "") != (in.SortOrder == "") {
		return refuse("InvalidArgsException", "SortBy and SortOrder must be specified together.")
	}
	return nil
}

func allKeyUsages() []string {
	all := []string{"ANY", "CUSTOM"}
	for _, u := range keyUsageNames {
		all = append(all, u.name)
	}
	return all
}

func allExtendedUsages() []string {
	all := []string{"NONE", "CUSTOM"}
	for _, u := range extendedUsageNames {
		all = append(all, u.Name)
	}
	slices.Sort(all)
	return all
}

func (s *Service) listCertificates(c *call) (any, error) {
	in, err := read[listInput](c)
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return nil, err
	}
	descending := in.SortOrder == "DESCENDING"
	after := ""
	if in.NextToken != nil {
		raw, err := base64.RawURLEncoding.DecodeString(*in.NextToken)
		if err != nil || !strings.HasPrefix(string(raw), tokenMark(descending)) {
			return nil, invalid("The NextToken is not valid.")
		}
		after = strings.TrimPrefix(string(raw), tokenMark(descending))
	}
	records, err := s.Certificates.List(c.ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(records, func(a, b *certificate.Record) int {
		if descending {
			a, b = b, a
		}
		return strings.Compare(place(a), place(b))
	})
	size := defaultItems
	if in.MaxItems != nil {
		size = *in.MaxItems
	}
	out := struct {
		CertificateSummaryList []*summary
		NextToken              string `json:",omitempty"`
	}{CertificateSummaryList: []*summary{}}
	last := ""
	for _, r := range records {
		if after != "" && (place(r) == after || (place(r) < after) != descending) {
			continue
		}
		d := s.describe(r)
		if !in.wants(d) {
			continue
		}
		if len(out.CertificateSummaryList) == size {
			out.NextToken = base64.RawURLEncoding.EncodeToString([]byte(tokenMark(descending) + last))
			break
		}
		out.CertificateSummaryList = append(out.CertificateSummaryList, summarize(d))
		last = place(r)
	}
	return out, nil
}

// place orders records by when they were made.
func place(r *certificate.Record) string {
	return fmt.Sprintf("%019d.%s", r.Created.UnixNano(), r.ID)
}

func tokenMark(descending bool) string {
	if descending {
		return "down:"
	}
	return "up:"
}

// wants says whether a certificate passes the filters.
func (in *listInput) wants(d *detail) bool {
	if in.CertificateStatuses != nil && !slices.Contains(in.CertificateStatuses, string(d.Status)) ||
		in.CertificateKeyPairOrigins != nil && !slices.Contains(in.CertificateKeyPairOrigins, d.CertificateKeyPairOrigin) {
		return false
	}
	f := in.Includes
	if f == nil {
		f = &filters{}
	}
	types := f.KeyTypes
	if len(types) == 0 {
		types = defaultKeyTypes
	}
	hasUsage := func(name string) bool { return slices.Contains(d.KeyUsages, named{name}) }
	hasExtended := func(name string) bool {
		if name == "NONE" {
			return len(d.ExtendedKeyUsages) == 0
		}
		return slices.ContainsFunc(d.ExtendedKeyUsages, func(e extendedUsage) bool { return e.Name == name })
	}
	return slices.Contains(types, d.KeyAlgorithm) && f.ExportOption != "ENABLED" && f.ManagedBy == "" &&
		(len(f.KeyUsage) == 0 || slices.ContainsFunc(f.KeyUsage, hasUsage)) &&
		(len(f.ExtendedKeyUsage) == 0 || slices.ContainsFunc(f.ExtendedKeyUsage, hasExtended))
}

func summarize(d *detail) *summary {
	sum := &summary{
		CertificateArn: d.CertificateArn, DomainName: d.DomainName, SubjectAlternativeNameSummaries: d.SubjectAlternativeNames,
		Status: d.Status, Type: d.Type, KeyAlgorithm: d.KeyAlgorithm, KeyUsages: []string{}, ExtendedKeyUsages: []string{}, ExportOption: "DISABLED",
		InUse: len(d.InUseBy) > 0, RenewalEligibility: d.RenewalEligibility, NotBefore: d.NotBefore, NotAfter: d.NotAfter,
		CreatedAt: d.CreatedAt, IssuedAt: d.IssuedAt, ImportedAt: d.ImportedAt, CertificateKeyPairOrigin: d.CertificateKeyPairOrigin,
	}
	if len(d.SubjectAlternativeNames) > maxSummaries {
		sum.SubjectAlternativeNameSummaries, sum.HasAdditionalSubjectAlternativeNames = d.SubjectAlternativeNames[:maxSummaries], true
	}
	for _, u := range d.KeyUsages {
		sum.KeyUsages = append(sum.KeyUsages, u.Name)
	}
	for _, u := range d.ExtendedKeyUsages {
		sum.ExtendedKeyUsages = append(sum.ExtendedKeyUsages, u.Name)
	}
	return sum
}
