// Package guard keeps identifiers of people and of their devices out of the register.
//
// It answers two questions, without knowing where the text came from: does a value look like the number of a person, a
// phone, a car or a radio (Value), and does a name announce such a thing (Name). It is a guard against the import that
// takes too much along and against the field that creeps in, not against someone who is bent on hiding a number; for him
// there is the ledger, in which each new kind and property stands.
//
// For free text, where no one can be asked to mend it, Mask hides such numbers instead; it is generous where Value is
// narrow. It is the only place that decides what is hidden, for every room that stores or shows a person's words.
//
// A guard that cries at asset codes is one that people learn to get around, so each shape is as narrow as its standard
// allows, and what it must let through is tested beside what it must catch:
//
//   - A number counts only where it stands alone. A letter, a digit or an underscore of ASCII that touches it makes it
//     part of a code: "GAS13812345678" passes, "GAS-13812345678" does not. The words tel, phone, mobile and mob before it
//     make no code.
//   - Identity numbers need 18 characters, a date that exists and the right check character (GB 11643-1999); spaces and hyphens may stand anywhere in them. Of random
//     18-digit codes about one in 1,000 passes the date and one in 11 of those the check. The 15-digit number that it
//     replaced ended in 2013 and has the shape of a Chinese grid-cell code (GB/T 30428.1), so it is let through.
//   - Mobile numbers are 11 digits from 13 to 19, or + and 8 to 15 digits, spaces and hyphens allowed. Codes of just
//     this shape exist (six digits of a region in 13 to 15 and five more): they must be written with a letter in front.
//   - Plates are Chinese (GA 36): a province, a letter, five or six characters of which at least two are digits. Plates
//     of other countries look like asset codes and are let through.
//   - A MAC address is six pairs with colons, six pairs with hyphens of which one holds a letter, or three groups of
//     four with dots. Eight pairs (EUI-64) are an instrument's radio and pass. Twelve digits in a row are a code of the
//     statistics office and pass.
//   - IMSI means 15 digits of a Chinese mobile network. 46020 (railway radio) is left out, since it begins the grid
//     codes of Sanya.
//   - IMEI means 15 digits with the right check digit that begin as numbers of today do (01, 35, 86, 91, 98, 99). 3501 to
//     3509 are left out, since they begin the grid codes of Fujian.
//
// Full-width and other compatibility forms are folded first, so "１３８…" is caught too.
package guard
