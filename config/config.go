// Package config is the gateway's configuration: one struct whose tags are the only source of every setting's key, default,
// bounds and description. The YAML file's keys, the environment's names, the command line's flags and
// docs/configuration.md all follow from it.
//
// It reads and checks; it opens nothing but the configuration file and starts nothing.
//
// A setting has one dotted key, and the other names follow from that:
//
//	limits.idleTimeout              the key in the YAML file, nested: "limits:" and below it "idleTimeout: 10m"
//	SOCKGATE_LIMITS_IDLE_TIMEOUT    the environment
//	--limits-idle-timeout           the command line
//
// Later sources win: defaults, file, environment, flags.
//
// The tags of a member:
//
//	key      its name within its group, in camelCase
//	default  the value it has when nothing sets it, in the form in which a user would write it
//	shown    what the reference shows as the default, where that is decided at start
//	min max  bounds, inclusive
//	zero     what 0 means, where it is allowed although it lies under min
//	oneof    the permitted values
//	check    the name of a further check in validate.go
//	flag     "-" where the setting has no flag
//	doc      the description, one or two sentences
package config

//go:generate go test -run ^TestReferenceIsCurrent$ -update .

import (
	"time"
)

// Config is the whole configuration. Load fills it; after that nobody changes it, and each part of the gateway is handed
// only the group that concerns it.
type Config struct {
	Listen  string        `key:"listen" default:"127.0.0.1:4566" check:"address" doc:"Address of the port that serves everything: WebSocket clients, the AWS APIs, metrics and the console, with and without TLS. Port 0 takes a free one."`
	Data    string        `key:"data" shown:"$XDG_DATA_HOME/sockgate, or ~/.local/share/sockgate" check:"path" doc:"Directory of the gateway's state, generated credentials and logs. It belongs to one running gateway at a time."`
	Grace   time.Duration `key:"grace" default:"30s" min:"0s" max:"1h" doc:"How long a shutdown may take to close clients, deliver their $disconnect and flush before it is cut short."`
	Account string        `key:"account" default:"000000000000" check:"account" doc:"The account number in ARNs and events: 12 digits. In YAML, put it in quotes."`
	Region  string        `key:"region" default:"us-east-1" check:"region" doc:"The region in ARNs, host names and credential scopes."`

	// Secrets have no flags: every user of a machine can read the command lines of its processes.
	RootAccessKeyID     string `key:"rootAccessKeyId" flag:"-" check:"accessKey" doc:"Access key id of the root user. Without it, a pair is generated at first start into the file credentials of the data directory."`
	RootSecretAccessKey Secret `key:"rootSecretAccessKey" flag:"-" doc:"Secret access key of the root user; set together with rootAccessKeyId. It has no flag, because command lines are visible to other users."`

	// LoadBalancers and VPCLinks are set in the file only; see lists.
	LoadBalancers []LoadBalancer
	VPCLinks      []VPCLink

	// Ignored are variables of the environment that look like settings and are none; Warnings names them.
	Ignored []string

	Log       Log       `key:"log" doc:"What the gateway itself writes to standard error."`
	Limits    Limits    `key:"limits" doc:"Limits of the edge. The defaults are Amazon API Gateway's where it has one; raising them lifts an AWS limit."`
	Backends  Backends  `key:"backends" doc:"Calls to the HTTP backends of integrations."`
	State     State     `key:"state" doc:"Where APIs, stages and other resources are kept."`
	Listeners Listeners `key:"listeners" doc:"Addresses of their own for parts of what the one port serves. A part that is named here is no longer served on listen."`
	Domains   Domains   `key:"domains" doc:"Custom domain names."`
	Links     Links     `key:"links" doc:"Tunnel agents (sockgate link), through which private backends are reached."`
	Functions Functions `key:"functions" doc:"Functions: processes behind the Lambda Runtime API."`
	Tables    Tables    `key:"tables" doc:"DynamoDB-compatible tables."`
	Access    Access    `key:"access" doc:"Who may connect, beyond what Amazon API Gateway offers. Everything here is off unless it is turned on."`
	TLS       TLS       `key:"tls" doc:"Certificates: how their private keys are kept, and who issues those that are requested."`
	Logs      Logs      `key:"logs" doc:"Access logs and execution logs of stages, kept as files named after their log groups."`
}

// Log configures the process's own log.
type Log struct {
	Level  string `key:"level" default:"info" oneof:"debug,info,warn,error" doc:"The least severe lines that are written."`
	Format string `key:"format" default:"auto" oneof:"auto,text,json" doc:"Form of the lines. auto is text on a terminal and JSON elsewhere."`
}

