// Package public is what anyone may read of warnings, without an account: the page of what is in force, the page of each warning and
// its CAP documents, the feeds, what street displays are told, and the certificate that messages are checked with. Warnings of other
// services stand beside ours, as their issuers'.
//
// # Promise
//
// The moment a warning is published or ends, by an officer or by the clock, whoever asks next reads so. What is an exercise, a test,
// a system message or a draft, or is not for the public, is never shown; Warnings doesn't even hand it over. The message by which an
// officer ended a warning early stays in the feeds until the warning would have ended by itself: whoever polls and holds the warning
// learns in that time that it is over, and after it nobody holds it any more.
//
// While the store can't be read, what was read last is shown on, and still ends in time; what memory can't know is not guessed.
// However many ask, each document is made once for each picture, and what is kept is bounded by what exists, not by what is asked.
// What a resident looks for stands in no log and no store.
//
// # Must not
//
// It must not import warn, and it changes nothing. What is relayed is never in our feeds.
package public
