// Package access answers one question, "may this actor do this to that, for this purpose?", and knows who is asking.
//
// # Promise
//
// Decide denies unless a policy allows. The policies are Cedar, in policies.cedar, meant to be read by people; the
// actions they speak of stand in actions.go, each with a sentence and the roles that may do it, and a test holds the two
// together. There is no default password: the first administrator comes in by a link that is printed at the first start,
// works once and for 24 hours. Sessions stand in the database and end at the server; device tokens stand there as hashes.
//
// # Invariants
//
//   - No actor in the context means the public, which may report, and read what is public, and nothing else.
//   - A credential that is wrong is refused (401); it never falls back to the public.
//   - A device token is good for reading.append on its own source and for nothing else.
//   - The system decides nothing that a named official must decide (the group "human" in actions.go).
//   - The demo exists only for requests from this machine to this machine; its accounts have no password.
//   - Role, organisation and revocation take effect at the next request, not at the next sign-in.
//
// # Must not
//
// Access must not know what a case or an asset is: rooms pass a Resource. Rules about two people (the one who verifies is
// not the one who repaired) belong to the rooms; FourEyes helps them say it the same way.
package access
