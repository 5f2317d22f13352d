// Package ledger keeps the append-only, verifiable log of decisions: who did what, when, and on what grounds.
//
// # Promise
//
// Append writes an entry in the same transaction as the deed it records, so there is never one without the other. Within
// a second the sequencer gives the entry its place in a Merkle tree and signs a checkpoint over the tree. From then on
// nobody, the operator of the database included, can change, drop, insert or reorder an entry without every holder of an
// earlier checkpoint being able to show it. Verify needs only files and the public key, and nothing of Anlan's server.
//
// # What a leaf is, exactly
//
//	record     the entry as one JSON object in the form of RFC 8785 (keys sorted, no white space, shortest numbers), with
//	           the members action, actor, actor_id, at (RFC 3339, UTC, six decimals), detail, subject, subject_id
//	salt       32 random bytes of the entry's own
//	leaf       SHA-256(salt ‖ record), 32 bytes: the entry of the log in the words of C2SP tlog-tiles
//	leaf hash  SHA-256(0x00 ‖ leaf), as in RFC 6962: what the tree is built over
//
// The leaf gives nothing away about the record, and without the salt a guess at the record can't be confirmed. Erase
// removes salt and record and leaves the leaf: every proof stays valid, and what was said is gone.
//
// # Order
//
// Entries get their index in the order of their ids, and a pass of the sequencer takes every entry that has no index yet,
// not those above the last id. SQLite has one writer, so ids and commits have the same order. On PostgreSQL with
// several processes a transaction may take id 7 and commit after id 8 was sequenced: the next pass finds 7 and gives it
// the next index. What happened after a commit still comes after it in the log: who saw entry A before writing B gave B
// the higher id, and any pass that sees B sees A. One pass runs at a time; the row of ledger_tree is its lock.
//
// A checkpoint covers sequenced entries only, is a signed note (C2SP tlog-checkpoint, Ed25519) and is stored in the same
// transaction as the indices that it covers, so a crash can't leave a published checkpoint over a tree that is gone.
//
// # Must not
//
// The ledger must not hold names, numbers or words of people who reported something; those stand in the vault. It
// must not be written outside the transaction of the deed, and no entry is ever updated except to erase it.
//
// # Concurrency
//
// Append may be called from any write. A Service is safe for concurrent use.
package ledger
