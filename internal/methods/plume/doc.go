// Package plume tells which of several known candidate sources explains the gas that a fence of instruments sees, given
// the wind. It is pure and streams: no input or output, no clock, a state of a few numbers per candidate.
//
//	Dilution  what an instrument sees of a source: Gaussian plume, Briggs' spread for Pasquill's classes of stability
//	Evidence  gathered minute by minute while an alert stands; says how probable each candidate is
//
// Why a plume and not a line drawn back along the wind: a candidate is refuted as much by an instrument that should have
// seen gas and did not as it is supported by one that did, and instruments close by should see more than those far away.
//
// Limits, so that nobody trusts it for more: flat ground without buildings, one source at a time, a wind that is the same
// all over the site within a minute, and gas that arrives within that minute (a few hundred metres at most).
//
// The package must not know what an alert, an asset or a gas is.
package plume
