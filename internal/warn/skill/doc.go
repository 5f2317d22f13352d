// Package skill says how good the warnings were: whether what was warned of
// happened, when, and what came without a warning.
//
// # Promise
//
// Every real warning that has ended waits for a verdict by an officer. A verdict
// can be revised with a reason, and no version of it is lost. Behind each figure
// stands the list that it was counted from, and no figure is given where nothing
// was judged. Exercises and tests never count.
//
// # Must not
//
// Verdicts on alerts are the detect room's. A verdict changes nothing about the
// warning.
package skill
