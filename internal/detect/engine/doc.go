// Package engine judges readings by the rules of the packs: it decodes and compiles detectors.yaml, and runs the compiled
// detectors over readings, reports and the passing of time, giving the steps of alerts.
//
// It promises that what it tells depends on what happened and when, not on the order in which it heard of it: readings that
// come up to a rule's `late` out of order give the same alerts as in order. It tells at once and takes back what a late
// reading shows to be otherwise (Change.Undo). The state it saves, with what it hears afterwards, gives what it would have
// given without the break.
//
// It must not do input or output, know a clock of its own, or decide what people do with an alert.
//
// # Parts
//
//	declare.go, compile.go, consistent.go, derive.go   a rule as it is written, and as it is run
//	statistical.go, wave.go, dayahead.go               the larger kinds of derived variables
//	words.go, level.go                                 a rule said aloud
//	engine.go                                          which readings go to which rules
//	subject.go                                         a rule at work on one thing: order, and what is taken back
//	state.go, joint.go, joins.go                       one step: one instrument, several judged together, others' alerts joined
//	silence.go                                         what only the clock can tell
//	snapshot.go                                        states written down and taken up
//	book.go                                            steps gathered to alerts
//
// # Time
//
// Delays run in event time. A gap longer than a rule's `every` pauses them. Readings of one time are taken in the order of
// their instruments and values, so that their order of arrival says nothing. What comes late is put in order as long as it is
// not older by the rule's `late` than the newest that the same subject has heard, of whichever instrument; what is, is counted
// and not judged. Silence is the one thing that only the clock
// can tell: an instrument that was once heard in time and then says nothing for silent_after raises a monitoring alert.
// Recorded history that is replayed is never in time, so it raises no silences; and for silent_after after a start nobody is
// called silent, since nobody could be heard before.
package engine
