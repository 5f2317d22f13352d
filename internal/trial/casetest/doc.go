// Package casetest runs the tests of case kinds that stand in a pack, and says which parts of a kind they leave open.
//
// A test is a story: a case is opened for something, named persons make moves with answers and evidence at times of a virtual
// clock, limits pass. Of each step is said what must come of it: the state, when it is due, who is refused and why, which
// tasks are given, how it ends. What passes must be expected: a limit that nobody wrote down fails the test.
//
// The stories run through the very room that runs cases in a city (respond.Service), with its tables in a SQLite file of the
// test's own that is never synced: what a limit, an extension or an approval does is decided in the transaction of a move, and
// a second engine for tests would be tested instead of the first. A test takes about 30 ms, of which 25 are the empty tables.
//
// # Parts
//
//	file.go      the keys of a test as it is written; packtest has them in its files
//	test.go      makes a Test of what is written, and notes what is wrong with it
//	play.go      the story's clock: one step after another
//	docket.go    the only file that knows the room of cases
//	result.go    what became of a test, as a person reads it
//	coverage.go  which moves, refusals, limits and ends no test has shown
//
// It reads nothing but the pack, and writes nothing but a temporary folder.
package casetest
