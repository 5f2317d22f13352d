// Package forecast tells where a series goes next. Like its neighbour series it is pure: no input or output, no clock, no
// goroutine. A state is fed readings in order of their own time, and asked for a Path: the likely course of the series
// over the coming steps with a band around it.
//
//	Wave       a chain of river gauges: what passed the upper ones is on its way to the lower ones
//	Season     one hourly series with the habits of the day and the week: a day ahead
//	DayAhead   a Season that tells the highest, lowest or mean of the coming hours, while its record is good
//	Hourly     the mean of each hour, from readings
//	Trend      one series without habits: straight on, with the error that going straight on has had so far
//	Path       the forecast: Peak and Passes say how high, and when a level is passed
//	Spread     how wide a band has to be to hold the share it promises
//
// No state looks ahead: what Next has been told later than t changes nothing that was said at t. All times are
// microseconds since 1970 UTC, all spans microseconds. The result depends on the sequence of readings only. A state is not
// safe for use by two goroutines. One that holds slices has Clone; the others are copied by assignment.
//
// The package must not know what is measured, where, or what an alert is.
package forecast

const (
	second = int64(1e6)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)
