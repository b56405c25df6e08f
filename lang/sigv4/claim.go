package sigv4

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxExpires is the longest validity of a presigned URL, seven days (IAM User Guide, "Request signature using query parameters").
const maxExpires = 604800

// claim is what a request says about its signature; nothing of it is proven yet.
type claim struct {
	presigned     bool
	algorithm     string
	credential    string
	signedHeaders string
	signature     string        // hex
	date          string        // as sent
	expires       time.Duration // presigned only; 0 when not said
	query         []param       // in canonical order, without the signature of a presigned URL
}

// The names of a presigned URL's parameters that must be there, in the order of AWS's complaints.
var presignedParameters = [...]string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"}

// readClaim finds the signature of a request in its Authorization header or in its query.
// As at AWS, any Authorization header is taken for a signature, also "Bearer ...".
func readClaim(r *Request, space []param) (claim, error) {
	c := claim{query: parseQuery(r.RawQuery, space)}
	for _, p := range c.query {
		c.presigned = c.presigned || p.name == presignedParameters[0]
	}
	authorization := r.header("Authorization")
	switch {
	case authorization != "" && c.presigned:
		return c, refuse(InvalidSignature, "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")
	case c.presigned:
		return c, c.readQuery()
	case authorization != "":
		c.date = r.header("X-Amz-Date")
		if c.date == "" {
			c.date = r.header("Date")
		}
		return c, c.readHeader(authorization)
	}
	return c, refuse(MissingAuthenticationToken, "Missing Authentication Token")
}

func (c *claim) readHeader(authorization string) error {
	algorithm, rest, _ := strings.Cut(authorization, " ")
	c.algorithm = algorithm
	var credential, signature, signedHeaders int
	for rest != "" {
		end := 0
		for end < len(rest) && rest[end] != ',' && rest[end] != ' ' && rest[end] != '\t' {
			end++
		}
		part := rest[:end]
		rest = rest[min(end+1, len(rest)):]
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return refuse(IncompleteSignature, "Invalid key=value pair (missing equal-sign) in Authorization header "+
				"(hashed with SHA-256 and encoded with Base64): '%s'.", fingerprint(authorization))
		}
		switch name {
		case "Credential":
			c.credential, credential = value, credential+1
		case "Signature":
			c.signature, signature = value, signature+1
		case "SignedHeaders":
			c.signedHeaders, signedHeaders = value, signedHeaders+1
		}
	}
	// A parameter given twice is treated as if it were not there: no reader may choose which of the two counts.
	var faults []string
	if credential != 1 || c.credential == "" {
		faults = append(faults, "Authorization header requires 'Credential' parameter.")
	}
	if signature != 1 || c.signature == "" {
		faults = append(faults, "Authorization header requires 'Signature' parameter.")
	}
	if signedHeaders != 1 {
		faults = append(faults, "Authorization header requires 'SignedHeaders' parameter.")
	}
	if c.date == "" {
		faults = append(faults, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if faults != nil {
		return missing(authorization, faults)
	}
	return nil
}

func (c *claim) readQuery() error {
	var values [len(presignedParameters)]string
	var counts [len(presignedParameters)]int
	var expires []string
	kept := c.query[:0]
	for _, p := range c.query {
		for i, name := range presignedParameters {
			if p.name == name {
				values[i] = unescapeQuery(p.value)
				counts[i]++
			}
		}
		if p.name == "X-Amz-Expires" {
			expires = append(expires, p.value)
		}
		if p.name != "X-Amz-Signature" {
			kept = append(kept, p)
		}
	}
	c.query = kept
	faults := ""
	for i, name := range presignedParameters {
		if counts[i] != 1 || values[i] == "" {
			faults += "AWS query-string parameters must include '" + name + "'. "
		}
	}
	if faults != "" {
		return refuse(IncompleteSignature, "%sRe-examine the query-string parameters.", faults)
	}
	c.algorithm, c.credential, c.signature, c.signedHeaders, c.date = values[0], values[1], values[2], values[3], values[4]
	if expires == nil {
		return nil
	}
	return c.readExpires(strings.Join(expires, ","))
}

// readExpires reads X-Amz-Expires. The texts are those of S3, the only service that documents any.
func (c *claim) readExpires(text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return refuse(IncompleteSignature, "X-Amz-Expires should be a number")
	case n < 1:
		return refuse(IncompleteSignature, "X-Amz-Expires must be non-negative")
	case n > maxExpires:
		return refuse(IncompleteSignature, "X-Amz-Expires must be less than a week (in seconds); "+
			"that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	c.expires = time.Duration(n) * time.Second
	return nil
}

// time returns when the request was signed, as a time and in the spelling of the string to sign. Only a Date header may be
// written in another way than ISO 8601's basic format.
func (c *claim) time() (time.Time, string, error) {
	if at, ok := parseBasic(c.date); ok {
		return at, c.date, nil
	}
	if !c.presigned {
		if at, err := http.ParseTime(c.date); err == nil {
			return at, at.UTC().Format(isoBasic), nil
		}
	}
	return time.Time{}, "", refuse(IncompleteSignature,
		"Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", c.date)
}

// parseBasic reads a time written as isoBasic. time.Parse takes six times as long, a tenth of a verification, and would allow
// a fraction of a second.
func parseBasic(s string) (time.Time, bool) {
	if len(s) != len(isoBasic) || s[8] != 'T' || s[15] != 'Z' {
		return time.Time{}, false
	}
	digits := true
	number := func(from, to int) (n int) {
		for _, c := range []byte(s[from:to]) {
			digits = digits && '0' <= c && c <= '9'
			n = n*10 + int(c) - '0'
		}
		return n
	}
	month, dayOfMonth := time.Month(number(4, 6)), number(6, 8)
	hour, minute, second := number(9, 11), number(11, 13), number(13, 15)
	t := time.Date(number(0, 4), month, dayOfMonth, hour, minute, second, 0, time.UTC)
	return t, digits && minute < 60 && second < 60 && t.Month() == month && t.Day() == dayOfMonth
}

// splitCredential takes a credential apart.
func splitCredential(credential string) (accessKeyID string, s scope, end string, ok bool) {
	if strings.Count(credential, "/") != 4 {
		return "", scope{}, "", false
	}
	accessKeyID, rest, _ := strings.Cut(credential, "/")
	s.date, rest, _ = strings.Cut(rest, "/")
	s.region, rest, _ = strings.Cut(rest, "/")
	s.service, end, _ = strings.Cut(rest, "/")
	return accessKeyID, s, end, true
}

// Service returns the service for which a request claims to be signed, so that it can be led to that service's API, which then
// verifies it. Nothing about the claim is checked. It is "" when the request carries no readable signature.
func Service(r *Request) string {
	c, err := readClaim(r, nil)
	if err != nil {
		return ""
	}
	_, s, _, _ := splitCredential(c.credential)
	return s.service
}
