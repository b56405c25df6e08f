package apigateway

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

// keyImport is a file of keys on its way into the catalog. Everything is checked before anything is written, so that a refused file
// changes nothing. UNCONFIRMED: which faults are warnings, and the texts of those.
type keyImport struct {
	s        *Service
	plans    map[string]*rivals  // those that were asked for, by id; nil: there is none
	members  map[string][]string // the plans of each key, as they are
	keys     []*importedKey      // in the order of the file
	byValue  map[string]*importedKey
	created  int // keys that are new
	warnings []string
}

// importedKey is a key as the file will have it.
type importedKey struct {
	key   *sockgate.APIKey
	isNew bool
	plans []*sockgate.UsagePlan // to join, beside those that it is in
}

// maxRows bounds the lines of a file when nothing else does. A body has not room for many more keys.
const maxRows = 500000

// importAPIKeys makes keys of a file. A key whose value is there already is overwritten, but stays in its plans; of several lines with
// one value the last wins. A line that makes no key is a warning; with failonwarnings any warning refuses the whole file.
func (s *Service) importAPIKeys(ctx context.Context, in *input) (any, error) {
	switch format := in.query.Get("format"); format {
	case "":
		return nil, in.missing("format")
	case "csv":
	default:
		return nil, in.notOneOf("format", format, "csv")
	}
	most := s.MaxKeys
	if most < 0 {
		most = maxRows
	}
	rows, err := readKeyFile(in.body, most)
	if err != nil {
		return nil, err
	}
	im := &keyImport{s: s, plans: make(map[string]*rivals), byValue: make(map[string]*importedKey), warnings: []string{}}
	if im.members, err = s.Catalog.Memberships(ctx); err != nil {
		return nil, err
	}
	for i := range rows {
		if err := im.read(ctx, &rows[i]); err != nil {
			return nil, err
		}
	}
	if len(im.warnings) > 0 && in.flag("failonwarnings") {
		return nil, sockgate.Invalidf("Warnings found during import:\n\t%s", strings.Join(im.warnings[:min(len(im.warnings), 100)], "\n\t"))
	}
	if err := s.roomForKeys(ctx, im.created); err != nil {
		return nil, err
	}
	return im.write(ctx)
}

func (im *keyImport) warn(row *keyRow, format string, args ...any) {
	im.warnings = append(im.warnings, fmt.Sprintf("Line %d: ", row.line)+fmt.Sprintf(format, args...))
}

// read takes in one line. Its error is the store's.
func (im *keyImport) read(ctx context.Context, row *keyRow) error {
	if row.malformed != "" {
		im.warn(row, "ignored: %s", row.malformed)
		return nil
	}
	now := im.s.Clock()
	k := &sockgate.APIKey{Name: row.name, Description: row.description, Value: row.value, Enabled: true, CreatedAt: now, UpdatedAt: now}
	if err := checkKey(k); err != nil {
		im.warn(row, "ignored: %s", err)
		return nil
	}
	switch strings.ToLower(row.enabled) {
	case "", "true":
	case "false":
		k.Enabled = false
	default:
		k.Enabled = false
		im.warn(row, "Enabled is neither true nor false; the API Key is disabled")
	}
	ik := im.byValue[k.Value]
	if ik == nil {
		ik = &importedKey{}
		im.byValue[k.Value] = ik
		im.keys = append(im.keys, ik)
		switch old, err := im.s.Catalog.APIKeyByValue(ctx, k.Value); {
		case err == nil:
			k.ID = old.ID
		case sockgate.KindOf(err) == sockgate.NotFound:
			k.ID, ik.isNew = random(keyIDLength, idLetters), true
			im.created++
		default:
			return err
		}
	} else {
		k.ID = ik.key.ID
	}
	ik.key, ik.plans = k, nil
	return im.readPlans(ctx, row, ik)
}

// readPlans takes in the plans that a line names.
func (im *keyImport) readPlans(ctx context.Context, row *keyRow, ik *importedKey) error {
	if row.plans == "" {
		return nil
	}
	ids := strings.SplitN(row.plans, ",", maxPlansPerKey+1)
	if len(ids) > maxPlansPerKey {
		im.warn(row, "UsagePlanIds ignored: an API Key can be in at most %d Usage Plans", maxPlansPerKey)
		return nil
	}
	for _, id := range ids {
		id = strings.TrimSpace(id)
		plan, err := im.plan(ctx, id)
		switch {
		case err != nil:
			return err
		case plan == nil:
			im.warn(row, "Invalid Usage Plan ID specified: %s", short(id))
			continue
		}
		if err := im.join(ctx, row, ik, plan); err != nil {
			return err
		}
	}
	return nil
}

// join notes that a key joins a plan, unless it is in it, or in another that shares a stage with it.
func (im *keyImport) join(ctx context.Context, row *keyRow, ik *importedKey, plan *rivals) error {
	in := slices.Clone(im.members[ik.key.ID])
	for _, p := range ik.plans {
		in = append(in, p.ID)
	}
	switch {
	case slices.Contains(in, plan.plan.ID):
		return nil
	case len(in) >= maxPlansPerKey:
		im.warn(row, "Usage Plan %s ignored: an API Key can be in at most %d Usage Plans", plan.plan.ID, maxPlansPerKey)
		return nil
	}
	err := plan.check(ctx, ik.key.ID, in)
	switch {
	case err == nil:
		ik.plans = append(ik.plans, plan.plan)
	case sockgate.KindOf(err) == sockgate.Conflict:
		im.warn(row, "%s", err)
		err = nil
	}
	return err
}

// plan returns a plan and what shares a stage with it, or nil when it is not there.
func (im *keyImport) plan(ctx context.Context, id string) (*rivals, error) {
	if plan, ok := im.plans[id]; ok {
		return plan, nil
	}
	plan, err := im.s.Catalog.UsagePlan(ctx, id)
	switch {
	case err == nil:
		im.plans[id] = im.s.rivals(plan)
	case sockgate.KindOf(err) != sockgate.NotFound:
		return nil, err
	}
	return im.plans[id], nil
}

// write stores what was read. When the store fails in the middle, what was stored before stays; the same file can be sent again.
func (im *keyImport) write(ctx context.Context) (any, error) {
	out := struct {
		IDs      []string `json:"ids"`
		Warnings []string `json:"warnings"`
	}{make([]string, 0, len(im.keys)), im.warnings}
	for _, ik := range im.keys {
		if err := im.writeKey(ctx, ik); err != nil {
			return nil, err
		}
		out.IDs = append(out.IDs, ik.key.ID)
	}
	return out, nil
}

func (im *keyImport) writeKey(ctx context.Context, ik *importedKey) (err error) {
	if ik.isNew {
		err = im.s.Catalog.CreateAPIKey(ctx, ik.key)
	} else {
		_, err = im.s.Catalog.ChangeAPIKey(ctx, ik.key.ID, func(k *sockgate.APIKey) error {
			k.Name, k.Description, k.Enabled, k.UpdatedAt = ik.key.Name, ik.key.Description, ik.key.Enabled, ik.key.UpdatedAt
			return nil
		})
	}
	for _, plan := range ik.plans {
		if err != nil {
			return err
		}
		err = im.s.addMember(ctx, plan.ID, ik.key.ID)
	}
	return err
}
