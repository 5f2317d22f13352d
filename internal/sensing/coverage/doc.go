// Package coverage says what watches each asset and place, and whether that is alive: the list of blind spots.
//
// # What is judged
//
// A datastream is alive, late, mute or was never heard, by the time since it last spoke and the interval in which it is
// expected to (liveness.go has both numbers, and nobody else does). An asset is held against what its kind measures in the
// pack: each property is watched by a datastream or not, judged by a detector or not, alive or not; that gives the asset's
// State (rules.go). A place is the sum of its assets. Planned works put a reason beside a silence and keep it on the list;
// calibration says whether what is measured can be believed.
//
// # Promises
//
//   - A silence is never hidden: works and an overdue calibration are shown and counted on their own, and works end by
//     themselves.
//   - Totals and lists come from one evaluation, so they add up.
//   - Answers come from memory: the log's kept state, a picture of the register, the works and due dates. No request scans
//     readings. Works, calibrations and heartbeats set here show at once, a new datastream within probeEvery, a heartbeat
//     declared over SensorThings within lookEvery.
//   - Works, calibrations and heartbeats are decisions of named people: each has its leaf in the ledger, and no row of works or
//     calibrations is ever deleted or overwritten.
//
// # What it must not do
//
// It raises no alert and suppresses none: detect may ask Works about an asset and mark what it records. It holds nothing about
// people: reasons are masked, and an asset in a home is called by its kind.
//
// The Service is safe for concurrent use.
package coverage
