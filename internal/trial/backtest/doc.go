// Package backtest runs the detectors of packs over the past and says what they would have been worth: which of the events
// that are known to have happened they found, how early, how often they cried wolf, and what the people on duty would have
// had to bear. `anlan backtest` is its command.
//
//	history.go   what there is to judge: recorded files (mapping.go, table.go) or a server's store (store.go)
//	truth.go     what really happened, and forecasts with a probability, from CSV
//	play.go      drives the engine: the only file that knows how
//	run.go       scores, through methods/verify
//	report.go    what comes out; text.go, html.go and chart.go show it
//
// Promises: the detectors are those that run live, and see what they would have seen, in the order of event time; events
// beyond the readings' period count for nothing; what was left out, and why, is said in the report; the same input gives
// the same report, byte by byte.
//
// It must not send, store or change anything.
package backtest
