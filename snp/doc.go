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
