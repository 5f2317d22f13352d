// Package sitrep makes situation reports of a case's timeline: the briefing (ICS-201), the status summary (ICS-209), the activity
// log of one agency (ICS-214), and the Chinese report on an emergency (突发事件专报). It is pure: entries in, report out.
//
// What it promises:
//
//   - Each line names the entries that it rests on, and each figure in it the entries that it counts or adds up and how. So a
//     reader, and a test, can walk from a report back to the timeline and find the same.
//   - Nothing is invented: a section that no entry speaks to says so. What a person wrote stands as it was written; it is never
//     shortened, smoothed or summed up in other words.
//   - What stands now (decisions in force, marks, resources, objectives, who is here) comes from the same entries, by State.
//   - The same entries and options give the same report.
//
// The forms are those of FEMA's ICS Forms Booklet (502-2), the blocks that a timeline can fill; the steps of a resource are
// those of EDXL-RM 1.0 (RequestResource, CommitResource, ReleaseResource).
package sitrep
