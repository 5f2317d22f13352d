// Package delivery is the one outbox of messages that leave the program: to a browser's push service, to a file that another
// program reads, to webhooks, mail servers, group robots and gateways of short messages.
//
// A room puts a message into the transaction of whatever it tells of (Put), under a key that names it for ever. A runner hands
// it to the adapter of its channel and keeps what became of it. Nothing here knows what a message means, or who may send one.
//
//	waiting    to be sent
//	sending    handed to the adapter; the row says so before the adapter is called
//	failed     an attempt failed that may be repeated; it is, after a pause that doubles
//	sent       the channel took it; answer is its proof
//	dead       the channel will never take it, or its time is over
//	withdrawn  it was taken back before it was sent
//
// What happens where the process dies, or the power goes:
//
//	before the commit of Put              there is neither the deed nor the message
//	after it, before the adapter          the row waits and is sent after the restart
//	between the send and its commit       the row still says sending. After the restart it is handed to the adapter again with
//	                                      InDoubt: an adapter that can, tells by the key whether it has it, and answers with
//	                                      the first proof. Where the channel can't tell (RFC 8030 can't), the receiver can: the
//	                                      key travels with the message, and a repeat takes the first one's place
//	a call that is cut off                it is repeated with InDoubt, in the same way
//	after that commit                     the row is sent and is never touched again
//	Withdraw while the adapter has it     what has left has left: the row becomes sent, or withdrawn where the attempt failed
//	Withdraw of a row in doubt            withdrawn, and doubt stays: it may have left before the process died
//
// So a message is sent once, but for the window between send and commit and for a call that was cut off before its answer, after
// which it is sent at least once more. There is one runner per database.
//
// Each channel has a line of its own, and each address a lane in it: a receiver that hangs holds up nobody else. What was never
// tried goes before what failed, and what failed takes half of the room at most.
package delivery
