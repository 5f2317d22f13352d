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
// head into chunks a few hundred lanes at a time and trims the log, never past the lowest position of any consumer.
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
//     first and the chunks after: what was sealed in between it sees twice and tells by id, never not at all.
//   - Latest value, count and time range per datastream are state, kept at append and at seal; no request computes them.
//
// # Failures
//
//	process dies before the commit     nothing was acknowledged; the sender sends again
//	process dies after the commit      the head is rebuilt from the log; consumers go on from their own position
//	process dies while sealing         lanes say how far each was sealed; replay skips those readings
//	commit's outcome unknown           before the next commit the log is read from the last row that is known
//
// The package watches places and assets. It must not take a property that no pack declares, and knows nothing of alerts.
package sensing
