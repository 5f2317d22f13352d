// Package detect turns readings into alerts: it evaluates the detectors of the packs over the observation log, and keeps
// the alerts they raise, from raised through acknowledged to cleared.
//
// It promises that every alert explains itself (the rule in words, the readings that raised it, since when, what would
// clear it), that one alert is one row however often the program is killed, and that what it evaluates depends on the
// readings' own times, not on when they came. It must not decide anything: it opens no case and sends no warning, it tells
// others by events. It must not touch the tables of other rooms.
//
// # Parts
//
//	rule.go      decodes and compiles detectors.yaml; words.go says a rule aloud
//	engine.go    evaluates readings: pure, no clock, no disk; state.go writes its state down and takes it up
//	service.go   tails the log, records what changed, saves states, answers people; store.go is its SQL, http.go its routes
//	works.go     marks what is raised during planned works, and has it count once they are over
//
// # Crash equals no crash
//
// The log is the truth; the engine is a function of it. States are saved every few seconds, not with every reading.
//
// Invariants:
//
//  1. A saved state and its log position are one transaction, so they always belong together.
//  2. An alert, its history row and its event are one transaction.
//  3. Every step that readings up to position P cause is on disk before a snapshot of position P is taken: a batch holds
//     the turn until its steps are committed, and a snapshot takes the turn to read the position.
//  4. An alert is named by (detector, kind, subject, since), where since is the event time of the first reading of its run;
//     a step of it by (kind of step, event time, level). Both names follow from the readings alone, and both are unique
//     in SQL: recording a step again does nothing, and puts no event out again.
//  5. The log is not trimmed beyond the saved position (Log.Hold).
//
// What can happen:
//
//	crash before the steps of a batch are committed     evaluated again from the last snapshot; same steps, recorded once
//	crash after that, before a snapshot                 evaluated again; every step is there already (4), nothing is doubled
//	crash while a snapshot is written                   the one before it counts (1)
//	the disk is full, a write fails                     as a crash: memory is dropped, start again from the last snapshot
//	a rule was changed while the program was down       its machines start anew, and open alerts are put back into them,
//	                                                    so that the new rule can step and clear them
//	a detector was removed                              its open alerts are cleared, as withdrawn
//	an asset was moved or became another kind           its open alert is cleared, as withdrawn, when nothing watches there
//
// # Time
//
// Delays run in event time. A gap longer than the rule's `every` pauses them. A reading that is not newer than the newest
// of its datastream is counted as late and not judged. Silence is the one thing that only the clock can tell: an instrument
// that was once heard in time and then says nothing for silent_after raises a monitoring alert (level none). Recorded
// history that is replayed is never in time, so it raises no silences; and for silent_after after a start nobody is called
// silent, since nobody could be heard before. After a crash a silence is found again or not by the clock, and its alert is
// still one row (4).
//
// # Planned works
//
// An alert that is raised while planned works are on at its asset is marked with them, by the event time of the reading that
// raised it and by works that had been announced by that time: so a step that is evaluated again is marked as it was. Works
// that come later mark nothing, and an alert that stands is never marked.
//
// While the works are on by the clock, the alert rests: it is recorded, listed and told as any other, and whoever opens cases
// or calls people lets it be. It counts again when these works are over, as announced or earlier, or when a person attends to
// it; other works that are on by then don't put it to rest again. The end of a rest is a row of the alert's own, written with
// its event alert.works_over, so it is told once, also when the program was down meanwhile. Every alert that was told as
// resting is told again: as over, or as cleared.
//
// # Concurrency
//
// The Service is safe for concurrent use. The engine is driven under one lock, the turn; see service.go.
package detect
