package lambda

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
)

// pageSize returns how many items a page holds: what MaxItems says, and most at most. Source: service model.
func pageSize(c *checker, in *input, most int) int {
	given := in.query.Get("MaxItems")
	if given == "" {
		return most
	}
	n, err := strconv.Atoi(given)
	if err != nil {
		c.fault("maxItems", given, "Member must be an integer")
		return most
	}
	c.between("maxItems", &n, 1, 10000)
	return min(n, most)
}

// paged returns the page of items that follows Marker and the marker of the next page, or "" on the last one. The items are in the order of
// their keys, which are never empty. A marker is the last key of its page with a sum of it and of the list's name, so that items which come or go between two
// pages move no others, and one of another list is refused.
func paged[T any](items []T, key func(T) string, list string, in *input, size int) (page []T, next string, err error) {
	if marker := in.query.Get("Marker"); marker != "" {
		raw, err := base64.RawURLEncoding.DecodeString(marker)
		if err != nil || len(raw) <= markerSum || makeMarker(list, string(raw[markerSum:])) != marker {
			return nil, "", invalid("Invalid pagination token")
		}
		for last := string(raw[markerSum:]); len(items) > 0 && key(items[0]) <= last; {
			items = items[1:]
		}
	}
	if len(items) > size {
		items = items[:size]
		next = makeMarker(list, key(items[size-1]))
	}
	if items == nil {
		items = []T{}
	}
	return items, next, nil
}

const markerSum = 8 // bytes

func makeMarker(list, last string) string {
	sum := sha256.Sum256([]byte(list + "\x00" + last))
	return base64.RawURLEncoding.EncodeToString(append(sum[:markerSum], last...))
}

// ascending and descending are keys of numbers.
func ascending(n int64) string  { return fmt.Sprintf("%019d", n) }
func descending(n int64) string { return ascending(math.MaxInt64 - n) }

// configurationKey orders functions by name, and the versions of one with $LATEST first.
func configurationKey(c *configuration) string {
	n, _ := strconv.ParseInt(c.Version, 10, 64) // 0 for $LATEST
	return c.FunctionName + "\x00" + ascending(n)
}
