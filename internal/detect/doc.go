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
//	engine/      the rules of the packs and the pure machine that judges by them; see its doc.go
//	service.go   tails the log, hands it to the engine, records what comes of it, saves states, answers people
//	record.go    writes steps into the histories of alerts, and has each alert be what its history says
//	rest.go      what lets an alert rest: planned works, a shelf (shelf.go), another alert that explains it
//	group.go     alerts of one cause
//	verdict.go   what people found out; figures.go what that says of each rule, missed.go what no rule announced, and told.go
//	             what people had to bear
//	origin.go    which assets the wind points at, when somebody asks: origin_read.go reads, origin_words.go says it. Nothing is kept
//	             of it and nothing follows from it
//	recorded.go  how far steps are on disk, so that a start tells nothing twice
//	news.go      what other rooms tell: cases, reports; amended readings
//	store.go, http.go, metrics.go
//
// # Crash equals no crash
//
// The log is the truth; the engine is a function of it. States are saved every few seconds, not with every reading.
//
// Invariants:
//
//  1. A saved state and its log position are one transaction, so they always belong together.
//  2. A step of an alert, the alert as it follows from its steps, and the event that tells of it are one transaction.
//  3. Every step that readings up to position P cause is on disk before a snapshot of position P is taken: a batch holds
//     the turn until its steps are committed, and a snapshot takes the turn to read the position.
//     Where they can't be written, the engine is ahead of the disk: nobody takes it on or saves it any more (Service.advance).
//  4. An alert is found by its names: (detector, kind, fault, subject, since), where since is the event time of the first
//     reading of its run; a step of it by (kind of step, event time, level). Both follow from the readings alone. An alert has
//     more than one name when a reading that came late showed that its run began earlier than was told.
//  5. What an alert is (since when, at which level, cleared or not) is folded anew from the steps of its history that hold;
//     an event goes out only where that changes something. So to write a step again, or to take one back again, does nothing.
//  6. How far steps are on disk (detect_recorded: a row of the log, and how many steps of it) is written in the transaction of
//     the steps. Rows that a start evaluates again up to there are taken together: of each step only the last word is
//     applied, since an earlier one that was taken back would bring the alert back and tell of it. No snapshot is taken before.
//  7. The log is not trimmed beyond the saved position (Log.Hold).
//
// What can happen:
//
//	crash before the steps of a batch are committed     evaluated again from the last snapshot; same steps, recorded once
//	a reading comes late                                what was told otherwise is taken back (the step stays, marked) and told
//	                                                    anew; an alert of which nothing is left clears, as revised
//	crash after that, before a snapshot                 evaluated again; what all of it comes to is there already (4, 6),
//	                                                    nothing is doubled
//	crash while a snapshot is written                   the one before it counts (1)
//	the disk is full, a write fails                     as a crash: memory is dropped, start again from the last snapshot; also
//	                                                    where it was a report's alert, which the start judges again
//	a rule was changed while the program was down       its machines start anew, and open alerts are put back into them,
//	                                                    so that the new rule can step and clear them
//	a detector was removed                              its open alerts are cleared, as withdrawn
//	an asset was moved or became another kind           its open alert is cleared, as withdrawn, when nothing watches there
//
// # Time
//
// Delays run in event time; see the engine. What only the clock can tell, silences and how long joined alerts last, is told of
// times up to which the log has been read, so that a backlog is judged as if it had been read in time. A reading that is amended or
// removed later does not run detectors again: the alert says that it rests on it.
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
