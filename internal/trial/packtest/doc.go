// Package packtest runs the tests that stand beside a pack's rules, and says what a change of the rules would change.
//
// A test is a small story: instruments and what they say (package notation), what people report, and which alerts come of
// it, when, at which level, in which words, and when they end. It runs on a clock of its own through the same engine that
// judges a city, so a month of readings takes a moment.
//
// It promises to be strict both ways: what is expected must happen, and what happens must be expected. A test of which
// something is not understood does not run; all that is wrong with all tests comes at once, with its place.
//
// # Parts
//
//	file.go      *_test.yaml as it is written
//	suite.go     a pack with its tests; test.go makes a Test of what is written
//	play.go      the only file that knows the engine: a story goes in, steps of alerts come out
//	match.go     what was expected against what happened
//	coverage.go  which levels are tested, and by ease.go how near a test came to a level that it did not raise
//	report.go    a failure as a person reads it; junit.go as a build server does
//	update.go    puts what happened in the place of what was expected
//	diff.go      the same stories, or a recorded period, under two versions of a pack
//
// It must not write to a pack unless asked to update it, nor read anything but the pack (and, for diff, recorded files).
package packtest
