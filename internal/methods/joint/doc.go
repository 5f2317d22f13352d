// Package joint watches several sensors of one asset or zone together: what each reading should be, given the others.
//
//	Chart    T² and Q (a PCA control chart), the relation of every sensor to the others, slow drifts of these relations,
//	         and the rules between switched states and measurements
//	Balance  what flows into a zone, less what flows out and what is stored
//
// A Chart learns from readings, calibrates its limits on later readings that it has not learned from, and then watches.
// Every statistic is a multiple of its limit, and the limits follow from one stated probability of a false alarm per row
// (series/budget.go tells what an alarm budget allows). With a result come the shares of the sensors, so that an alert can
// say which of them deviate, and the broken rule in words' reach.
//
// Like the machines of package series it is pure: no input or output, no clock, no goroutine. Times are microseconds
// since 1970 UTC. What came out depends on the sequence of rows only. A Chart is not safe for use by two goroutines.
//
// The package must not know what is measured, where, or what an alert is.
package joint
