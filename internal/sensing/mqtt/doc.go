// Package mqtt is the MQTT door of the sensing room: it turns PUBLISH into readings and rows of the log into deliveries.
//
// It speaks MQTT 5 and 3.1.1 over TCP, TLS and WebSocket. mochi-mqtt decodes and encodes packets and answers CONNECT and
// PINGREQ; it never delivers, acknowledges or remembers anything, since its delivery can't keep what follows. The package
// knows nothing of SensorThings: Intake, Feed and Authenticator are fulfilled by others.
//
// # The path of a message
//
//	PUBLISH ─► Intake ─► commit ─► PUBACK (in the order of the client's packets)
//	                  └─► refused ─► dead letters ─► PUBACK with the reason
//	log row ─► hub (read and rendered once for all who keep up) ─► queue of each client ─► PUBLISH
//	       └─► catch-up (a client that fell behind, or has a subscription that may cost much, reads the log itself, at its
//	           own pace) ─► its queue
//
// # Promises
//
//   - A PUBACK without an error means valid and on disk. A client's packets do not wait for each other's commits; its
//     acknowledgements keep their order.
//   - A message that can't be taken reaches nobody and is kept as a dead letter, with its reason, before it is
//     acknowledged. An MQTT 5 client is told the reason code and a Reason String. A 3.1.1 client gets a plain PUBACK, for
//     anything else would make it send the same again for ever.
//   - A commit that failed is never acknowledged: MQTT 5 gets the reason 0x83 or 0x97, a 3.1.1 client is disconnected, so
//     that it sends again.
//   - A subscriber gets every message of the log from its SUBSCRIBE on, in the order of the log, through slow spells,
//     lost connections and restarts of the server as long as its session lives. After a lost connection some may come
//     twice (DUP is set where the server knows), never is one left out silently: a session that can't be kept is ended, with a log
//     line and a counter, and its next CONNACK says session present = 0.
//   - Neither a stalled subscriber nor a costly subscription delays another's. The stalled one is disconnected (0x97) after
//     Limits.StallAfter without progress.
//   - A client id belongs to the credential that opened its session; no other can take it over.
//
// # Sessions
//
// A session is a row: client id, owner, filters, expiry, and a position. All rows of the log up to the position have been
// delivered and acknowledged; messages themselves are never stored. Each filter has a start, the end of the log when it
// was subscribed to, and gets nothing older. Positions are written once a second and at disconnect, not for each
// acknowledgement. The log is held at the lowest written position. A session that holds more than Limits.MaxLag rows or
// about MaxLagBytes is ended. Sessions of MQTT 5 live at most 7 days after a disconnect; persistent ones of 3.1.1 live 24 hours. The public
// (no credential) has no persistent sessions.
//
// # What of MQTT is left out, or differs
//
//   - Wills are accepted and ignored: the log holds what was measured, and a source that goes quiet is seen there.
//   - RETAIN is ignored; nothing is retained. No Local and Retain Handling are accepted and change nothing, for a row
//     does not tell which client sent it.
//   - QoS 2: MQTT 5 is told Maximum QoS 1. A 3.1.1 publisher gets the whole handshake; packet ids that await PUBREL, at
//     most Limits.MaxInFlight, are remembered with the session, in memory, so that only a restart of the server between
//     PUBREC and PUBREL can make a message come twice. Deliveries are QoS 0 or 1.
//   - Deliveries after a reconnect have new packet ids, since acknowledgements are kept per row of the log.
//   - A message larger than the client's Maximum Packet Size is left out, as the standard demands, and counted.
//   - Shared subscriptions (0x9E) and wildcards (0xA2) are refused, and the CONNACK says so.
//
// # Failures
//
//	process dies before the commit        no PUBACK was sent; the client sends again
//	process dies after the commit         the client sends again; the store sees the duplicate
//	process dies with unwritten position  the last second's messages come again
//	disk full                             0x83 or 0x97, or the connection closes; nothing is acknowledged
//	client stops reading                  its queue fills, it leaves the hub, TCP stalls, it is closed, and resumes
//	codec trips over a packet             that connection ends; the process goes on
//
// Lock order: Edge.mu, hub.mu, client.mu. None is held while Intake, Feed.Tail, Feed.Compile or the network is called.
package mqtt
