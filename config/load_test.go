package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/config"
)

var home = []string{"HOME=/home/ada"}

// load loads a file with the given text, named config.yaml.
func load(t *testing.T, text string, environ []string, flags map[string]string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(config.Sources{File: path, Environ: append(home, environ...), Flags: flags})
}

func TestDefaults(t *testing.T) {
	c, err := config.Load(config.Sources{Environ: home})
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Listen:  "127.0.0.1:4566",
		Data:    "/home/ada/.local/share/sockgate",
		Grace:   30 * time.Second,
		Account: "000000000000",
		Region:  "us-east-1",
		Log:     config.Log{Level: "info", Format: "auto"},
		Limits: config.Limits{
			FrameSize: 32768, MessageSize: 131072, IdleTimeout: 10 * time.Minute, ConnectionDuration: 2 * time.Hour,
			InFlightPerConnection: 16, SendQueue: 262144, SendStall: 10 * time.Second, HandshakeTimeout: 10 * time.Second,
			HeaderSize: 16384, RequestBurst: 5000,
		},
		Backends:  config.Backends{MaxConnectionsPerHost: 512, MaxResponse: 1048576},
		State:     config.State{Engine: "embedded", Replicas: 1},
		Links:     config.Links{MaxAgents: 256, MaxStreams: 1024, KeepAlive: 2 * time.Second},
		Functions: config.Functions{MaxConcurrency: 10, Idle: 5 * time.Minute, Isolation: "none", LeadCalls: true},
		Tables:    config.Tables{Durability: "sync"},
		TLS:       config.TLS{ACMEChallenges: "any"},
		Logs:      config.Logs{Dir: "/home/ada/.local/share/sockgate/logs", FileSize: 64 << 20, Keep: 3},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("the defaults warn: %q", w)
	}
	if err := config.Default().Validate(); err != nil {
		t.Errorf("Default is not valid: %v", err)
	}
}

func TestPrecedence(t *testing.T) {
	const file = "region: from-file\naccount: \"111111111111\"\ngrace: 1s\nlog: {level: warn}"
	c, err := load(t, file,
		[]string{"SOCKGATE_ACCOUNT=222222222222", "SOCKGATE_GRACE=2s", "SOCKGATE_LOG_LEVEL="},
		map[string]string{"grace": "3s"})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.Region, " ", c.Account, " ", c.Grace, " ", c.Log.Level, " ", c.Log.Format)
	if want := "from-file 222222222222 3s warn auto"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFileNamedByEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.yaml")
	if err := os.WriteFile(path, []byte("region: eu-central-1"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Sources{Environ: append(home, "SOCKGATE_CONFIG="+path)})
	if err != nil || c.Region != "eu-central-1" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestDataDir(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		environ []string
		flags   map[string]string
		data    string
		logs    string
	}{
		{"home", home, nil, "/home/ada/.local/share/sockgate", "/home/ada/.local/share/sockgate/logs"},
		{"XDG", []string{"HOME=/home/ada", "XDG_DATA_HOME=/d"}, nil, "/d/sockgate", "/d/sockgate/logs"},
		{"relative XDG is ignored", []string{"HOME=/home/ada", "XDG_DATA_HOME=d"}, nil, "/home/ada/.local/share/sockgate", "/home/ada/.local/share/sockgate/logs"},
		{"relative flag", nil, map[string]string{"data": "state"}, wd + "/state", wd + "/state/logs"},
		{"logs elsewhere", []string{"SOCKGATE_DATA=/srv", "SOCKGATE_LOGS_DIR=/var/log/sockgate"}, nil, "/srv", "/var/log/sockgate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Load(config.Sources{Environ: tt.environ, Flags: tt.flags})
			if err != nil {
				t.Fatal(err)
			}
			if c.Data != tt.data || c.Logs.Dir != tt.logs {
				t.Errorf("data %s, logs %s", c.Data, c.Logs.Dir)
			}
		})
	}
}

