// Package nearest finds the name that somebody probably meant, for error messages that say what to do.
package nearest

import "strings"

// Name returns the candidate that name was probably meant to be, or "". Letter case, dashes, underscores and dots do not
// count; beyond them, about one letter in three may be wrong. Of several as near, it is the first.
func Name(name string, candidates []string) string {
	plain := plainName(name)
	best, least := "", len(plain)/3+2
	for _, c := range candidates {
		if d := distance(plain, plainName(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// Maybe words a suggestion, for the end of a fault; "" when there is none. quote stands around it.
func Maybe(suggestion, quote string) string {
	if suggestion == "" {
		return ""
	}
	return "; did you mean " + quote + suggestion + quote + "?"
}

// Same reports whether two names differ in letter case, dashes, underscores and dots only.
func Same(a, b string) bool { return plainName(a) == plainName(b) }

// Distance counts the letters that must be inserted, deleted, replaced or swapped with their neighbour to make b of a; letter case, dashes,
// underscores and dots do not count. Names of more than 64 letters are far from everything.
func Distance(a, b string) int { return distance(plainName(a), plainName(b)) }

func plainName(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "").Replace(s))
}

// distance counts the insertions, deletions, replacements and swaps of neighbours between a and b.
func distance(a, b string) int {
	const longest = 64 // names are short; what is longer is no misspelling of one
	if len(a) > longest || len(b) > longest {
		return longest
	}
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
