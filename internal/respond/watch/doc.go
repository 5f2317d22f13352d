// Package watch is the watch (值班): who is on duty, what is told by telephone (接报), what is told upward and by when (初报,
// 续报, 终报), what leaders instruct (批示), and how one shift hands over to the next (交接班).
//
// The clocks of reports upward are data, in a pack's watch.yaml (file.go). When each is due is pure (rules.go); each deed is one
// transaction with its row, its ledger leaf, its timers and its events.
//
// What it promises:
//
//   - Nothing that was written is changed: a line of the phone log, a version of a report, a telling, a signed handover stay as
//     they are; what was wrong is put right by a new line or a new version that names the old one.
//   - A shift is handed over as a whole: what is open at the moment of each signature stands in what is signed, or the signing is
//     refused with what is new or stands otherwise. Two accounts sign. The contents are frozen, and their hash stands in the ledger.
//   - A report that is late is told once, in the case's timeline and as an event, also when the machine was down at the time.
//
// What it must not do: no table of callers (how a caller is reached stands in the vault of the one case that the call opened, and
// nowhere else); no telephone of a person in the directory; no figure about an account. Private cases stand in no list of it.
package watch