func TestFileForms(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		want       func(*config.Config)
	}{
		{"empty", "", func(*config.Config) {}},
		{"only comments", "# nothing\n\n# here\n", func(*config.Config) {}},
		{"empty group", "limits:\n  # frameSize: 1KiB\nregion: a-b", func(c *config.Config) { c.Region = "a-b" }},
		{"document marks", "---\nregion: a-b\n...\n", func(c *config.Config) { c.Region = "a-b" }},
		{"flow mapping", "{region: a-b, limits: {frameSize: 2KiB}}", func(c *config.Config) { c.Region, c.Limits.FrameSize = "a-b", 2048 }},
		{"json", `{"region": "a-b", "limits": {"connections": 5}}`, func(c *config.Config) { c.Region, c.Limits.Connections = "a-b", 5 }},
		{"account is no octal number", "account: 000000000017", func(c *config.Config) { c.Account = "000000000017" }},
		{"sizes", "limits: {frameSize: 20000, messageSize: '1 MiB', sendQueue: 2MB}", func(c *config.Config) {
			c.Limits.FrameSize, c.Limits.MessageSize, c.Limits.SendQueue = 20000, 1<<20, 2e6
		}},
		{"zero lifts a limit", "limits: {connectionDuration: 0s, idleTimeout: 0, connections: 0}", func(c *config.Config) {
			c.Limits.ConnectionDuration, c.Limits.IdleTimeout = 0, 0
		}},
		{"bool", "backends: {allowLinkLocal: true}", func(c *config.Config) { c.Backends.AllowLinkLocal = true }},
		{"servers mean nats", "state: {url: 'nats://a:4222'}", func(c *config.Config) {
			c.State.Engine, c.State.URL = "nats", "nats://a:4222"
		}},
		{"nats", "state: {engine: nats, url: 'nats://a:4222, tls://b:4222', credentials: /c, replicas: 3}", func(c *config.Config) {
			c.State = config.State{Engine: "nats", URL: "nats://a:4222, tls://b:4222", Credentials: "/c", Replicas: 3}
		}},
		{"listeners", "listen: ':0'\nlisteners: {edge: '[::1]:80', management: 'localhost:0', console: '127.0.0.1:0'}", func(c *config.Config) {
			c.Listen = ":0"
			c.Listeners = config.Listeners{Edge: "[::1]:80", Management: "localhost:0", Console: "127.0.0.1:0"}
		}},
		{"names to values", "functions: {remote: {'arn:aws:lambda:us-east-1:111122223333:function:*': 'https://l.example:9/x', a: 'http://b'}}", func(c *config.Config) {
			c.Functions.Remote = config.Map{"arn:aws:lambda:us-east-1:111122223333:function:*": "https://l.example:9/x", "a": "http://b"}
		}},
		{"names to values in one line", "functions: {remote: 'a=http://b, c=http://d'}", func(c *config.Config) {
			c.Functions.Remote = config.Map{"a": "http://b", "c": "http://d"}
		}},
		{"a list", "listeners:\n  trustedProxies: [10.0.0.0/8, '::1']\n  proxyProtocol: true", func(c *config.Config) {
			c.Listeners.TrustedProxies, c.Listeners.ProxyProtocol = config.List{"10.0.0.0/8", "::1"}, true
		}},
		{"a list line by line", "listeners:\n  trustedProxies:\n    - 10.0.0.1\n    - 10.0.0.2", func(c *config.Config) {
			c.Listeners.TrustedProxies = config.List{"10.0.0.1", "10.0.0.2"}
		}},
		{"a list in one line", "listeners: {trustedProxies: '10.0.0.1, 10.0.0.2'}", func(c *config.Config) {
			c.Listeners.TrustedProxies = config.List{"10.0.0.1", "10.0.0.2"}
		}},
		{"an empty list", "listeners: {trustedProxies: []}", func(*config.Config) {}},
		{"truststores in S3", "domains: {s3Endpoint: 'https://s3.example:9000', s3Profile: trust}", func(c *config.Config) {
			c.Domains.S3Endpoint, c.Domains.S3Profile = "https://s3.example:9000", "trust"
		}},
		{"root key", "rootAccessKeyId: AKIAX\nrootSecretAccessKey: 's3:cret'", func(c *config.Config) {
			c.RootAccessKeyID, c.RootSecretAccessKey = "AKIAX", "s3:cret"
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want, err := config.Load(config.Sources{Environ: home})
			if err != nil {
				t.Fatal(err)
			}
			tt.want(want)
			got, err := load(t, tt.file, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		environ    []string
		flags      map[string]string
		want       []string // the lines of the message
	}{
		{name: "unknown group", file: "region: a\nlog: {}\nlimts:\n  frameSize: 1KiB",
			want: []string{`config.yaml:3: unknown key "limts"; did you mean "limits"?`}},
		{name: "unknown key in group", file: "limits:\n  frameSize: 2KiB\n  idelTimeout: 1m",
			want: []string{`config.yaml:3: unknown key "idelTimeout"; did you mean "idleTimeout"?`}},
		{name: "key of another group", file: "idleTimeout: 1m",
			want: []string{`config.yaml:1: unknown key "idleTimeout"; did you mean "limits.idleTimeout"?`}},
		{name: "dotted key", file: "limits.idleTimeout: 1m",
			want: []string{`config.yaml:1: unknown key "limits.idleTimeout"; did you mean "limits.idleTimeout"?`}},
		{name: "kebab key", file: "limits: {idle-timeout: 1m}",
			want: []string{`config.yaml:1: unknown key "idle-timeout"; did you mean "idleTimeout"?`}},
		{name: "nothing near", file: "zzzzzzzz: 1",
			want: []string{`config.yaml:1: unknown key "zzzzzzzz"`}},
		{name: "duplicate", file: "region: a\ngrace: 1s\nregion: b",
			want: []string{`config.yaml:3: key "region" stands on line 1 already; keep one of them`}},
		{name: "duplicate group", file: "log: {level: info}\nlog: {format: json}",
			want: []string{`config.yaml:2: key "log" stands on line 1 already; keep one of them`}},
		{name: "list for a value", file: "region: [a, b]",
			want: []string{`config.yaml:1: region takes one plain value, and this is a list`}},
		{name: "no value", file: "region:",
			want: []string{`config.yaml:1: region takes one plain value, and this is nothing`}},
		{name: "value for a group", file: "\nlimits: 5",
			want: []string{`config.yaml:2: limits must be a mapping of keys to values, and this is plain text`}},
		{name: "list at the top", file: "- a",
			want: []string{`config.yaml:1: the configuration must be a mapping of keys to values, and this is a list`}},
		{name: "names without values", file: "functions:\n  remote: {a: }",
			want: []string{`config.yaml:2: functions.remote takes plain names and values`}},
		{name: "a name twice", file: "functions:\n  remote: 'a=http://b,a=http://c'",
			want: []string{`config.yaml:2: functions.remote: "a=http://b,a=http://c" names a twice`}},
		{name: "a list for names", file: "functions: {remote: [a]}",
			want: []string{`config.yaml:1: functions.remote takes a mapping of names to values, and this is a list`}},
		{name: "a remote that is no URL", file: "functions: {remote: {a: b}}",
			want: []string{`config.yaml:1: functions.remote: "a=b" leads a to "b", which is no http or https URL`}},
		{name: "no network", file: "listeners: {trustedProxies: [10.0.0.0/8, proxy.example]}",
			want: []string{`config.yaml:1: listeners.trustedProxies: "10.0.0.0/8,proxy.example" names "proxy.example", which is no address and no network such as 10.0.0.0/8`}},
		{name: "lists in a list", file: "listeners:\n  trustedProxies: [[10.0.0.1]]",
			want: []string{`config.yaml:2: listeners.trustedProxies takes plain values without commas`}},
		{name: "an empty value in a list", file: "listeners: {trustedProxies: '10.0.0.1,,'}",
			want: []string{`config.yaml:1: listeners.trustedProxies: "10.0.0.1,," has an empty value between its commas`}},
		{name: "PROXY headers of nobody", file: "listeners: {proxyProtocol: true}",
			want: []string{`config.yaml:1: listeners.proxyProtocol: PROXY headers are believed of trusted proxies only; name them in listeners.trustedProxies`}},
		{name: "a list for one value", file: "region: [a]",
			want: []string{`config.yaml:1: region takes one plain value, and this is a list`}},
		{name: "a tables endpoint that is no URL", file: "tables: {endpoint: 'localhost:8000'}",
			want: []string{`config.yaml:1: tables.endpoint: "localhost:8000" is not an address; write http://HOST:PORT or https://HOST:PORT`}},
		{name: "ACME without consent", file: "tls: {acmeDirectory: 'https://acme.test/dir'}",
			want: []string{`config.yaml:1: tls.acmeDirectory: the authority's terms must be agreed to; read them, and set tls.acmeAgreed to true`}},
		{name: "two sealing keys", environ: []string{"SOCKGATE_TLS_KEY=hush", "SOCKGATE_TLS_KEY_FILE=/k"},
			want: []string{`SOCKGATE_TLS_KEY: tls.key: tls.keyFile is set too; keep one of them`}},
		{name: "alias", file: "region: &r a\naccount: *r",
			want: []string{
				`config.yaml:1: region takes one plain value, and this is YAML's anchor, which is not supported here`,
				`config.yaml:2: account takes one plain value, and this is YAML's alias, which is not supported here`,
			}},
		{name: "second document", file: "region: a\n---\nregion: b",
			want: []string{`config.yaml:3: a second YAML document; the configuration is one`}},
		{name: "wrong forms", file: "grace: 10\nlimits:\n  frameSize: 3 bananas\n  connections: many\nbackends: {allowLinkLocal: yes}",
			want: []string{
				`config.yaml:1: grace: "10" is not a duration; write a number with its unit, such as 10s, 5m or 1h30m`,
				`config.yaml:3: limits.frameSize: "3 bananas" is not a size; write a number of bytes such as 32768, or one with a unit such as 32KiB`,
				`config.yaml:4: limits.connections: "many" is not a whole number`,
				`config.yaml:5: backends.allowLinkLocal: "yes" is neither true nor false`,
			}},
		{name: "size that overflows", file: "limits: {messageSize: 9223372036854775807KiB}",
			want: []string{`config.yaml:1: limits.messageSize: "9223372036854775807KiB" is not a size; write a number of bytes such as 32768, or one with a unit such as 32KiB`}},
		{name: "bounds", file: "limits:\n  frameSize: 1\n  idleTimeout: 1ms\n  inFlightPerConnection: 0\nbackends:\n  maxResponse: 1GiB\n  maxConnectionsPerHost: -1",
			want: []string{
				`config.yaml:2: limits.frameSize: 1 is too small; use at least 1KiB`,
				`config.yaml:3: limits.idleTimeout: 1ms is too small; use at least 10ms, or 0 (never)`,
				`config.yaml:4: limits.inFlightPerConnection: 0 is too small; use at least 1`,
				`config.yaml:7: backends.maxConnectionsPerHost: -1 is too small; use at least 1`,
				`config.yaml:6: backends.maxResponse: 1GiB is too large; use at most 64MiB`,
			}},
		{name: "one of", file: "log: {level: wran}",
			want: []string{`config.yaml:1: log.level: "wran" is not one of debug, info, warn, error; did you mean "warn"?`}},
		{name: "identity", file: "account: 12\nregion: Frankfurt\nrootAccessKeyId: a b",
			want: []string{
				`config.yaml:1: account: "12" is not an account number; it takes 12 digits (in YAML, in quotes)`,
				`config.yaml:2: region: "Frankfurt" is not a region's name; it takes lowercase letters, digits and dashes, such as eu-central-1`,
				`config.yaml:3: rootAccessKeyId: "a b" is not an access key id; it takes 1 to 128 letters, digits and underscores`,
				`config.yaml:3: rootAccessKeyId: the secret of this key is missing; set rootSecretAccessKey (SOCKGATE_ROOT_SECRET_ACCESS_KEY) too`,
			}},
		{name: "secret without its id is not repeated", environ: []string{"SOCKGATE_ROOT_SECRET_ACCESS_KEY=hush\thush"},
			want: []string{
				`SOCKGATE_ROOT_SECRET_ACCESS_KEY: rootSecretAccessKey: the id of this key is missing; set rootAccessKeyId (SOCKGATE_ROOT_ACCESS_KEY_ID) too`,
				`SOCKGATE_ROOT_SECRET_ACCESS_KEY: rootSecretAccessKey: the secret holds a space, a line break or a character outside ASCII; check how it was quoted`,
			}},
		{name: "misspelt variable", environ: []string{"SOCKGATE_LIMIT_IDLE_TIMEOUT=1m", "SOCKGATE_CONFIGS=x"},
			want: []string{
				`environment: unknown variable SOCKGATE_CONFIGS; did you mean SOCKGATE_CONFIG?`,
				`environment: unknown variable SOCKGATE_LIMIT_IDLE_TIMEOUT; did you mean SOCKGATE_LIMITS_IDLE_TIMEOUT?`,
			}},
		{name: "value in a variable", environ: []string{"SOCKGATE_GRACE=soon"},
			want: []string{`SOCKGATE_GRACE: "soon" is not a duration; write a number with its unit, such as 10s, 5m or 1h30m`}},
		{name: "value of a flag", flags: map[string]string{"limits-header-size": "x"},
			want: []string{`--limits-header-size: "x" is not a size; write a number of bytes such as 32768, or one with a unit such as 32KiB`}},
		{name: "secrets have no flag", flags: map[string]string{"root-secret-access-key": "hush"},
			want: []string{`unknown flag --root-secret-access-key`}},
		{name: "address", flags: map[string]string{"listen": "4566"}, file: "listeners: {edge: 'host:http', console: ':70000'}",
			want: []string{
				`--listen: "4566" is not an address; write HOST:PORT, such as 127.0.0.1:4566, or :4566 for all interfaces`,
				`config.yaml:1: listeners.edge: "host:http" is not an address; write HOST:PORT, such as 127.0.0.1:4566, or :4566 for all interfaces`,
				`config.yaml:1: listeners.console: ":70000" is not an address; write HOST:PORT, such as 127.0.0.1:4566, or :4566 for all interfaces`,
			}},
		{name: "one address twice", file: "listeners: {edge: '127.0.0.1:4566', console: ':1', management: ':1'}",
			want: []string{
				`config.yaml:1: listeners.edge: 127.0.0.1:4566 is the address of listen already; give it another port, or leave it out to share that one`,
				`config.yaml:1: listeners.console: :1 is the address of listeners.management already; give it another port, or leave it out to share that one`,
			}},
		{name: "nats without servers", file: "state: {engine: nats, replicas: 2}",
			want: []string{
				`config.yaml:1: state.engine: nats needs servers; name them in state.url`,
				`config.yaml:1: state.replicas: an even number of copies survives no more failures than one copy fewer; use 1, 3 or 5`,
			}},
		{name: "servers without nats", file: "state: {engine: embedded, url: 'nats://a:1', credentials: c, replicas: 3}",
			want: []string{
				`config.yaml:1: state.url: only engine nats connects to servers; set state.engine to nats, or remove the URL`,
				`config.yaml:1: state.credentials: only engine nats takes credentials; set state.engine to nats, or remove them`,
				`config.yaml:1: state.replicas: only engine nats keeps several copies; set state.engine to nats, or replicas to 1`,
			}},
		{name: "URL that is none", file: "state: {engine: nats, url: 'http://user:hush@a'}",
			want: []string{`config.yaml:1: state.url: the value is not a list of NATS servers; write e.g. nats://host:4222, separated by commas`}},
		{name: "password on the command line", file: "state: {engine: nats}", flags: map[string]string{"state-url": "nats://u:hush@a:1"},
			want: []string{`--state-url: state.url: the URL holds credentials, and other users can read command lines; use SOCKGATE_STATE_URL or the file`}},
		{name: "tilde", file: "data: ~/x\nlogs: {dir: ~/y}",
			want: []string{
				`config.yaml:1: data: "~/x" begins with ~, which only a shell expands; write the whole path`,
				`config.yaml:2: logs.dir: "~/y" begins with ~, which only a shell expands; write the whole path`,
			}},
		{name: "empty where something is needed", file: "listen: ''\nregion: ''",
			want: []string{`config.yaml:1: listen: must not be empty`, `config.yaml:2: region: must not be empty`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(t, tt.file, tt.environ, tt.flags)
			if err == nil {
				t.Fatalf("no error; got %+v", c)
			}
			if sockgate.KindOf(err) != sockgate.Invalid {
				t.Errorf("kind is %v", sockgate.KindOf(err))
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Error("the error repeats a secret")
			}
		})
	}
}

func TestSyntaxErrorsNameFileAndLine(t *testing.T) {
	for _, file := range []string{"region: a\nlog: [", "region: a\n\tlog: b", "region: a\n b: 'c"} {
		_, err := load(t, file, nil, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "config.yaml:2: not valid YAML: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, []byte(strings.Repeat("# filler\n", 40000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "none: cannot read the configuration file: no such file or directory",
		dir:                        ": cannot read the configuration file: read ",
		large:                      "large.yaml: is over 256 KiB",
	} {
		_, err := config.Load(config.Sources{File: path, Environ: home})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := config.Load(config.Sources{}); err == nil || !strings.Contains(err.Error(), "no home directory") {
		t.Errorf("without a home: %v", err)
	}
}

// Kubernetes adds variables for each service of a namespace; a service called "sockgate" must not stop the gateway.
func TestKubernetesServiceVariables(t *testing.T) {
	injected := []string{
		"SOCKGATE_SERVICE_HOST=10.0.0.1", "SOCKGATE_SERVICE_PORT=4566", "SOCKGATE_SERVICE_PORT_HTTP=4566",
		"SOCKGATE_PORT=tcp://10.0.0.1:4566", "SOCKGATE_PORT_4566_TCP=tcp://10.0.0.1:4566", "SOCKGATE_PORT_4566_TCP_ADDR=10.0.0.1",
		"SOCKGATE_CONSOLE_PORT_80_TCP_PROTO=tcp",
	}
	inCluster := append([]string{"KUBERNETES_SERVICE_HOST=10.0.0.2"}, injected...)
	if _, err := config.Load(config.Sources{Environ: append(inCluster, home...)}); err != nil {
		t.Errorf("in a cluster: %v", err)
	}
	c, err := config.Load(config.Sources{Environ: append(injected, append(home, "SOCKGATE_BINARY=/bin/x")...)})
	if err != nil || len(c.Ignored) != len(injected)+1 {
		t.Errorf("elsewhere: %v, %v; want them ignored, with a warning", c, err)
	}
	_, err = config.Load(config.Sources{Environ: append(inCluster, home[0], "SOCKGATE_LISTN=:1")})
	if err == nil || err.Error() != "environment: unknown variable SOCKGATE_LISTN; did you mean SOCKGATE_LISTEN?" {
		t.Errorf("misspelt in a cluster: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  []string
		want []string // beginnings
	}{
		{"loopback with a short secret", []string{"SOCKGATE_ROOT_ACCESS_KEY_ID=test", "SOCKGATE_ROOT_SECRET_ACCESS_KEY=test", "SOCKGATE_LISTEN=[::1]:1"}, nil},
		{"all interfaces", []string{"SOCKGATE_LISTEN=:4566"}, []string{"listen is :4566"}},
		{"all interfaces with a short secret", []string{"SOCKGATE_LISTEN=0.0.0.0:1", "SOCKGATE_ROOT_ACCESS_KEY_ID=test", "SOCKGATE_ROOT_SECRET_ACCESS_KEY=test"},
			[]string{"listen is 0.0.0.0:1", "the root secret"}},
		{"management elsewhere", []string{"SOCKGATE_LISTEN=:1", "SOCKGATE_LISTENERS_MANAGEMENT=localhost:2"}, nil},
		{"link-local backends", []string{"SOCKGATE_BACKENDS_ALLOW_LINK_LOCAL=true"}, []string{"backends.allowLinkLocal"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Load(config.Sources{Environ: append(tt.env, home...)})
			if err != nil {
				t.Fatal(err)
			}
			got := c.Warnings()
			if len(got) != len(tt.want) {
				t.Fatalf("got %q", got)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("got %q, want %q…", got[i], tt.want[i])
				}
			}
		})
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	c := config.Default()
	c.RootSecretAccessKey = "hush"
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", c, *c, *c, c.RootSecretAccessKey), string(asJSON)} {
		if strings.Contains(text, "hush") {
			t.Errorf("shown in %s", text)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "region: eu-west-1\nlimits: {frameSize: 2KiB}\n", "limts: 1", "a: &x [*x]", "? {a: b}\n: c", "<<: *a", "--- |\n x\n...\n---",
		"log:\n  level: [", "\t", "!!map {}", "account: 000000000000", "limits:\n  idleTimeout: !!str 5m", "%YAML 1.1\n---\na", "{", "'", "- - -",
		"rootSecretAccessKey: \"\\u0000\"", "state: {engine: nats, url: 'nats://%zz'}",
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Sources{File: path, Environ: home})
		if err != nil {
			if sockgate.KindOf(err) != sockgate.Invalid || err.Error() == "" {
				t.Errorf("error %#v", err)
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("loaded what is not valid: %v", err)
		}
	})
}
