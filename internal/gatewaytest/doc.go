// Package gatewaytest runs whole gateways for tests: a Gateway in this process with its AWS clients, a Backend that records what
// it was asked and answers as told, a WebSocket Client that shows every frame, and stories that play all of them. It looks at
// the gateway from outside only: through its port and its files.
//
// # Stories
//
// A story is a txtar file that RunStories plays with testscript. Each has a gateway and a backend of its own. Besides
// testscript's own commands (stdout, cmp, env, ...) there are the following. Quote every "$" that is not a variable of the
// story: '$connect'. A command that AWS or the gateway is to refuse begins with "!", and what the refusal said is its stdout.
//
//	gateway [KEY=VALUE ...]      start, with settings such as limits.idleTimeout=300ms (also below what a file may say)
//	restart                      stop in order and start on the same data and port
//	shutdown                     stop in order, as SIGTERM does; logs are complete after it
//
//	backend PATH STATUS [BODY] [HEADER: VALUE ...]   what the backend answers; without a rule it answers 200 and no body
//	backend PATH MODE            MODE: echo, hang (say nothing), hold (answer after "release"), close (no answer), garbage,
//	                             endless (a body without end), cut (end in the middle of the body)
//	backend down                 stop it altogether
//	release [N]                  let all, or N, held requests be answered
//	await N                      wait until N requests have come since the last "requests"
//	requests FILE                wait for as many requests as FILE shows, and compare; -sort ignores their order, -all shows all headers
//
//	api NAME EXPR                create an API with a route selection expression; its id is $NAME from now on
//	route KEY METHOD URI [two-way] [timeout=MS] [header.X=SOURCE] [querystring.X=SOURCE] [path.X=SOURCE] [require=PARAMETER]
//	                             create or redirect a route; a URI that begins with "/" is at the backend
//	route KEY MOCK TEMPLATE      the same with a MOCK integration; two-way may follow
//	route KEY LAMBDA FUNCTION    the same with a function behind it (AWS_PROXY); LAMBDA_CUSTOM is type AWS, with template=TEMPLATE
//	route KEY NONE               the same without a target
//	                             further options of each: auth=AWS_IAM, auth=AUTHORIZER, credentials=ARN, key (an API key is required)
//	stage NAME [auto] [var.X=VALUE] [log=INFO] [trace] [access=FORMAT]   create or update a stage
//	deploy STAGE                 CreateDeployment
//	delete api|stage NAME        delete the current API, or a stage of it
//	aws ARG ...                  a call of the control plane by its HTTP form: METHOD PATH [BODY], signed; prints status and body;
//	                             with id=NAME before METHOD, the id in the answer is $NAME from now on
//
//	function NAME RUNTIME FILE ... [handler=H] [timeout=SECONDS] [memory=MB] [role=ARN] [env.X=VALUE]
//	                             create a function of these files, or give it new code; wait until it is active
//	permit FUNCTION[:QUALIFIER]  let the current API call it
//	invoke FUNCTION PAYLOAD      call it; prints what it returned
//	query SERVICE ACTION [PARAMETER=VALUE ...]   a signed call of an API in the query protocol, such as iam; prints the XML
//	dynamodb OPERATION JSON      a signed call of the tables' API; prints the JSON
//	await-count TABLE N          wait until a table has N items
//	authorizer NAME FUNCTION [SOURCE ...]   create an authorizer of the current API
//	link NAME [HOST:PORT ...]    create a load balancer with these targets (the backend without any) and a listener on port 80, and a VPC link
//	                             to it; its id is $NAME from now on, and $NAME_dns the balancer's name; routes go through it with via=ID
//
//	domain NAME [KEY=STAGE ...]   make a domain name with a certificate of the gateway's own authority, and map its keys to stages of
//	                             the current API
//
//	connect NAME STAGE [HEADER: VALUE ...] [?QUERY] [by=DOMAIN]   open a WebSocket; prints the headers of the 101 that matter. With
//	                             by, over TLS at a domain name; STAGE is the rest of the path then
//	send NAME TEXT               one text message
//	frames NAME FRAME ...        raw frames: text:abc, binary:abc, ping:abc, continue:abc, op5:abc, *text:abc not final, -text:abc
//	                             unmasked, text*40000 forty thousand letters
//	expect NAME TEXT|/REGEXP/    the next message
//	expect-set NAME TEXT ...     the next messages, in any order
//	expect-pong NAME TEXT        the next frame is this pong
//	close NAME [CODE [REASON]]   close and wait for the answer
//	drop NAME                    end the TCP connection without a word
//	expect-close NAME CODE [REASON]   the next frame is this close frame; it is answered
//
//	push NAME TEXT [host=api|path|plain] [id=raw|escaped] [at=raw|escaped] [stage=NAME] [by=DOMAIN]   POST to
//	                             @connections; with by, at a domain name, where stage is the mapping's key
//	get NAME, delete-connection NAME    the other calls, with the same options; get prints the body
//
//	log GROUP                    print a log group after "shutdown"
//	gateway-log REGEXP           the gateway's own log has such a line
//
// Ids are shown by name. A connection's id becomes the connection's name once the story can know it: from a header
// "connectionId" that the backend received while "connect" ran, or from an error frame. Other ids are R1, R2, ... in the order
// in which they are first shown, and API ids are their names.
package gatewaytest
