// Package app builds the rooms and wires them: the one place that knows all of them.
//
// App is the whole product as a value: New takes options, Start brings everything up and returns when it serves, Stop
// takes it down in the opposite order and may be called twice. A test runs it on port 0 with a folder of its own.
//
// It must not decide anything about a city: what a room needs from another is passed on here, not worked out.
package app
