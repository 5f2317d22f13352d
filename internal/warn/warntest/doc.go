// Package warntest is what the tests of the rooms of warnings share: a small town with its officers, the packs' book of hazards, and
// requests to a room's routes. It does not import warn, whose own tests use it too.
package warntest
