// Package reports takes what people tell the city: a resident's form, a
// hotline's bulk, a history that is brought along.
//
// # Promise
//
// Whoever reports gets a number that says that the report is on disk, and finds
// its state under it. Reports are about places: there is no category for a
// person, an opinion, a petition or a protest, and none can be added. A report
// in bulk is taken once, whatever happens to the connection, and keeps the time
// at which it came in.
//
// # What is kept of a person
//
// Nothing in the report's row, in events, in the ledger or in the log. How to
// reach the reporter, and the words as they were written where they hold a
// number that Mask takes out, are sealed in the vault in the same transaction
// and are erased on schedule; the row holds the masked words. The address that a
// request came from is kept in memory for an hour to limit the rate, and nowhere
// else. Numbers are drawn at random, so that nobody can read the next one off
// their own, and the page under a number shows state and category only.
//
// # Must not
//
// Nobody can be looked up here: reports are listed by time, state and place.
package reports
