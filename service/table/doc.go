// Package table is the engine of DynamoDB-compatible tables: items, their secondary indexes, counters, change streams and
// expiry, on Pebble in one directory of the machine's disk. It knows values and compiled expressions; the JSON protocol, the
// names of parameters and how capacity is reported belong to control/dynamodb.
//
// # Key space
//
// One byte says what a key is; T is a table's number (4 bytes, big-endian), X an index's number in it (2 bytes), K(v) the
// order-preserving encoding of a key attribute, H the first 3 bytes of the MD5 by which items are spread (see bucket).
//
//	d T                          the table's definition, JSON
//	i T H K(hash) [K(range)]     an item: its size (uvarint), then its stored form
//	x T X H K(hash) [K(range)] h K(table's hash) [K(table's range)]
//	                             an index entry: as an item, with the projected attributes alone; h as H, of the table's key
//	c T X                        how many entries and bytes; X is 0 for the table itself. Written as merges of differences
//	s T N Q                      a change record of the table's stream N (4 bytes) with sequence number Q (8 bytes)
//	t T E item                   the item's key again, by the second E (8 bytes) in which it expires
//	k token                      a transaction that is remembered, so that a retry is not carried out twice
//
// # Consistency
//
// Everything that one write changes (item, entries, counters, stream record, expiry) is one Pebble batch: a crash leaves all of
// it or nothing. A write holds the lock of its item from reading it until the batch is applied, so conditions are decided on the
// newest state; the wait for the disk comes after, outside the lock, because a later write to the item lies behind it in the same
// log. What was acknowledged is on disk, unless Options.Relaxed says otherwise. A reader may see a write a moment before its
// fsync has returned.
//
// Transactions lock all of their items in one order and are one batch; they wait for one another rather than conflict.
package table
