// Package inspect keeps what inspections find: findings at a place, an asset or a point, graded by who saw them.
//
// It promises that a finding is recorded once, however often its sender repeats the request, and that the news of it
// (finding.recorded) is in the same transaction. What is done about a finding is a case and belongs to respond.
//
// It must not hold who lives or works at a place: a description is free text, masked when shown, and never searched.
package inspect
