// Package outside asks models of others, such as a university's or a vendor's, over one HTTP contract: series in, scores or
// forecasts out. A model first runs in shadow beside our detectors, is scored as they are, and goes live only when a named
// official approves it on its figures (先行试点、验证价值).
//
// It stands under detect, not in a room of its own: to the city such a model is one more detector. It judges by the engine of
// detect, its live alerts go through detect's door (Tell), and it is scored by the outcomes that detect keeps.
//
// # Parts
//
//	model.go     registrations, states, and what is wrong with one
//	contract.go  the question and the answer, and what is wrong with one; docs/models.md tells the other side
//	client.go    one question over HTTP, bounded
//	rules.go     scores become levels, by a detector that is compiled from the registration
//	ask.go       when a model is asked, and what becomes of an answer
//	move.go      who takes a model from one state to the next
//	figures.go   how good it was, and our detectors on the same series and time; brier.go the same of scores as probabilities,
//	             forecasts.go of forecasts
//	store.go     registrations, questions and states in SQL; raised.go what a model raised, and the cases it is held against
//
// # Promises
//
//   - A model learns readings, units, kinds and opaque ids. Names and points only where its registration says so; series in
//     homes never.
//   - Nothing waits for a model: it is asked by goroutines of its own, in bounded time, and one that fails is marked.
//   - An answer that breaks the contract is refused as a whole, with one error that names the field.
//   - In shadow nobody is told anything: what it raises stands in this room's tables only.
//   - Live it is by a named official's decision alone, who had no part in registering it, for one version; an answer of another
//     version is refused.
//
// # Crash equals no crash
//
//	row "asking" is on disk before the question goes out    a window is asked for once; after a crash it is marked lost
//	answer, states of the rules and alerts                  one transaction, with detect's own rows where the model is live
//	nothing is kept in memory between questions             so there is nothing to rebuild
//
// # Must not
//
// It decides nothing: levels follow from the registration. It must not touch the tables of other rooms.
//
// The Service is safe for concurrent use.
package outside
