// Package tabular reads and writes the files in which cities keep their registers: CSV, XLSX and GeoJSON, all seen as one
// table of text in which each cell remembers where it stood, so that an error can be shown in the user's own file.
//
// Promises: a file is read as a whole or its problems are listed, all that can be told at once; a text encoding is never
// guessed wrongly (see Decode); what Write wrote Read gives back, cell by cell.
//
// It must not know what the columns mean, and it doesn't interpret geometry: a GeoJSON feature's geometry is the JSON
// text of a column called "geometry".
package tabular
