// Package acmetest has a whole gateway's certificates issued by Let's Encrypt's test server, pebble. It holds tests only: apart from those of
// package certificate, which stay small enough to be fuzzed.
package acmetest
