package awswire

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// Page sizes. UNCONFIRMED on AWS, whose pages have been seen to hold 25.
const (
	defaultPage = 100
	maxPage     = 500
)

// Page returns one page of items in the order of their ids, and the token of the next page, or "" on the last one.
//
// maxResults and token are as they came from the client; "" is absent. list names what is listed ("GetRoutes abc123"): a token
// of one list is refused by another. The order does not depend on creation, and items that come or go between two pages
// make no other item appear twice or be missed. Errors: Invalid.
func Page[T any](items []T, id func(*T) string, list, maxResults, token string) (page []T, next string, err error) {
	size, err := pageSize(maxResults)
	if err != nil {
		return nil, "", err
	}
	after, err := openToken(list, token)
	if err != nil {
		return nil, "", err
	}
	sorted := slices.Clone(items)
	slices.SortFunc(sorted, func(a, b T) int { return strings.Compare(id(&a), id(&b)) })
	if token != "" {
		sorted = slices.DeleteFunc(sorted, func(t T) bool { return id(&t) <= after })
	}
	if len(sorted) <= size {
		return sorted, "", nil
	}
	return sorted[:size], makeToken(list, id(&sorted[size-1])), nil
}

func pageSize(maxResults string) (int, error) {
	if maxResults == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(maxResults)
	if err != nil || n < 1 || n > maxPage {
		return 0, sockgate.Invalidf("Invalid value for maxResults: it must be an integer from 1 to %d", maxPage)
	}
	return n, nil
}

// A token is base64url of 8 bytes of a sum and the last id of its page. The sum is no secret: it tells a token that we made
// for this list from anything else, and a forged one only skips items that its maker may read anyway.
const tokenSum = 8

func makeToken(list, last string) string {
	sum := sha256.Sum256([]byte(list + "\x00" + last))
	return base64.RawURLEncoding.EncodeToString(append(sum[:tokenSum], last...))
}

func openToken(list, token string) (last string, err error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) <= tokenSum || makeToken(list, string(raw[tokenSum:])) != token {
		return "", sockgate.Invalidf("Invalid value for nextToken")
	}
	return string(raw[tokenSum:]), nil
}
