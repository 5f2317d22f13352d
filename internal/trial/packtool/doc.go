// Package packtool is what people who write packs work with: it says all that is wrong with packs, reads their rules aloud,
// and explains each code of a diagnostic with a bad line and what the program says to it.
//
// Read is the one place where a pack meets the decoders of all rooms; the server and the tools go through it. Check holds
// packs against each other too: against those that are checked together, and against those that are shipped.
//
// It must not decide what a file may hold: that is the declaration of the room that reads it.
package packtool
