// Package respond turns an alert, a finding or a phone call into a case: work with an owner, a deadline and an end that is
// proven.
//
// What a case of some kind may go through is data, in a pack's cases.yaml (kind.go). The rules are pure (rules.go):
// definition, snapshot, person and answers give a step or a reasoned refusal. The store makes each step one transaction:
// the move, its timeline entry, its ledger leaf, its timers and its outbox rows are there together or not at all.
//
// What it promises:
//
//   - Each alert that asks for a case gets exactly one, however often the news of it arrives.
//   - A case keeps the definition that it was opened with; a changed pack changes no running case.
//   - A move is made by a person with an account, never by a device or by the program; where the kind asks for a second
//     person, whoever made the first move in this case can never make the second.
//   - Evidence proves only what came after it was needed: it is newer than the case's present state, a reading is of the
//     sensor that the case is about, and that sensor's newest reading still agrees.
//   - A timer is a row that fires once (platform/timers says what may go wrong and what then); no restart loses it.
//   - A POST with an idempotency key is carried out once within 24 hours, also when the machine dies between the deed and
//     the answer: key and deed are one transaction.
//
// What it must not do: no entity for a person who is not staff; no definition that names a person's identifier; no move by
// a detector, a timer or the assistant. Names of places and things are asked from the register, never copied.
package respond
