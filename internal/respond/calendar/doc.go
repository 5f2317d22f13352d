// Package calendar counts working days: by the weekdays of a city's offices, their holidays, and the days on which they work
// in return (调休上班), as a pack's calendar.yaml states them.
//
// It is pure: no database, no clock of its own. The same calendar, time and number of days give the same deadline on every
// machine.
//
// # How a term of working days is counted
//
// Both ways are in use, so a calendar says which is its own (`ends`):
//
//   - close: the day of receipt does not count, whatever the hour. The first working day after it is the first of the term, and
//     the term ends when the offices close on its last. So counts Chinese law: Civil Code, article 201 (the day on which a
//     period begins does not count) and article 203 (the last day ends at 24:00, or, where there are business hours, when
//     business stops); terms of administration are in working days without holidays (Administrative Licensing Law, article
//     82; Administrative Penalty Law, article 85).
//   - same-time: the term ends on its last working day at the time of day at which it began. One that comes in outside the
//     hours begins when the offices next open. So counts Boston: of the collections of code enforcement of 2015 (one working
//     day, 08:30 to 17:00) 98.7 % have the deadline that follows from it to the minute, of the building inspections (three
//     working days) 96.0 %; see the test.
//
// A span backwards, as "20 working days before the limit", is the mirror image: the day of the limit does not count.
//
// # What a calendar knows
//
// Holidays are announced year by year. A calendar says for which span of days it knows them (`known`). Outside it only the
// weekdays count and the days that are off by law in every year (`fixed`), so a deadline there may come out too early; Known says so, `pack check` warns once the end is near, and the
// API tells the console.
package calendar
