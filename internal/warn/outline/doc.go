// Package outline is the geometry of warnings: a band around a thing, what a ring
// touches, and what share of one shape lies in others. It is pure.
//
// # Promise
//
// All measures are metres on the ground. Around holds every point within the asked
// distance, whatever it had to simplify: the result may be larger, never smaller.
// Work is bounded by the points of what comes in.
//
// # Must not
//
// Nothing here spans a pole or the date line.
package outline
