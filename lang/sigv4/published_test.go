package sigv4_test

import (
	"crypto/sha256"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/lang/sigv4"
)

// suiteKeys know the key of AWS's test suite, and that it also comes with session tokens there.
type suiteKeys struct{ keyring }

func (k suiteKeys) Session(id, token string, _ time.Time) (string, *sockgate.Principal, error) {
	if id != keyID || !strings.HasPrefix(token, "AQoDYXdzEPT//////////wEXAMPLE") && token != "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267" {
		return "", nil, sigv4.ErrNoSession
	}
	return k.keyring[id], principal, nil
}

// published is one case of testdata/published.txt.
type published struct {
	name    string
	r       sigv4.Request
	body    string
	refused bool
}

func readPublished(t *testing.T) []published {
	text, err := os.ReadFile("testdata/published.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []published
	for _, block := range strings.Split("\n"+string(text), "\n== ")[1:] {
		title, message, _ := strings.Cut(block, "\n")
		head, body, _ := strings.Cut(message, "\n\n")
		p := published{body: strings.TrimRight(body, "\n")}
		p.name, _, p.refused = strings.Cut(title, " -- refused")
		line, headers, _ := strings.Cut(strings.TrimRight(head, "\n"), "\n")
		var target string
		p.r.Method, target, _ = strings.Cut(strings.TrimSuffix(line, " HTTP/1.1"), " ")
		p.r.Path, p.r.RawQuery, _ = strings.Cut(target, "?")
		for h := range strings.SplitSeq(headers, "\n") {
			name, value, ok := strings.Cut(h, ":")
			if !ok {
				t.Fatalf("%s: header line %q", p.name, h)
			}
			if name == "Host" {
				p.r.Host = value
				continue
			}
			add(&p.r, name, value)
		}
		list = append(list, p)
	}
	return list
}

func TestPublishedSuite(t *testing.T) {
	list := readPublished(t)
	if len(list) < 50 {
		t.Errorf("only %d cases were found", len(list))
	}
	v := sigv4.New(suiteKeys{keys}, sigv4.Options{Region: "us-east-1", Clock: func() time.Time { return signedAt }})
	for _, p := range list {
		t.Run(p.name, func(t *testing.T) {
			got, err := v.Verify(&p.r, sha256.Sum256([]byte(p.body)), "service")
			if p.refused {
				refused(t, err, sigv4.InvalidSignature, noMatch)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Presigned != strings.Contains(p.name, ", presigned") || got.Principal != principal {
				t.Errorf("got %+v", got)
			}
			if got, err := v.Verify(&p.r, sha256.Sum256([]byte(p.body+"x")), "service"); err == nil {
				t.Errorf("accepted with another body: %+v", got)
			}
			tampered := p.r
			tampered.Path += "x"
			if got, err := v.Verify(&tampered, sha256.Sum256([]byte(p.body)), "service"); err == nil {
				t.Errorf("accepted with another path: %+v", got)
			}
		})
	}
}
