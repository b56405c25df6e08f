package template

import (
	"slices"

	"github.com/sockgate/sockgate/internal/nearest"
)

// Nearest returns the candidate that name was probably meant to be, or "".
func Nearest(name string, candidates []string) string { return nearest.Name(name, candidates) }

// maybe words a suggestion, for the end of a fault.
func maybe(suggestion, prefix string) string {
	if suggestion == "" {
		return ""
	}
	return "; did you mean " + prefix + suggestion + "?"
}

// nearestSorted is Nearest for candidates that come in no order: the same name gets the same answer each time.
func nearestSorted(name string, candidates []string) string {
	slices.Sort(candidates)
	return Nearest(name, candidates)
}
