// Package warn turns a danger to many into a graded warning that is right,
// approved by those who may, published in the standard form, and taken back when it
// is over.
//
// # Promise
//
// A warning is proposed by one officer and approved by another: from the level
// on that the packs set (always, as they ship) the two are never the same
// account, and neither is ever the program itself. Who may publish which hazard
// at which level and where is data of the packs; what no rule speaks of nobody
// may publish. What was approved
// goes out as it was seen, as CAP 1.2, and never changes afterwards: a
// correction is an Update, the end a Cancel or an all-clear, each a message of
// its own. What is an exercise, a test, a system message or a draft, or is not
// for the public, is never handed to who shows warnings to the public.
//
// One officer alone may end a warning, though two must agree to issue one. A
// warning that is wrong or over costs the trust in the next one, and at night
// nobody may be there to agree; a danger that goes on after all is warned of
// again by two. Who ended it and why is public, or in the ledger, at once.
//
// Every step stands in the ledger and goes out as an event in the transaction
// of the deed.
//
// # Parts
//
// Here is the life of a warning: proposed, approved, updated, ended. Its other
// sides are rooms of their own, none of which imports this one:
//
//	hazard    what a warning can be about, and who may publish it, as packs say
//	area      where it holds, and what lies there; outline is its geometry
//	wording   what every text must keep to
//	cap       the standard form, in and out
//	public    what anyone reads of it: pages, feeds, displays
//	reach     to whom it goes
//	partner   the warnings of other services
//	skill     how good warnings were
//
// What a room asks of warnings it declares, and a file here answers: published.go
// for public, ended.go for skill.
//
// # Invariants
//
//   - warning_versions rows of state issued are never updated: every statement
//     that changes a version says "and state = 'proposed'".
//   - At most one version of a warning waits for approval.
//   - Readers ask the clock whether a warning is in force; the loop that writes
//     "expired" only tells the others. A stopped loop can't keep a warning alive.
//   - Numbers and identifiers are given in the writer's transaction and never reused.
//
// # Must not
//
// Weather warnings belong to the weather service: they are relayed, never
// composed here. A case or plan is not opened from here; respond listens.
package warn
