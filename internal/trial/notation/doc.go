// Package notation writes a sensor's history in one line, as `promtool test rules` does:
//
//	0x10            0, and 10 more of it: 11 readings
//	2+1x20          2, then 20 more, each 1 higher: up to 22
//	22-2x11         22, then 11 more, each 2 lower: down to 0
//	5~0.3x60        5, and 60 more, with noise of standard deviation 0.3 that is the same in every run
//	2+1~0.3x20      both
//	1 2 3           one reading each
//	_               no reading this time; _x3 three times
//	(60 65 70)x7    the readings of the group seven times over
//	stale           no reading this time, and the instrument is said to have stopped
//
// Words are parted by white space, and each reading takes one step of the test's `every`. As in promtool, the number after
// x counts the readings that follow the first, except after _ and ), where it counts all.
//
// Parse promises to be quick and bounded whatever it is given (MaxReadings), and to say of a mistake where it stands.
package notation
