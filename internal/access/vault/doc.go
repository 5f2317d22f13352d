// Package vault keeps what must be known about a person for one report or one case, and only for that: a telephone number
// to call back, the flat behind an alert, the parties of a mediation.
//
// # Promise
//
// Seal writes in the transaction of the report or case. What it writes is ciphertext under a data key of that one owner;
// the data key is sealed to the vault's public key (HPKE, RFC 9180), so that sealing needs no secret and a copy of the
// database, or of a backup, says nothing. Opening needs the private key, a file with mode 0600 outside the database; it
// needs a decision of access for a purpose, and leaves an entry in the ledger that says who opened what and why, never
// what it said. At the due time, 90 days after closing unless sealed otherwise, the row is deleted: key and
// ciphertext are gone, and what an older backup holds goes when that backup does.
//
// # Must not
//
// There is no way to search, list, count or compare what is in the vault, nor to ask which owners share a person: equal
// contents give unequal rows of padded length. A test holds the exported names of this package to the few that are
// needed, so that a new way in does not appear unnoticed.
//
// # What an attacker gets
//
//	has                             gets
//	a copy of the database          owners, times, lengths rounded up; no contents
//	write access to the database    may delete, or put their own public key in place and wait for new contents: the
//	                                health check compares the key with the file, and New does
//	the key file alone              nothing
//	both                            everything that has not been erased: keep backups of the two apart
package vault
