package apigateway

import (
	"fmt"
	"strings"
	"testing"
)

func TestKeyFile(t *testing.T) {
	tests := []struct{ name, file, want string }{ // want: line|name|value|description|enabled|plans|malformed
		{"as documented", "Key,name\napikey1234abcdefghij0123456789,MyFirstApiKey\n", "2|MyFirstApiKey|apikey1234abcdefghij0123456789||||"},
		{"all columns", "Name,key,description,Enabled,usageplanIds\nn,k,An imported key,TRUE,c7y23b", "2|n|k|An imported key|TRUE|c7y23b|"},
		{"double quotes", "Enabled,Name,key,UsageplanIds\ntrue,n,k,\"c7y23b,glvrsr\"\n", "2|n|k||true|c7y23b,glvrsr|"},
		{"single quotes", "UsageplanIds,Enabled,Name,key\n'c7y23b,glvrsr',true,n,k\n", "2|n|k||true|c7y23b,glvrsr|"},
		{"doubled quotes", "key,name\nk,\"a \"\"b\"\" 'c'\"\nk,'it''s \"d\"'", "2|a \"b\" 'c'|k||||\n3|it's \"d\"|k||||"},
		{"a line end in quotes", "key,name\nk,\"a\nb\"\nk,c", "2|a\nb|k||||\n4|c|k||||"},
		{"a quote inside", "key,name\nk,it's 5\" long\n", "2|it's 5\" long|k||||"},
		{"spaces", "key , name\t, description\n k\t,  n , 'd' \n", "2|n|k|d|||"},
		{"byte order mark and CRLF", "\ufeffkey,name\r\nk,n\r\nk2,n2\r\n", "2|n|k||||\n3|n2|k2||||"},
		{"empty lines", "\n\r\nkey,name\n\n\nk,n\n\n", "6|n|k||||"},
		{"unknown columns", "a,key,b,name,a\n1,k,2,n,3\n", "2|n|k||||"},
		{"short and long lines", "key,name,description\nk\nk,n,d,x,y\n", "2||k||||\n3|n|k|d|||"},
		{"empty values", "key,name\n,\n\"\",''\n", "2||||||\n3||||||"},
		{"text after a quote", "key,name\n\"k\"x,n\nk,n\n", "2||||||text follows a closing quote\n3|n|k||||"},
		{"an open quote", "key,name\nk,\"n\nk,n\n", "2||k||||a quote is not closed\n3|n|k||||"},
		{"a lone carriage return", "key,name\nk\rx,n\nk,n", "2||||||a carriage return stands alone\n3|n|k||||"},
		{"only a header", "key,name", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows, err := readKeyFile([]byte(tt.file), 10)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, r := range rows {
				lines = append(lines, fmt.Sprintf("%d|%s|%s|%s|%s|%s|%s", r.line, r.name, r.value, r.description, r.enabled, r.plans, r.malformed))
			}
			if got := strings.Join(lines, "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// FuzzKeyFile: no file makes trouble, and what is quoted is read as it was.
func FuzzKeyFile(f *testing.F) {
	for _, s := range []string{"key,name\nk,n\n", "\ufeffname,key\r\n'a','b,c'\r\n", "key,name\n\"k\"x,'\n", "a,b\rc", "'", "\"\"\"", ",,,\n,,", "n\x00m", "a'b\"c,d\ne"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rows, err := readKeyFile([]byte(s), 100)
		if err == nil {
			for _, r := range rows {
				if r.line < 2 || r.line > strings.Count(s, "\n")+1 {
					t.Errorf("line %d of %q", r.line, s)
				}
			}
		}
		for _, quote := range []string{`"`, `'`} {
			q := quote + strings.ReplaceAll(s, quote, quote+quote) + quote
			rows, err := readKeyFile([]byte("key,name\n"+q+" , "+q), 1)
			if err != nil {
				if !strings.Contains(err.Error(), "UTF-8") {
					t.Errorf("%q: %v", q, err)
				}
				continue
			}
			if len(rows) != 1 || rows[0].value != s || rows[0].name != s || rows[0].malformed != "" {
				t.Errorf("%q was read as %+v", q, rows)
			}
		}
	})
}

// FuzzRoutePath: a path that is made of its parts is taken apart into them.
func FuzzRoutePath(f *testing.F) {
	for _, s := range []string{"$connect", "a/b", "~", "~1", "/", "rateLimit", "a/burstLimit", ""} {
		f.Add("chat", "prod", s)
	}
	f.Fuzz(func(t *testing.T, api, stage, route string) {
		parseRoutePath(route)
		if strings.ContainsAny(api, ":/") || strings.Contains(stage, "/") || route == "" {
			t.Skip()
		}
		path := "/apiStages/" + api + ":" + stage + "/throttle/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(route) + "/rateLimit"
		got, ok := parseRoutePath(path)
		if want := (routeTarget{api, stage, route, "rateLimit"}); !ok || got != want {
			t.Errorf("%q was read as %+v, %t", path, got, ok)
		}
	})
}
