package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sort"
	"strings"
	"unicode/utf8"
)

// jsonReader makes nodes of a JSON text.
type jsonReader struct {
	src     []byte
	decoder *json.Decoder
	faults  *faults
	weight  int
	// The place of offset, which only moves on: looking each place up from its line's start would cost the square of a
	// long line's length.
	offset int
	here   at
}

func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// where turns an offset into a line and a column, both from 1; columns count characters.
func where(src []byte, starts []int, offset int) (line, column int) {
	offset = max(0, min(offset, len(src)))
	i := sort.SearchInts(starts, offset+1) - 1
	return i + 1, utf8.RuneCount(src[starts[i]:offset]) + 1
}

// readJSON returns nil when the text is not JSON or breaks a bound; the faults say why.
func readJSON(src []byte, f *faults) *node {
	r := &jsonReader{src: src, faults: f, decoder: json.NewDecoder(bytes.NewReader(src)), here: at{1, 1}}
	r.decoder.UseNumber()
	n, err := r.value(0)
	if err == nil {
		if _, more := r.decoder.Token(); more != io.EOF {
			err = errMoreJSON
		}
	}
	if err == nil {
		return n
	}
	if err == errTold {
		return nil
	}
	offset := int(r.decoder.InputOffset())
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = int(syntax.Offset) - 1
	}
	place := &node{}
	place.line, place.column = where(src, lineStarts(src), offset)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errShortJSON
	}
	f.add(place, "not valid JSON: %s", err)
	return nil
}

var (
	errTold      = errors.New("told already")
	errMoreJSON  = errors.New("something follows the end of the template")
	errShortJSON = errors.New("the text ends too early")
)

func (r *jsonReader) stop(n *node, format string, args ...any) error {
	r.faults.add(n, format, args...)
	return errTold
}

// place of the next token: the decoder's offset is at the end of the one before.
func (r *jsonReader) next() at {
	offset := int(r.decoder.InputOffset())
	for offset < len(r.src) {
		if !strings.ContainsRune(" \t\r\n,:", rune(r.src[offset])) {
			break
		}
		offset++
	}
	for ; r.offset < offset; r.offset++ {
		switch c := r.src[r.offset]; {
		case c == '\n':
			r.here = at{r.here.line + 1, 1}
		case utf8.RuneStart(c):
			r.here.column++
		}
	}
	return r.here
}

func (r *jsonReader) value(depth int) (*node, error) {
	place := r.next()
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	n := place.node(null)
	if depth > maxDepth {
		return nil, r.stop(n, "nested deeper than %d levels", maxDepth)
	}
	switch t := token.(type) {
	case string:
		n = place.text(t)
	case bool:
		n = place.boolean(t)
	case json.Number:
		n.kind, n.text = number, string(t)
	case json.Delim:
		if err := r.inside(n, t, depth); err != nil {
			return nil, err
		}
	}
	if r.weight += 1 + len(n.text)/100; r.weight > maxWeight {
		return nil, r.stop(n, "the template has too many parts (over %d)", maxWeight)
	}
	return n, nil
}

func (r *jsonReader) inside(n *node, open json.Delim, depth int) error {
	if open == '[' {
		n.kind = list
		for r.decoder.More() {
			item, err := r.value(depth + 1)
			if err != nil {
				return err
			}
			n.items = append(n.items, item)
		}
		_, err := r.decoder.Token()
		return err
	}
	n.kind = mapping
	seen := map[string]*node{}
	for r.decoder.More() {
		key, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		value, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		if before := seen[key.text]; before != nil {
			r.faults.add(key, "duplicate key %q; it stands on line %d already", key.text, before.line)
			continue
		}
		seen[key.text] = key
		n.pairs = append(n.pairs, pair{key, value})
	}
	_, err := r.decoder.Token()
	return err
}
