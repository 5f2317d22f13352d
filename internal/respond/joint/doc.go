// Package joint is the joint room (合成处置) of a case: several agencies on one timeline and one map.
//
// What an agency writes (a line of its log, a mark on the map, a decision, an objective, a step of a request for resources, who
// joined and left) is an entry of the case's timeline, written through respond.Enter in one transaction with the row here that
// says what stands now. The timeline is the truth: sitrep.Replay of its entries gives what the tables hold.
//
// What it promises:
//
//   - Nothing is edited. A decision is superseded by a later one, a mark is moved or lifted by a further entry, a request goes
//     from asked to committed, arrived and released in steps that each have an entry.
//   - Never more is committed to a request than was asked; only who committed may say that it arrived or take it back, or who
//     asked; only what has arrived can be released (request.go).
//   - A report is generated (sitrep), kept under its hash, and never changed; what people add stands beside it, signed or not.
//   - What the review asks for becomes a task of the case or a finding with a case of its own; it is not a list beside the work.
//
// What it must not do: hold a person. A seat is an organisation and a post; names stand in entries, as in every timeline. A
// private case has no room.
package joint
