// Package cap reads, writes and judges messages of the Common Alerting Protocol
// (OASIS CAP 1.2, 1 July 2010; CAP 1.0 and 1.1 are read).
//
// It promises three things. What Encode writes is valid by the CAP 1.2 schema, in
// the schema's order, with times that carry an offset and never a Z. What Decode
// reads is held to the same schema, so a message that the schema refuses is
// refused here without needing the schema. And Check holds the rules that a
// schema can't express (references, scope, polygons, dates), in two strengths:
// Receiving for what partners send, Publishing for what goes out under our name.
//
// Decode is bounded in size, depth and number of elements, refuses any document
// type declaration, and so touches no file and no network whatever it is fed.
//
// A Signer signs what is published, and Verify takes one form of signature only,
// by pinned keys only. ReadFeed and the Write functions are the lists: Atom, RSS
// 2.0 and EDXL-DE. Assess judges a document of any kind. docs/cap.md has the rules.
//
// The package knows nothing of cities, officers or stores; it has no clock, so
// "has it expired" is asked with Alert.Expires and the caller's own time.
package cap
