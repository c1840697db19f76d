// Package snp is Valve's message protocol SNP: it turns messages on lanes into packets and back,
// reliably or not, over any transport that carries numbered, authenticated packets.
//
// A Session is one end. It is a pure state machine: it opens no socket, starts no goroutine and
// reads no clock. The connection above it
//
//   - calls Begin after the handshake and Connected when data may flow;
//   - calls Receive for every packet that its reliability.Window takes for new, and Resume when its
//     application has made room for messages again;
//   - asks Due after any of that, after Send, and when Deadline has passed (after Advance), and as
//     long as the answer is yes builds a packet with AppendPacket, sends it, and reports its size
//     with Charge. It may build packets at any other time too, for reasons of its own.
//
// Frames, their fields and their limits are those of SNP_WIRE_FORMAT.md. What a sender may choose is
// chosen so that every receiver gets along with it: 48-bit stream positions, 32-bit message numbers,
// 16-bit ack numbers; a lane group with reliable data last, because Valve's receiver schedules its
// ack by the last group only.
//
// # Sending
//
// A lane's reliable messages, headers included, form one byte stream that is kept until acked.
// Packets carry ranges of it; which message a range belongs to plays no part in retransmission, so
// lost ranges are cut and merged freely, lowest first. At most seven eighths of the peer's receive
// buffer are in flight per lane, counted from the start of the oldest message that is not completely
// acked.
//
// # Loss recovery
//
// What the peer reports missing is sent again at once. What it says nothing about is sent again by a timer
// (round trip, its variation, and the time that the peer may sit on an ack; doubled at each expiry), a few
// packets at a time: the ack of any of them tells what became of the rest.
//
// Both come late in a sparse flow, where nothing follows a lost packet that would show the gap. On a path
// that loses packets, recent reliable data therefore travels once to three times more, in packets that leave
// anyway and have room, acks among them, or in one of its own if none leaves within a round trip; soon if it answers what
// came late. A path without losses carries everything once, and so does a flow that uses up its send rate. One whose
// packets are full is not sparse, however far apart they are.
//
// The sender at the other end may do nothing of that, and Valve's does not act on a report before it has a reason
// to send. So a report of a gap that leaves a hole in a sparse flow asks (outside SNP) for an answer at once, repeatedly if
// need be; and where the peer leaves holes, the packet after a message of it asks for an answer too, for that
// to show whether the message was all.
//
// A receiver refuses data that would open too many gaps in a lane's stream, Valve's the 31st. So new data
// waits while there are many known gaps, and the peer is asked (outside SNP) for acks meanwhile; how many gaps
// it puts up with is tried out, because a long lossy path needs more.
//
// # Acks
//
// Reliable data is acked within 40 ms, sooner after many packets, and after 5 ms if it is new and comes alone on
// a path that loses packets. Gaps are reported after 3 ms, or later where packets have been out of order by more.
// All that waits up to 10 ms more if a packet with data leaves then, for which the send rate has no room before.
//
// # Receiving
//
// Stream bytes in order go straight into the message they belong to; bytes out of order wait in
// blocks. Memory is bounded for all lanes together (four times RecvBufferSize, and one message);
// what exceeds it is refused, which means that its packet is not acked. One lane at a time is exempt
// from that bound, so that lanes that all wait for each other's memory make progress.
//
// A complete message that the Host refuses stays in the session, with its lane stopped behind it; it
// was acked, and is never lost.
package snp
