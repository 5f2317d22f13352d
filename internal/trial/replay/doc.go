// Package replay brings recorded data into a running server: `anlan replay MAPPING.yaml --from DIR`. A mapping file says what
// the columns of the recorded files mean; the readings and reports then take the way that live ones take, over HTTP,
// keeping the time at which they happened.
//
// The work has two halves. Read turns a mapping and a folder into a Plan, without a server: all places, assets,
// datastreams, readings and reports, and every problem with its file, line and column. Run sends a Plan, at recorded
// pace or faster, and says what became of every row.
//
// Promises: nothing is guessed that would move a reading in time or space (time zone, coordinate system, units are
// declared); nothing is sent while a file has a problem, unless the user says to leave bad cells out; nothing is dropped
// in silence: rows = sent + missing + repeated + left out, sent = accepted + known before + refused.
//
// It is a client: it must not reach into the rooms, and it does not decide what a good reading is. It keeps all readings
// in memory to sort them by time, about 24 bytes for each.
package replay