// Limits are enforced before memory is spent on what they limit.
type Limits struct {
	FrameSize             Size          `key:"frameSize" default:"32KiB" min:"1KiB" max:"64MiB" doc:"Largest WebSocket frame that a client may send."`
	MessageSize           Size          `key:"messageSize" default:"128KiB" min:"1KiB" max:"64MiB" doc:"Largest message, in either direction."`
	IdleTimeout           time.Duration `key:"idleTimeout" default:"10m" min:"10ms" max:"8760h" zero:"never" doc:"A connection on which no message goes either way for this long is closed."`
	ConnectionDuration    time.Duration `key:"connectionDuration" default:"2h" min:"10ms" max:"8760h" zero:"no limit" doc:"A connection is closed when it is this old."`
	InFlightPerConnection int           `key:"inFlightPerConnection" default:"16" min:"1" max:"4096" doc:"Messages of one connection that may be at backends at the same time. Reading pauses beyond it."`
	SendQueue             Size          `key:"sendQueue" default:"256KiB" min:"1KiB" max:"256MiB" doc:"Bytes that may wait for one slow client before it is closed."`
	SendStall             time.Duration `key:"sendStall" default:"10s" min:"10ms" max:"1h" doc:"A client that takes no bytes for this long while some wait is closed."`
	HandshakeTimeout      time.Duration `key:"handshakeTimeout" default:"10s" min:"10ms" max:"10m" doc:"Time for a client to send its request head, and its TLS handshake before that."`
	HeaderSize            Size          `key:"headerSize" default:"16KiB" min:"1KiB" max:"1MiB" doc:"Largest request head: the request line and all headers."`
	RequestRate           int           `key:"requestRate" default:"0" min:"1" max:"1000000000" zero:"no limit" doc:"Handshakes, messages and @connections calls of the account in a second, in the long run. On AWS it is 10,000, which protects what its customers share."`
	RequestBurst          int           `key:"requestBurst" default:"5000" min:"1" max:"1000000000" doc:"Requests of the account that may come at once, where there is a requestRate."`
	ConnectRate           int           `key:"connectRate" default:"0" min:"1" max:"1000000000" zero:"no limit" doc:"New connections in a second. On AWS it is 500."`
	Connections           int           `key:"connections" default:"0" min:"1" max:"100000000" zero:"no limit" doc:"WebSocket connections that may be open at the same time."`
}

// Backends configures calls to HTTP backends.
type Backends struct {
	MaxConnectionsPerHost int    `key:"maxConnectionsPerHost" default:"512" min:"1" max:"65536" doc:"Connections to one backend host. Further calls wait for a free one until their timeout."`
	MaxResponse           Size   `key:"maxResponse" default:"1MiB" min:"1KiB" max:"64MiB" doc:"Largest answer that is read from a backend."`
	AllowLinkLocal        bool   `key:"allowLinkLocal" default:"false" doc:"Permit backends at link-local addresses such as 169.254.169.254, where clouds serve machine credentials."`
	CAFile                string `key:"caFile" check:"path" doc:"PEM file of certificate authorities that are trusted besides the system's."`
}

// State configures the store of resources.
type State struct {
	Engine      string `key:"engine" default:"embedded" oneof:"embedded,memory,nats" doc:"embedded keeps state in the data directory, memory forgets it at exit, nats uses an external NATS cluster with JetStream. A state.url alone means nats."`
	URL         string `key:"url" check:"natsURL" doc:"NATS servers, e.g. nats://nats-1:4222,nats://nats-2:4222, for engine nats only. A URL with a password is refused as a flag, because command lines are visible to other users."`
	Credentials string `key:"credentials" check:"path" doc:"NATS credentials file (.creds), for engine nats only."`
	Replicas    int    `key:"replicas" default:"1" min:"1" max:"5" doc:"Copies that the NATS cluster keeps of each document, for engine nats only; 1, 3 or 5."`
}

// Listeners splits the one port. Empty addresses stay on Config.Listen.
type Listeners struct {
	Edge       string `key:"edge" check:"address" doc:"WebSocket clients and @connections."`
	Management string `key:"management" check:"address" doc:"The AWS APIs, health and metrics."`
	Console    string `key:"console" check:"address" doc:"The web console, once there is one."`

	TrustedProxies List `key:"trustedProxies" check:"networks" doc:"Addresses and networks of the proxies in front of the gateway. Their X-Forwarded-For, -Proto and -Port, and PROXY headers where those are on, tell who the client is; everybody else's are not believed."`
	ProxyProtocol  bool `key:"proxyProtocol" default:"false" doc:"Connections from trusted proxies begin with a PROXY protocol header of version 2. One that does not is closed."`
}

// Domains configures custom domain names.
type Domains struct {
	S3Endpoint string `key:"s3Endpoint" check:"httpURL" doc:"Address of an S3-compatible service from which truststores of mutual TLS are read (s3://BUCKET/KEY). Without it they are files of this machine (file:///PATH)."`
	S3Profile  string `key:"s3Profile" doc:"Profile of the AWS credentials file that signs reading from s3Endpoint. Without it, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the gateway's environment do, and nothing where there are none."`
}

// Logs configures the files of stages' logs.
type Logs struct {
	Dir      string `key:"dir" shown:"logs in the data directory" check:"path" doc:"Directory of the log files."`
	FileSize Size   `key:"fileSize" default:"64MiB" min:"64KiB" max:"16GiB" doc:"A log file is rotated before it grows over this size."`
	Keep     int    `key:"keep" default:"3" min:"0" max:"1000" doc:"Rotated files that are kept of each log group."`
}

