// Package pack is the language in which a hazard domain is written: a folder of YAML that a safety engineer who does not
// program can read aloud and agree or disagree with.
//
// Load reads a folder. It decodes pack.yaml itself (what is observed, on what kinds of asset, in what categories people
// report it) and keeps every other file as a parsed document; the room that a file is for brings the decoder, a plain Go
// struct, and calls Pack.Decode. The struct's tags are the one declaration of the file's fields:
//
//	Maturity pack.String `yaml:"maturity" pack:"required,one of stable trial draft" doc:"how far it may be trusted"`
//	Every    pack.Duration `yaml:"every" pack:"above 0s" default:"5m" example:"1m" doc:"how often an instrument speaks"`
//	Pos      pack.Pos `pack:"exactly one of watches joins"`
//
// Rules says what the `pack` tag may ask for. A room hands its struct out as a Declaration; of those the packages describe
// and internal/trial/packtool make the JSON Schemas, the reference page and the check of a whole pack.
//
// The package promises that what it does not understand it refuses: unknown keys, wrong types, duplicates, anchors, tags.
// A refusal is a Diagnostic: path, line, column, the source with a caret under the exact part, a suggestion where one is
// near, and a stable code (codes.go). All problems of all files come at once. What is only worth a warning (lint.go) keeps no
// pack from being loaded and is kept with it. Conditions are CEL over declared variables,
// with a bounded cost; an error in one points into the YAML file.
//
// No pack may name a person's or a device's identifier as something to observe, to keep or to sort by: guard.go, the
// first of the six guards.
//
// The package must not read files by itself (it is given an fs.FS), nor know what a detector or a case is.
package pack
