// Package lesson draws one lesson from a case and sends it to all assets that are alike (举一反三).
//
// A lesson says what to look for and why. It selects every asset of a kind in the register, narrowed by area and by what the
// register says of each (make, year, pressure); a preview counts them per area and per holder before anything goes out. Sending
// opens one case of the kind "lesson" and gives its tasks, one per asset or one per holder, with the origin "lesson:N".
//
// What it promises:
//
//   - What goes out is what was previewed: if the selection has changed meanwhile, sending is refused.
//   - An asset of which the register does not say what is asked for is not silently left out: it is counted, and may be taken in.
//   - No more than MaxAssets assets and MaxTasks tasks; more is refused with the reason, before anything is written.
//   - The writer is not held: targets and tasks are written in chunks. A crash in the middle loses and doubles none, since a
//     target has its task or has none yet.
//   - What was found wrong becomes a finding with a case of its own.
//
// What it must not do: count what an account did. Progress is per area and per organisation.
package lesson
