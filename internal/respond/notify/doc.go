// Package notify sees to it that a call is answered: it tells a post, waits, tells the next, and stops when somebody has taken
// note. What is told to whom and when is data, a chain in a pack's chains.yaml (file.go); what has been told lies in the inbox
// of each post, and leaves the program through platform/delivery.
//
// What it promises:
//
//   - A chain that has begun keeps the definition that it began with; waits are appointments (platform/timers) and survive
//     restarts.
//   - Nobody is told after the acknowledgement: each step looks at the thing itself, in the transaction that tells, whether it
//     is still unanswered. What has not left by then is withdrawn.
//   - Whoever was told is told once more, once, when it is over; not when it is acknowledged.
//   - A chain is gone through once and repeated at most as often as it says.
//   - Where a link of the chain of responsibility is missing that should be told, that is a finding, one for each gap, and the
//     next link above is told in its stead.
//   - About one thing a chain runs once, however often the news of it comes.
//
// The life of a run:
//
//	held          an alert of a group that has a run already: it begins when that one ends and this alert stands still
//	running       its next step is due, or has an appointment
//	spent         all steps are done; it waits for the end
//	acknowledged  somebody has taken note: nobody is told any more until it is over
//	over          everyone who was told has been told that it is over
//
// A step is worked out in two parts. The appointment's transaction only marks the run ready; who is to be told is then looked up
// outside of any transaction, and told in a second one, if the run still is where it was. A crash between the two leaves a run
// that is ready.
//
// What waits for a decision about a warning is asked of the room of warnings, as an alert, a task and a case are of theirs; it lapses at an
// appointment of its own.
//
// What it must not do: address persons. A notice is for a post of an organisation; no list or figure says which account was
// quick or slow. A case that is private to its parties has no chains.
package notify
