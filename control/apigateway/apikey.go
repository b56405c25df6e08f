package apigateway

import (
	"context"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
)

// Bounds in characters. Source: reference section 1.6, and for the description CreateApiKey as it was observed.
const (
	minKeyValue    = 20
	maxKeyValue    = 128
	maxName        = 1024
	maxDescription = 125000
	maxCustomerID  = 1024 // AWS publishes no bound
	maxStageKeys   = 1000 // AWS publishes no bound
)

// apiKeyOut is a key as the wire has it.
type apiKeyOut struct {
	ID              string   `json:"id"`
	Value           string   `json:"value,omitempty"`
	Name            string   `json:"name,omitempty"`
	CustomerID      string   `json:"customerId,omitempty"`
	Description     string   `json:"description,omitempty"`
	Enabled         bool     `json:"enabled"`
	CreatedDate     int64    `json:"createdDate"` // seconds since 1970
	LastUpdatedDate int64    `json:"lastUpdatedDate"`
	StageKeys       []string `json:"stageKeys"`
	Tags            any      `json:"tags,omitempty"`
}

// showKey shows a key. Its value is a secret that callers have to ask for.
func showKey(k *sockgate.APIKey, value bool) *apiKeyOut {
	out := &apiKeyOut{
		ID: k.ID, Name: k.Name, CustomerID: k.CustomerID, Description: k.Description, Enabled: k.Enabled,
		CreatedDate: k.CreatedAt.Unix(), LastUpdatedDate: k.UpdatedAt.Unix(), StageKeys: k.StageKeys, Tags: someTags(k.Tags),
	}
	if out.StageKeys == nil {
		out.StageKeys = []string{}
	}
	if value {
		out.Value = k.Value
	}
	return out
}

// showKeyAlone shows a key as GetApiKey and UpdateApiKey do: with its tags even when it has none.
func showKeyAlone(k *sockgate.APIKey, value bool) *apiKeyOut {
	out := showKey(k, value)
	out.Tags = allTags(k.Tags)
	return out
}