// Links bounds tunnel agents.
type Links struct {
	MaxAgents  int           `key:"maxAgents" default:"256" min:"1" max:"65536" doc:"Connections of agents to this node. More are refused."`
	MaxStreams int           `key:"maxStreams" default:"1024" min:"1" max:"65536" doc:"Connections to a backend that may be open through one connection of an agent. Each holds at most 256 KiB that nobody has read yet."`
	Bandwidth  Size          `key:"bandwidth" default:"0" min:"4KiB" max:"16GiB" zero:"no limit" doc:"Bytes per second through one connection of an agent, both ways together."`
	KeepAlive  time.Duration `key:"keepAlive" default:"2s" min:"50ms" max:"5m" doc:"How often an agent is asked for a sign of life. One that is silent for twice as long is cut off, and gets no more calls."`
}

// Functions configures the processes of functions.
type Functions struct {
	MaxConcurrency int           `key:"maxConcurrency" default:"10" min:"1" max:"10000" doc:"Processes that one function may have at the same time, unless it has a reserved concurrency of its own. Each serves one request at a time."`
	Idle           time.Duration `key:"idle" default:"5m" min:"1s" max:"24h" doc:"A process that has served nothing for this long is ended."`
	Isolation      string        `key:"isolation" default:"none" oneof:"none,bubblewrap" doc:"none runs functions as ordinary processes of the gateway's user, which can read what that user can read: for code that is your own. bubblewrap (the program bwrap) gives each process namespaces of its own, read-only code, a private /tmp and no sight of other functions' files."`
	LeadCalls      bool          `key:"leadCalls" default:"true" doc:"Lead the AWS calls that functions make to this gateway: AWS_ENDPOINT_URL is set, and connections to *.amazonaws.com from Node.js and Python arrive here. false leaves them to the world outside."`
	Remote         Map           `key:"remote" check:"remotes" doc:"Functions that another server runs: ARNs, with * as a wildcard, and the URL of the Lambda-compatible endpoint that serves them. As a flag: ARN=URL,ARN=URL."`
	RemoteProfile  string        `key:"remoteProfile" doc:"Profile of the AWS credentials file that signs calls to remote functions. Without it, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the gateway's environment do."`
}

// Tables configures the table engine.
type Tables struct {
	Durability string `key:"durability" default:"sync" oneof:"sync,relaxed" doc:"sync acknowledges a write when it is on disk. relaxed acknowledges it before: a crash or a power loss may take the writes of the last two seconds."`
	Endpoint   string `key:"endpoint" check:"httpURL" doc:"Address of an external DynamoDB-compatible service, which functions are led to instead of the gateway's own tables."`
}

// Access configures what lies beyond AWS.
type Access struct {
	JWT               bool   `key:"jwt" default:"false" doc:"Permit JWT authorizers on $connect, which AWS offers for HTTP APIs only."`
	CloseRevoked      bool   `key:"closeRevoked" default:"false" doc:"Close the open connections of an API key that is deleted or disabled."`
	KeyQueryParameter string `key:"keyQueryParameter" doc:"Name of a query parameter from which handshakes may take their API key, for browsers, which cannot send x-api-key. Addresses tend to be logged along the way: prefer the subprotocol."`
	KeySubprotocol    string `key:"keySubprotocol" doc:"Beginning of a subprotocol from which handshakes may take their API key, e.g. \"apikey.\": a client offers [\"chat\", \"apikey.VALUE\"]. The $connect integration answers with the other one."`
}

// TLS configures certificates.
type TLS struct {
	KeyFile        string `key:"keyFile" shown:"certificates.key in the data directory, which is made" check:"path" doc:"File of the key that private keys are encrypted with in the state store: 64 hexadecimal digits, such as openssl rand -hex 32 prints. Gateways that share a store need the same one."`
	Key            Secret `key:"key" flag:"-" doc:"That key itself, instead of a file. It has no flag, because command lines are visible to other users."`
	ACMEDirectory  string `key:"acmeDirectory" check:"httpURL" doc:"Directory URL of an ACME authority, e.g. https://acme-v02.api.letsencrypt.org/directory, which issues the certificates that are requested. Ports 80 or 443 of their names must lead to this gateway. Without it, the gateway's own authority issues them."`
	ACMEEmail      string `key:"acmeEmail" doc:"Address of the ACME account, for the authority's notices."`
	ACMEAgreed     bool   `key:"acmeAgreed" default:"false" doc:"Agree to the terms of the ACME authority. It is needed for acmeDirectory."`
	ACMECAFile     string `key:"acmeCaFile" check:"path" doc:"PEM file of the certificate authorities that the ACME directory is trusted by, instead of the system's."`
	ACMEChallenges string `key:"acmeChallenges" default:"any" oneof:"any,http-01,tls-alpn-01" doc:"How to prove that a name leads here: http-01 needs its port 80, tls-alpn-01 its port 443. any tries both."`
}
