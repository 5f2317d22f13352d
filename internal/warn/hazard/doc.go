// Package hazard is what a warning can be about, as packs declare it in warnings.yaml: hazards with what people are told to do,
// texts with blanks that are filled in two languages, which detectors propose them, who may publish them (发布权限) and from which
// level on a second person must agree; and the one table that says what the four levels are in CAP's words.
//
// Files are read one pack at a time by Read, with all problems at once as pack.Diagnostics; Bind joins them to one Book, in which a
// city's own packs stand before those that ship: its hazards take the place of the shipped ones of the same id, its rules of
// authority are asked first.
//
// # Promise
//
// What belongs to another service (weather, marine, seismology) stands in relayed.go and can't be lifted by any pack: a pack that
// declares such a hazard as one to compose, under its id or its name, or heads a text like a warning of that service, is refused.
// Nothing that is not said is allowed: without a rule nobody may publish, without a rule two persons are needed.
//
// # Must not
//
// It is pure: no SQL, no HTTP, no clock. It decides nothing about areas or accounts; it is told their external ids and roles.
package hazard
