// Package events holds one plain struct per event: what rooms tell each other, the console and partners. An event says
// what has happened, in the past tense, and carries what a listener needs to act; never personal data. Its JSON form is the
// message on the bus under events.<Subject>.
//
// It imports nothing, so that everyone can import it, and decides nothing.
package events
