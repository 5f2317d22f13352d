// Package describe makes of the declarations of a pack's files what editors and people read: a JSON Schema for each file
// (draft 7, the newest that the YAML language server knows) and the reference page of the pack language. Both follow from the
// structs that the decoders fill, so that they can't lag behind.
//
// A schema promises to refuse nothing that the decoder takes. It can't refuse all that the decoder does: names that refer to
// nothing, conditions that do not compile and whatever else needs more than one place of the file is the program's to find.
package describe
