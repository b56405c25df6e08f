// Package sockgate is the vocabulary of the gateway: the resources of a WebSocket API, a connection and the events on it,
// and the kinds of error. Every other package speaks in these types; this one imports only the standard library and
// does nothing.
//
// JSON names of Amazon's wire formats are not here: they belong to the packages under control/.
package sockgate
