// Package deadline tells who kept the limits of cases and who did not: on time, late, open within the limit, open past it.
//
// The table case_limits of respond is its only source: one row for each promise of a time, never deleted. What a row is (Row.Status)
// is decided in one place, which the figures, the rows behind them, the spreadsheet and bench/deadlines all call.
//
//   - A row that ended exactly at its limit is on time.
//   - A row that was passed on before its limit counts as passed on: whoever has it now has a row of his own. One that was passed
//     on after its limit is late for him who had it: passing on hides nothing.
//   - A row that was withdrawn counts as withdrawn, whenever; how many of them were past their limit then stands beside.
//   - The limit is that which holds, extensions counted in. How many were met only since they were extended stands beside.
//   - A row belongs to the span in which its limit falls. One that is open past its limit belongs to every later span too,
//     until it ends: nobody can look away.
//   - What is told is what is known now, also of a span long past.
//
// What it must not do: no figure of an account, no name of a person. A case that is private is in no figure and no list; the
// number of such cases is told in full tens, from ten on, for areas and for the whole only, and never beside another filter.
// An account sees the rows of its scope: those that its organisation, or one below it, or one with an area of its own answers for.
package deadline
