// Package wording holds what officers write against the few rules that every text has: there in both languages, of a bounded length,
// without control characters, and with no blank left to fill.
//
// # Promise
//
// What passes can stand in XML. Errors name the field and carry the codes of warnings.
//
// # Must not
//
// It is pure, and knows nothing of what a text is for.
package wording
