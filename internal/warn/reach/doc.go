// Package reach knows to whom warnings go, and puts each into the outbox for them.
//
// A recipient is an address of an organisation or a public body: a school office's webhook, a broadcaster's mail, a group of the
// district's duty desk, the gateway of a mobile network. It is never a private person's. It says which channel, which language,
// which areas, hazards and levels it wants, and whether it takes exercises; without more it gets every real warning to the
// public and nothing else. System, Test and Draft go to nobody.
//
// # Promises
//
// Put runs in the transaction that publishes: a warning that is out has its messages in the outbox, one that is not has none.
// Each message's key names warning, version and recipient, so none is put twice. A later version takes back what has not left
// of the former ones. Whoever may have got a former version gets the later ones too, even where they no longer concern it; who
// got none is not told of its end.
//
// Addresses and secrets are sealed under a key outside the database, are looked up when a message is sent, and stand in no
// answer, no log and no row of the outbox. A secret is shown once, to whoever made it.
//
// # Must not
//
// It must not import warn, and it decides nothing about a warning.
package reach
