// Package sensing takes readings in and keeps them: the observation log and the series store.
//
// # The path of a reading
//
//	Append ─► log (one row per commit, synced) ─► head (in memory) ─► chunks (columns, compressed)
//	                                          └─► Tail (detectors, live subscribers)
//
// Append checks each reading, gives it an id and answers when the log row that holds it is on disk. Readings that arrive
// while a commit is being synced share the next row: under load one sync carries many senders' readings, and there is no
// timer. The head holds what is in the log and not yet in chunks; it is rebuilt from the log at start. The sealer folds the
// head into chunks some lanes at a time and trims the log, never past the lowest position of any consumer. A seal that brings
// little makes a small chunk, and several small ones are made into one; a reader who knows them by their old headers still
// finds their readings. What is known of chunks without decoding them, their headers (headers.go), is kept in memory once it was
// asked for.
//
// Changes of stored readings and of the catalogue (Change) go through the same writer and stand in the same log: there is one
// order of all that happens. A row of the log is one commit's readings, then its amendments, then its entities.
//
// # Ids
//
// id = lane<<30 | n. Each datastream has a lane, in which n counts up; ids are written into the log row, so replaying it
// is idempotent, and stay below 2^53. Gaps are allowed: a commit that failed uses up its numbers.
//
// # Invariants
//
//   - in = accepted + refused, per source; accepted = logged; logged = stored + deleted. Each is counted at its own
//     station, so that a fault between two stations shows.
//   - All readings of a lane with n < sealed_n are in chunks, all others in the log and the head. A reader takes the head
//     first, with sealed_n, and of the chunks what lies below: nothing twice, nothing not at all.
//   - Latest value, count and time range per datastream are state, kept at append and at seal; no request computes them.
//
// # Failures
//
//	process dies before the commit     nothing was acknowledged; the sender sends again
//	process dies after the commit      the head is rebuilt from the log; consumers go on from their own position
//	process dies while sealing         lanes say how far each was sealed; replay skips those readings
//	a job of a commit fails alone      what it prepared in memory is taken back (job.go); its neighbours go on
//	commit's outcome unknown           before the next commit all of memory is read again from the store
//	amended while it is being sealed   the plan is out of date and is made again
//
// The package watches places and assets. It stores what it is given of them, and knows nothing of alerts. Whether a name or a
// unit may be registered is for those to decide who register (package sta).
package sensing
