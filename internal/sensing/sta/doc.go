// Package sta serves the OGC SensorThings API 1.1, Part 1: Sensing (OGC 18-088) over the catalogue and the observation log.
//
// # Promises
//
// A client that speaks the standard works without knowing Anlan. An answer to a write is given when it is on disk; a deep
// insert or a change set is one transaction, with its readings. A page and its nextLink stay correct while data arrives: a
// nextLink continues behind the last entity that was shown, by its order values and its id. Text from a client never
// becomes part of a statement: $filter is a typed tree (package odata), of which the part that SQL can do is compiled to
// bound values and the rest runs over what SQL and the log give.
//
// # What it must not do
//
// It takes no property that names a person or a person's device, shows no curve from a home, and decides nothing: who may
// do what is asked of access.
//
// # Towards 2.0
//
// The catalogue keeps several observed properties per datastream and the features of a datastream in tables of their own,
// and results are typed by themselves, so that a root for SensorThings 2.0 can be put beside this one.
package sta
