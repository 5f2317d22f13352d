// Package intake takes readings that don't come by the standard: a vendor's JSON posted to a webhook, and files of
// measurements (CSV, GeoJSON). What the JSON or the columns mean is said in a mapping file, never in code.
//
// Promises:
//
//   - A mapping is checked as a whole when it is loaded: every problem with file, line and column, and what was meant.
//   - A reading that can't be mapped is told in the receipt with the mapping's line, the expression and the path in the body
//     that is missing; it does not keep the others out. A body of which anything was refused is kept as a dead letter.
//   - A file is read to its end and checked before its first reading is taken: all problems at once with file, line and
//     column, or none and every reading is handed to the log. It is read as a stream twice, and never held in memory.
//   - Units are converted by their definition (methods/ucum), or the reading is refused.
//   - Expressions can't loop for ever: each has a cost limit, a body one for all of them together and a limit of readings.
//
// It must not know vendors: what stands in examples/ is read like any other mapping. It decides nothing about access beyond
// a body's signature: the log decides for whoever the context says is sending.
package intake
