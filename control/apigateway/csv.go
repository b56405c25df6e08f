package apigateway

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/sockgate/sockgate"
)

// A file of API keys is comma-separated values: a line of column names, and a line for each key. Lines end with LF or CRLF, and
// empty ones do not count. A value may be between double or single quotes, in which commas and, doubled, the quote itself are
// ordinary; spaces around a value do not count. A byte order mark is passed over.
//
// Source: API Gateway Developer Guide, "API Gateway API key file format".

// keyRow is one line of a file of keys.
type keyRow struct {
	line        int // in the file, from 1
	name, value string
	description string
	enabled     string
	plans       string
	malformed   string // what is wrong with its form, or ""
}

// keyColumns are the columns that mean something, in lower case.
var keyColumns = map[string]func(*keyRow) *string{
	"name":         func(r *keyRow) *string { return &r.name },
	"key":          func(r *keyRow) *string { return &r.value },
	"description":  func(r *keyRow) *string { return &r.description },
	"enabled":      func(r *keyRow) *string { return &r.enabled },
	"usageplanids": func(r *keyRow) *string { return &r.plans },
}

// maxColumns bounds the columns of a file.
const maxColumns = 100

// readKeyFile reads a file of at most maxRows keys. Errors: Invalid for what is wrong with the file as a whole, and LimitExceeded.
// UNCONFIRMED texts, but that of a column that is missing.
func readKeyFile(file []byte, maxRows int) ([]keyRow, error) {
	if !utf8.Valid(file) {
		return nil, sockgate.Invalidf("The API key file is not valid UTF-8")
	}
	c := &csvReader{rest: string(bytes.TrimPrefix(file, []byte("\ufeff"))), line: 1}
	header, _, malformed := c.record(maxColumns + 1)
	if malformed != "" {
		return nil, sockgate.Invalidf("The first line of the API key file is malformed: %s", malformed)
	}
	columns, err := keyHeader(header)
	if err != nil {
		return nil, err
	}
	var rows []keyRow
	for {
		values, line, malformed := c.record(len(columns))
		if values == nil {
			return rows, nil
		}
		if len(rows) == maxRows {
			return nil, limitExceeded("API Keys")
		}
		row := keyRow{line: line, malformed: malformed}
		for i, v := range values {
			if columns[i] != nil {
				*columns[i](&row) = v
			}
		}
		rows = append(rows, row)
	}
}

// keyHeader returns where each column of the file goes; nil is nowhere.
func keyHeader(header []string) ([]func(*keyRow) *string, error) {
	if len(header) > maxColumns {
		return nil, sockgate.Invalidf("The API key file can have at most %d columns", maxColumns)
	}
	columns := make([]func(*keyRow) *string, len(header))
	seen := make(map[string]bool)
	for i, name := range header {
		lower := strings.ToLower(name)
		if columns[i] = keyColumns[lower]; columns[i] == nil {
			continue
		}
		if seen[lower] {
			return nil, sockgate.Invalidf("Duplicate column '%s'", short(name))
		}
		seen[lower] = true
	}
	for _, name := range []string{"Key", "Name"} {
		if !seen[strings.ToLower(name)] {
			return nil, sockgate.Invalidf("Missing required column '%s'", name)
		}
	}
	return columns, nil
}

// csvReader takes a text apart from its beginning.
type csvReader struct {
	rest string
	line int // that rest begins with
}

// record returns the values of the next line that is not empty, at most limit of them, and the line's number; nil at the end.
// When the line's form is wrong, malformed says how, and the reader goes on with the line after it.
func (c *csvReader) record(limit int) (values []string, line int, malformed string) {
	for c.rest != "" {
		if end, ok := lineEnd(c.rest); ok {
			c.rest = c.rest[end:]
			c.line++
			continue
		}
		break
	}
	if c.rest == "" {
		return nil, c.line, ""
	}
	line = c.line
	values = make([]string, 0, min(limit, 8))
	for {
		v, problem := c.value()
		if problem != "" {
			c.skipLine()
			return values, line, problem
		}
		if len(values) < limit {
			values = append(values, v)
		}
		if next, ok := strings.CutPrefix(c.rest, ","); ok {
			c.rest = next
			continue
		}
		if end, ok := lineEnd(c.rest); ok {
			c.rest = c.rest[end:]
			c.line++
		}
		return values, line, ""
	}
}

// value takes one value, up to the comma, line end or text end behind it.
func (c *csvReader) value() (v, malformed string) {
	c.rest = strings.TrimLeft(c.rest, " \t")
	if c.rest != "" && (c.rest[0] == '"' || c.rest[0] == '\'') {
		return c.quoted(c.rest[0])
	}
	end := strings.IndexAny(c.rest, ",\r\n")
	if end < 0 {
		end = len(c.rest)
	}
	v, c.rest = strings.TrimRight(c.rest[:end], " \t"), c.rest[end:]
	if c.rest != "" && c.rest[0] == '\r' && !strings.HasPrefix(c.rest, "\r\n") {
		return "", "a carriage return stands alone"
	}
	return v, ""
}

// quoted takes a value between quotes, which may run over several lines.
func (c *csvReader) quoted(quote byte) (v, malformed string) {
	var b strings.Builder
	for text := c.rest[1:]; ; {
		end := strings.IndexByte(text, quote)
		if end < 0 {
			return "", "a quote is not closed"
		}
		b.WriteString(text[:end])
		text = text[end+1:]
		if text != "" && text[0] == quote {
			b.WriteByte(quote)
			text = text[1:]
			continue
		}
		c.line += strings.Count(b.String(), "\n")
		c.rest = strings.TrimLeft(text, " \t")
		if _, ok := lineEnd(c.rest); !ok && c.rest != "" && c.rest[0] != ',' {
			return "", "text follows a closing quote"
		}
		return b.String(), ""
	}
}

// skipLine goes on after the next line end.
func (c *csvReader) skipLine() {
	end := strings.IndexByte(c.rest, '\n')
	if end < 0 {
		c.rest = ""
		return
	}
	c.rest = c.rest[end+1:]
	c.line++
}

// lineEnd returns the length of the line end that a text begins with.
func lineEnd(text string) (n int, ok bool) {
	switch {
	case strings.HasPrefix(text, "\n"):
		return 1, true
	case strings.HasPrefix(text, "\r\n"):
		return 2, true
	}
	return 0, false
}
