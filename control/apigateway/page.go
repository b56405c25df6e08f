package apigateway

import (
	"encoding/base64"
	"iter"
	"strconv"

	"github.com/sockgate/sockgate"
)

// Page sizes. Source: reference section 1.3. UNCONFIRMED: more than the maximum is taken for the maximum.
const (
	defaultPage = 25
	maxPage     = 500
)

// listOut is a page as the wire has it.
type listOut struct {
	Item     []any  `json:"item"`
	Position string `json:"position,omitempty"`
}

// paging reads the parameters limit and position. after is the id that the last page ended with, or "".
func (in *input) paging() (limit int, after string, err error) {
	limit = defaultPage
	if text := in.query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return 0, "", sockgate.Invalidf("Invalid value for limit: it must be an integer from 1 to %d", maxPage)
		}
		limit = min(n, maxPage)
	}
	if token := in.query.Get("position"); token != "" {
		id, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(id) == 0 || !plainID(string(id)) {
			return 0, "", sockgate.Invalidf("Invalid value for position")
		}
		after = string(id)
	}
	return limit, after, nil
}

// page takes the first items of a sequence that are wanted, and tells whether there are more.
func page[T any](seq iter.Seq2[*T, error], limit int, wanted func(*T) bool) (items []*T, more bool, err error) {
	for item, err := range seq {
		switch {
		case err != nil:
			return nil, false, err
		case wanted != nil && !wanted(item):
		case len(items) == limit:
			return items, true, nil
		default:
			items = append(items, item)
		}
	}
	return items, false, nil
}

// list makes the answer of a list operation from what follows an id in the order of ids.
func list[T any](in *input, follow func(after string) iter.Seq2[*T, error], wanted func(*T) bool, id func(*T) string, show func(*T) any) (any, error) {
	limit, after, err := in.paging()
	if err != nil {
		return nil, err
	}
	items, more, err := page(follow(after), limit, wanted)
	if err != nil {
		return nil, err
	}
	out := listOut{Item: make([]any, len(items))}
	for i, item := range items {
		out.Item[i] = show(item)
	}
	if more {
		out.Position = position(id(items[len(items)-1]))
	}
	return out, nil
}

// position returns the token of the page that follows the item with this id.
func position(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

// plainID says whether a text has the form of ids.
func plainID(s string) bool {
	for i := range len(s) {
		if b := s[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') {
			return false
		}
	}
	return true
}
