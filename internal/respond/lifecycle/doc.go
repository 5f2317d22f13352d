// Package lifecycle is the law that cases live by: what a case of some kind may go through (Kind, as a pack's cases.yaml
// states it), and whether a person may make a move now and what follows from it (Decide).
//
// It is pure: no database, no network, no clock of its own. The same definition, snapshot, person, answers and time give the
// same step, or the same reasoned refusal, on every machine and at every replay.
package lifecycle
