package gatewaytest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func (s *story) push(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return usage("push NAME TEXT [OPTION ...]")
	}
	_, err := s.callback("POST", args[0], args[1], args[2:])
	return err
}

// volatile are the times in the answer to GET.
var volatile = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)

func (s *story) get(ts *testscript.TestScript, args []string) error {
	if len(args) < 1 {
		return usage("get NAME [OPTION ...]")
	}
	body, err := s.callback("GET", args[0], "", args[1:])
	if err == nil {
		fmt.Fprintln(ts.Stdout(), volatile.ReplaceAllString(body, "TIME"))
	}
	return err
}

func (s *story) deleteConnection(ts *testscript.TestScript, args []string) error {
	if len(args) < 1 {
		return usage("delete-connection NAME [OPTION ...]")
	}
	_, err := s.callback("DELETE", args[0], "", args[1:])
	return err
}

// successes are the statuses that the calls of @connections answer with.
var successes = map[string]int{"POST": 200, "GET": 200, "DELETE": 204}

func (s *story) callback(method, name, body string, options []string) (string, error) {
	id, err := s.names.id(name)
	if err != nil {
		id = name // a literal id
	}
	at, stage, host, path, domain := "@", "dev", s.gateway.Host(s.api), "/", ""
	for _, o := range options {
		switch o {
		case "host=api":
		case "host=path":
			host, path = s.gateway.Addr(), "/_aws/execute-api/"+s.api+"/"
		case "host=plain":
			host = s.gateway.Addr()
		case "id=raw":
		case "id=escaped":
			id = url.QueryEscape(id)
		case "at=raw":
		case "at=escaped":
			at = "%40"
		default:
			if value, ok := strings.CutPrefix(o, "stage="); ok {
				stage = value
			} else if value, ok := strings.CutPrefix(o, "by="); ok {
				domain = value
			} else {
				return "", fmt.Errorf("unknown option %q", o)
			}
		}
	}
	if stage != "" {
		stage += "/"
	}
	req, err := http.NewRequest(method, "http://"+host+path+stage+at+"connections/"+id, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	if domain != "" {
		s.toDomain(req, domain)
	}
	if err := s.gateway.Sign(req, "execute-api", []byte(body), time.Now()); err != nil {
		return "", err
	}
	resp, err := s.gateway.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != successes[method] {
		return "", &refused{fmt.Sprintf("%d %s\n%s", resp.StatusCode, resp.Header.Get("x-amzn-ErrorType"), answer)}
	}
	return string(answer), nil
}
