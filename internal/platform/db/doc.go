// Package db is the store: SQLite by default, PostgreSQL when a city outgrows it, behind one SQL text.
//
// There is one writer. Write hands a function to it; the writer takes all that queued up while the last commit was being
// synced, runs it in one transaction, each function in a savepoint of its own, and answers when the commit is on disk.
// There is no timer: under little load a write commits alone and at once, under much load many share one sync.
//
// Promises
//
//   - Write returns nil only after the commit was synced. If it returns an error the function's changes are not there,
//     but for the one case that it says: ErrUnknownOutcome, when the connection broke during the commit itself.
//   - A function that fails takes back its own changes only, never those of a neighbour in the same commit. One that goes
//     on after a failed statement has failed, whatever it returns.
//   - Read sees one snapshot, can't write, and ends after MaxRead.
//   - Writes happen in the order in which AfterCommit functions run, and no two run at once.
//
// On PostgreSQL one process writes at a time, guarded by a lock that its connection holds. A process that lost its
// connection goes on with a new one, unless another process has written meanwhile: then it is fenced (ErrFenced, Lost).
//
// The SQL that rooms write must mean the same on both engines: $n placeholders, cast where the type is not plain from the
// context; every ORDER BY with NULLS FIRST or LAST, ending in id; flags as INTEGER 0 or 1; times as int64 microseconds UTC
// (Micros, Time); JSON as text, read only through json_text, json_num and json_bool; lists bound as one JSON text and read
// through json_list(text), a table with the column "value". LIKE tells upper from lower case, and lower and upper fold
// ASCII only. NUL bytes and non-finite numbers are refused at the edge, before they get here.
//
// It must not know anything about cities.
package db
