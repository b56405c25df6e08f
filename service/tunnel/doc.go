// Package tunnel lets a private network take calls without an open port: an agent beside the backend dials out to the gateway,
// and the gateway opens streams to the backend over that connection. Both ends are here, and the tokens that agents show.
//
// Which backend gets a call is not decided here: an agent is handed to the load balancers as a target with a way to dial
// (Balancers). What flows through a stream is not looked at.
//
// The agent asks for its connection on the gateway's own port:
//
//	GET /_sockgate/link HTTP/1.1
//	Connection: Upgrade
//	Upgrade: sockgate-link/1
//	Authorization: Bearer TOKEN
//	Sockgate-Load-Balancer: NAME
//	Sockgate-Agent: NAME
//
// After the 101, both sides speak yamux, of which the gateway alone opens streams. Each stream begins with an Open from the gateway and
// an Answer from the agent, which by then has connected to its backend or has failed to; so a gateway that reads a failure has
// sent nothing yet. Behind a good Answer come the bytes of one TCP connection, both ways, each way closed by itself.
//
//	session:  asked → checked → attached → open → (going: no new streams) → closed
//
// Files: header.go Open and Answer, guard.go what an agent may send, wire.go the connection under yamux, gateway.go, handshake.go,
// session.go and stream.go the gateway's end, agent.go, reach.go and serve.go the agent's, token.go and tokens.go the tokens.
package tunnel