func (s *Service) createAPIKey(ctx context.Context, in *input) (any, error) {
	var body struct {
		Name        string            `json:"name"`
		Description string            `json:"description"`
		Enabled     bool              `json:"enabled"`
		Value       string            `json:"value"`
		CustomerID  string            `json:"customerId"`
		Tags        map[string]string `json:"tags"`
		StageKeys   []struct {
			RestAPIID string `json:"restApiId"`
			StageName string `json:"stageName"`
		} `json:"stageKeys"`
	}
	if err := in.decode(&body); err != nil {
		return nil, err
	}
	now := s.Clock()
	key := &sockgate.APIKey{
		Name: body.Name, Description: body.Description, Value: body.Value, CustomerID: body.CustomerID, Enabled: body.Enabled,
		Tags: body.Tags, CreatedAt: now, UpdatedAt: now,
	}
	for _, st := range body.StageKeys {
		key.StageKeys = append(key.StageKeys, st.RestAPIID+"/"+st.StageName)
	}
	if key.Value == "" {
		key.Value = random(keyValueLength, valueLetters)
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if err := checkTags(key.Tags); err != nil {
		return nil, err
	}
	if err := s.roomForKeys(ctx, 1); err != nil {
		return nil, err
	}
	key.ID = random(keyIDLength, idLetters)
	if err := s.Catalog.CreateAPIKey(ctx, key); err != nil {
		return nil, err
	}
	return showKey(key, true), nil
}

// checkKey checks what a caller may set of a key.
func checkKey(k *sockgate.APIKey) error {
	switch n := utf8.RuneCountInString(k.Value); {
	case utf8.RuneCountInString(k.Name) > maxName:
		return sockgate.Invalidf("Invalid API Key name, can be at most %d characters.", maxName)
	case n > maxKeyValue:
		return sockgate.Invalidf("API Key value exceeds maximum size of %d characters", maxKeyValue)
	case n < minKeyValue:
		return sockgate.Invalidf("API Key value should be at least %d characters", minKeyValue)
	case strings.ContainsFunc(k.Value, unicode.IsControl): // no header could carry it
		return sockgate.Invalidf("Invalid API Key value specified")
	case utf8.RuneCountInString(k.Description) > maxDescription:
		return sockgate.Invalidf("Invalid API Key description specified.")
	case utf8.RuneCountInString(k.CustomerID) > maxCustomerID:
		return sockgate.Invalidf("Invalid API Key customer ID, can be at most %d characters.", maxCustomerID)
	case len(k.StageKeys) > maxStageKeys:
		return sockgate.Invalidf("An API Key can have at most %d stage keys", maxStageKeys)
	}
	for _, sk := range k.StageKeys {
		if err := checkStageKey(sk); err != nil {
			return err
		}
	}
	return nil
}

// checkStageKey checks the form of "{apiId}/{stage}".
func checkStageKey(sk string) error {
	api, stage, ok := strings.Cut(sk, "/")
	if !ok || api == "" || stage == "" || len(sk) > maxKeyValue+maxName {
		return sockgate.Invalidf("Invalid stage key specified: %s", short(sk))
	}
	return nil
}

// roomForKeys refuses to make more keys than the account may have.
func (s *Service) roomForKeys(ctx context.Context, more int) error {
	if s.MaxKeys < 0 {
		return nil
	}
	n, err := s.Catalog.CountAPIKeys(ctx)
	if err == nil && more > s.MaxKeys-n {
		err = limitExceeded("API Keys")
	}
	return err
}

func (s *Service) getAPIKey(ctx context.Context, in *input) (any, error) {
	key, err := s.Catalog.APIKey(ctx, in.vars["apiKey"])
	if err != nil {
		return nil, err
	}
	return showKeyAlone(key, in.flag("includeValue")), nil
}

// flag reads a parameter that is true or false.
func (in *input) flag(name string) bool { return strings.EqualFold(in.query.Get(name), "true") }

func (s *Service) getAPIKeys(ctx context.Context, in *input) (any, error) {
	name, customer, values := in.query.Get("name"), in.query.Get("customerId"), in.flag("includeValues")
	return list(in, func(after string) iter.Seq2[*sockgate.APIKey, error] { return s.Catalog.APIKeys(ctx, after) },
		func(k *sockgate.APIKey) bool {
			return strings.HasPrefix(k.Name, name) && (customer == "" || k.CustomerID == customer)
		}, keyID, func(k *sockgate.APIKey) any { return showKey(k, values) })
}

func keyID(k *sockgate.APIKey) string { return k.ID }

// keyRules is what can be patched of a key. Labels are AWS's own business, and not kept.
var keyRules = []rule[*sockgate.APIKey]{
	{path: "/description", ops: replace, apply: func(k *sockgate.APIKey, p *patchOp) error { k.Description = p.value(); return nil }},
	{path: "/enabled", ops: replace, apply: func(k *sockgate.APIKey, p *patchOp) error {
		switch strings.ToLower(p.value()) {
		case "true":
			k.Enabled = true
		case "false":
			k.Enabled = false
		default: // UNCONFIRMED; a key must not change its state by a slip of the pen
			return sockgate.Invalidf("Invalid value '%s' specified for patch path '/enabled'. Must be 'true' or 'false'", short(p.value()))
		}
		return nil
	}},
	{path: "/name", ops: replace, apply: func(k *sockgate.APIKey, p *patchOp) error { k.Name = p.value(); return nil }},
	{path: "/customerId", ops: replace, apply: func(k *sockgate.APIKey, p *patchOp) error { k.CustomerID = p.value(); return nil }},
	{path: "/stages", ops: add | remove, apply: func(k *sockgate.APIKey, p *patchOp) error {
		if err := checkStageKey(p.value()); err != nil {
			return err
		}
		k.StageKeys = slices.DeleteFunc(k.StageKeys, func(sk string) bool { return sk == p.value() })
		if *p.Op == "add" {
			k.StageKeys = append(k.StageKeys, p.value())
		}
		return nil
	}},
	{path: "/labels", ops: add | remove, apply: func(*sockgate.APIKey, *patchOp) error { return nil }},
}

func (s *Service) updateAPIKey(ctx context.Context, in *input) (any, error) {
	patches, err := in.readPatches()
	if err != nil {
		return nil, err
	}
	key, err := s.Catalog.ChangeAPIKey(ctx, in.vars["apiKey"], func(k *sockgate.APIKey) error {
		if err := applyPatches(keyRules, k, patches); err != nil {
			return err
		}
		k.UpdatedAt = s.Clock()
		return checkKey(k)
	})
	if err != nil {
		return nil, err
	}
	return showKeyAlone(key, false), nil
}

// deleteAPIKey removes a key, also from its plans.
func (s *Service) deleteAPIKey(ctx context.Context, in *input) (any, error) {
	return nil, s.Catalog.DeleteAPIKey(ctx, in.vars["apiKey"])
}
