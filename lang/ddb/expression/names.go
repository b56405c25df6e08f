package expression

import (
	"slices"
	"strings"
)

// Attributes returns the top-level attributes that the text of an expression of any kind mentions, in its order. names gives the meaning
// of "#name"; one without a meaning is left out. A text that is no expression yields some of its words.
func Attributes(text string, names func(ref string) (string, bool)) []string {
	var found []string
	tokens := lex(text)
	sign := func(i int, s string) bool {
		return i >= 0 && tokens[i].kind != eof && text[tokens[i].start:tokens[i].end] == s
	}
	for i, t := range tokens {
		name := text[t.start:t.end]
		switch {
		case t.kind != identifier && t.kind != nameRef, sign(i-1, "."):
			continue
		case t.kind == nameRef:
			meaning, ok := names(name)
			if !ok {
				continue
			}
			name = meaning
		case sign(i+1, "("), reservedWord(name), strings.EqualFold(name, "REMOVE"): // the only keyword that is not reserved
			continue
		}
		if !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}
