// Package socket is the gateway's WebSocket engine (RFC 6455, no extensions): it turns an accepted handshake into a live
// connection, with frames, limits, a closing handshake and exactly one end. It parses no HTTP heads (package request
// does) and knows nothing of routes or backends: what arrives goes to a Handler, what is to be sent comes in through Conn.
//
// A connection's life, and who does what:
//
//		open ──Close, a limit, a protocol error, a slow peer──▶ closing ──peer's close frame or end, CloseWait──▶ ended
//		  └────────────────peer's close frame────────────────────▶┘        (Handler.Closed)
//		  └────────────────the transport breaks───────────────────────────────────────────────────────────────▶┘
//
//	  - One goroutine is the reader. It alone ends the transport, calls Handler.Closed, and waits for every goroutine of the
//	    connection. While it waits for bytes it sleeps in the kernel's poller, on plain TCP without any buffer.
//	  - A connection on which nothing comes for a second or two parks: its reader ends, and Lot watches. It begins so, too. The next
//	    byte, the end of the stream, a time limit or Close gives it a reader again. Nothing else knows the difference.
//	  - Handler.Message runs on a goroutine of its own for each message, at most Limits.InFlight at a time. When all are
//	    busy the reader stops reading and TCP pushes back; then pings wait too and a peer's close goes unseen, but Close,
//	    the idle limit and the duration limit still end the connection.
//	  - Writers write directly while the kernel's buffer has room. The rest waits in a bounded queue for a drain goroutine,
//	    which exists only while bytes wait. A queue that stays full or a peer that takes nothing ends the connection with 1008.
//
// The incremental parser in parser.go takes bytes however they were cut and knows nothing of connections or goroutines.
package socket
