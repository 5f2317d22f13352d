// Package plan keeps emergency plans (应急预案): what each agency does at a response level, as a pack's plans.yaml states it.
//
// A plan is data (plan.go, file.go). Warnings, alerts and incidents give reasons; what the standing reasons of a plan justify is
// pure (Plan.Justified), and where that is not what is in force the program proposes: to open a level, to raise or lower it, to
// end the response. Only a person opens, raises, lowers and ends. The tasks of a level then go out to the teams in one
// transaction, and the board shows who has taken them on, who is late and who is done.
//
// What it promises:
//
//   - An activation keeps the definition that it was opened with; a changed pack changes no response under way.
//   - The tasks that are out are those of the level in force, whatever way led to it: raising gives only what is new, lowering
//     withdraws what no longer applies, ending needs every task done or withdrawn with a reason.
//   - An agency that the register does not know is shown as a gap, and its tasks go to the desk of the case.
//   - One response per plan and city (or place, as the plan says), however many alerts ask for it.
//   - Each decision is a row, a line in the case's timeline, a ledger entry and an event, or none of them.
//
// What it must not do: no level changes by a detector, a timer or the assistant; advice of a model is shown with its figures and
// becomes a task only by a person; a reason or a board names posts and organisations, never a person who is not staff.
package plan
