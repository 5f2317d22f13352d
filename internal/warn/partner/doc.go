// Package partner takes in the warnings of other services: it polls their CAP feeds, judges what it reads, and keeps a
// picture of which of their messages are in force here.
//
// # Parts
//
//	partner.go  partners as administrators register them, and what is wrong with one
//	reading.go  what a CAP message says to this city: level, hazard, texts, times; pure
//	place.go    where it holds: polygons, circles and codes against the register's areas; pure
//	law.go      what is in force, and how a message ended; pure
//	feed.go     what a feed lists
//	trust.go    signatures against what is pinned
//	client.go   one document over HTTP, bounded and polite
//	poll.go     when a partner is read, and what becomes of what it lists
//	receive.go  one document into the picture, in one transaction; end.go what takes messages out of it again; again.go what
//	            becomes of them once the partner is described otherwise
//	manage.go   what administrators and officers do; http.go the same over HTTP
//	standing.go what the public is told of, and that it has changed
//	store.go    partners in SQL; message.go what is kept of a message
//
// # Promises
//
//   - The picture doesn't depend on the order in which messages come, nor on how often. Only where two messages of one name
//     say different things does the first count; the other is refused and shown.
//   - A message is ended by its own partner and sender alone, by one of its own status, or by the clock. That it is no longer
//     listed ends nothing.
//   - Exercises, tests, system messages and drafts are kept and marked, and never in force for the public.
//   - What is refused is kept with its reasons, and is never in force.
//   - A partner is asked conditionally, one request at a time per host, and less often the more often it fails. https never
//     falls back to http.
//   - A document is on disk before the feed's ETag is: a poll that broke off is made again from the start, and doubles nothing.
//
// # Must not
//
// It issues nothing in the city's name: a relayed warning keeps its issuer's words and name, and is never signed here.
//
// The Service is safe for concurrent use.
package partner
