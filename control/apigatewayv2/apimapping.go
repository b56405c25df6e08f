package apigatewayv2

import (
	"context"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

// maxMappings is how many mappings a domain name may have. Source: API Gateway Developer Guide, quotas; the text is UNCONFIRMED.
const maxMappings = 200

type mappingOut struct {
	APIID         string `json:"apiId"`
	APIMappingID  string `json:"apiMappingId"`
	APIMappingKey string `json:"apiMappingKey"`
	Stage         string `json:"stage"`
}

func showMapping(m *sockgate.APIMapping) any {
	return &mappingOut{APIID: m.APIID, APIMappingID: m.ID, APIMappingKey: m.Key, Stage: m.Stage}
}

func mappingID(m *sockgate.APIMapping) string { return m.ID }

// findMapping's text is that of reference control-plane section 1.6.
func findMapping(d *sockgate.DomainName, id string) (*sockgate.APIMapping, error) {
	m, err := find(d.Mappings, mappingID, id, "")
	if err != nil {
		return nil, sockgate.NotFoundf("The api mapping resource specified in the request was not found.")
	}
	return m, nil
}

// checkTarget checks that a mapping leads to a stage. AWS was seen to answer 400 for an API that is not there, where other operations
// answer 404.
func (s *Service) checkTarget(ctx context.Context, m *sockgate.APIMapping) error {
	rec, err := s.Catalog.API(ctx, m.APIID)
	if sockgate.KindOf(err) == sockgate.NotFound && err != nil {
		return sockgate.Invalidf("Invalid API identifier specified: %s", m.APIID)
	}
	if err != nil {
		return err
	}
	if _, err := findStage(rec, m.Stage); err != nil {
		return sockgate.Invalidf("Invalid stage identifier specified")
	}
	return nil
}

// checkFree refuses a key that another mapping of the domain name has.
func checkFree(d *sockgate.DomainName, m *sockgate.APIMapping) error {
	if slices.ContainsFunc(d.Mappings, func(o sockgate.APIMapping) bool { return o.Key == m.Key && o.ID != m.ID }) {
		return sockgate.Conflictf("ApiMapping key already exists for this domain name")
	}
	return nil
}

func (s *Service) createAPIMapping(ctx context.Context, in *input) (any, error) {
	var m sockgate.APIMapping
	set(in.body, "apiId", &m.APIID)
	set(in.body, "stage", &m.Stage)
	set(in.body, "apiMappingKey", &m.Key)
	if _, err := s.Catalog.DomainName(ctx, domainVar(in)); err != nil {
		return nil, err
	}
	if m.Key = blankIsRoot(m.Key); m.Key != "" {
		if err := checkMappingKey(m.Key); err != nil {
			return nil, err
		}
	}
	if err := s.checkTarget(ctx, &m); err != nil {
		return nil, err
	}
	_, err := s.changeDomain(ctx, domainVar(in), func(d *sockgate.DomainName) error {
		if len(d.Mappings) >= maxMappings {
			return sockgate.Invalidf("Maximum number of API mappings for this domain name has been reached.")
		}
		m.ID = newIDIn(idLength, d.Mappings, mappingID)
		if err := checkFree(d, &m); err != nil {
			return err
		}
		d.Mappings = append(d.Mappings, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showMapping(&m), nil
}

// blankIsRoot makes a key of white space the root, which AWS was seen to do when a mapping is created, and not when one is changed.
func blankIsRoot(key string) string {
	if strings.TrimSpace(key) == "" {
		return ""
	}
	return key
}

func (s *Service) getAPIMappings(ctx context.Context, in *input) (any, error) {
	d, err := s.Catalog.DomainName(ctx, domainVar(in))
	if err != nil {
		return nil, err
	}
	return list(in, "GetApiMappings "+d.Name, d.Mappings, mappingID, showMapping)
}

func (s *Service) getAPIMapping(ctx context.Context, in *input) (any, error) {
	d, err := s.Catalog.DomainName(ctx, domainVar(in))
	if err != nil {
		return nil, err
	}
	m, err := findMapping(d, in.vars["apiMappingId"])
	if err != nil {
		return nil, err
	}
	return showMapping(m), nil
}

func (s *Service) updateAPIMapping(ctx context.Context, in *input) (any, error) {
	var out any
	_, err := s.changeDomain(ctx, domainVar(in), func(d *sockgate.DomainName) error {
		m, err := findMapping(d, in.vars["apiMappingId"])
		if err != nil {
			return err
		}
		set(in.body, "apiId", &m.APIID)
		set(in.body, "stage", &m.Stage)
		if set(in.body, "apiMappingKey", &m.Key) && m.Key != "" {
			if err := checkMappingKey(m.Key); err != nil {
				return err
			}
		}
		if err := s.checkTarget(ctx, m); err != nil {
			return err
		}
		out = showMapping(m)
		return checkFree(d, m)
	})
	return out, err
}

func (s *Service) deleteAPIMapping(ctx context.Context, in *input) (any, error) {
	_, err := s.changeDomain(ctx, domainVar(in), func(d *sockgate.DomainName) error {
		if _, err := findMapping(d, in.vars["apiMappingId"]); err != nil {
			return err
		}
		d.Mappings = slices.DeleteFunc(d.Mappings, func(m sockgate.APIMapping) bool { return m.ID == in.vars["apiMappingId"] })
		return nil
	})
	return nil, err
}

// unmapped refuses to let an API go, or one of its stages, while a domain name leads to it. AWS was seen to do so for APIs; for
// stages it is UNCONFIRMED.
func (s *Service) unmapped(ctx context.Context, apiID, stage string) error {
	domains, err := s.Catalog.DomainNames(ctx)
	if err != nil {
		return err
	}
	for _, d := range domains {
		for _, m := range d.Mappings {
			switch {
			case m.APIID != apiID:
			case stage == "":
				return sockgate.Invalidf("Deleting API %s failed. Please remove all API mappings for the API from your custom domain names.", apiID)
			case m.Stage == stage:
				return sockgate.Invalidf("Deleting stage %s failed. Please remove all API mappings for the stage from your custom domain names.", stage)
			}
		}
	}
	return nil
}
