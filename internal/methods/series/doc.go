// Package series holds the streaming state machines that detectors are made of. They are pure: no input or output, no
// clock, no goroutine. A state machine is fed one reading at a time with the reading's own time, keeps a state of fixed
// size, and can write that state down (AppendBinary) and take it up again (UnmarshalBinary), so a snapshot and the
// readings after it give the same result as all readings did. Limits follow from how many false alarms people can take: see
// GaussLimit, TailLimit and CUSUMLimit.
//
//	Alarm       levels with on-delay, off-delay, hysteresis, step up and step down
//	Background  the moving background of one instrument, and the excess above it
//	Extremes    lowest and highest of a window
//	Change      rise and fall within a window
//	Sum         total and mean of a window's readings
//	Integral    total of an intensity over a window, and its mean over time
//	Stuck       how long a value has not changed
//	Daily       one figure a day: the mean between two local clock times
//	Profile     what is usual in each hour of the local week, with scale and level that follow the season
//	CUSUM       since when standardised values, of a Profile for instance, have been off zero
//	Spot        how extreme a reading is by the tail of those before it (DSPOT)
//	Shift       CUSUM and Page-Hinkley: the mean has moved and stays moved
//	Likelihood  the series has become harder to foresee than it was
//	Novelty     outside of the range of all before, by more than chance explains
//	Everyday    the tier for every series that nothing is known about
//
// All times are microseconds since 1970 UTC, all spans microseconds. A state is not safe for use by two goroutines.
//
// The package must not know what is measured, where, or what an alert is.
package series
