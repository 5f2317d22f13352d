// Package city is the register that everything points at: areas, places, assets, organisations and duties.
//
// # Promises
//
// A file is imported as a whole or not at all. All that is wrong with it is told at once, each with line, column, field
// and what was expected. Importing the same file again changes nothing. What Export wrote, Import reads back unchanged, in
// each format. Coordinates are WGS 84 inside; a file says which system it is in, and nothing is guessed.
//
// Areas nest and have any level names; "grid" is the lowest. When grid cells exist, every place lies in exactly one. A
// point on the border of two cells belongs to the one whose external id sorts first.
//
// # What the register must not hold
//
// It watches places and things, never people (design §2). These guards stand in its way of becoming something else, and
// guards_test.go attacks each:
//
//   - A kind of asset must be known from a pack. Names of kinds, levels and free properties that announce a person or a
//     person's device are refused, and each name that is new to the register stands in the ledger.
//   - An asset moves only when its kind is a mobile instrument. Others may be re-sited, at most MaxResitings times in 24
//     hours, counting what their place does; a place likewise. A kind can't be changed into a mobile one.
//   - Values shaped like identity, phone or plate numbers, MAC addresses, IMSI or IMEI are refused in every text field and
//     at any depth of free JSON (package guard states each shape and what it lets through).
//   - An asset in a home says so (premises: home), whatever the file says, when its kind does; and no flat is named.
//   - There is no table of households, residents, tenants or callers.
//
// # Concurrency
//
// A Service is safe for concurrent use. AreaAt and Covers answer from memory, from a picture of the register that is
// replaced as a whole; an import returns when the new picture stands, and another process sees it within two seconds.
package city
