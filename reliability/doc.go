// Package reliability is the bookkeeping below SNP, Valve's message protocol: packet numbers, the
// packets in flight and what became of them, the packets received and how to report them, round
// trips, the retransmission timer and the send rate. It knows no frames, opens no socket and reads
// no clock; time comes in as a parameter and all arithmetic is on integers.
//
//   - Window restores packet numbers from 16 bits and filters duplicates.
//   - Sent remembers what each packet carried and resolves its fate from ack blocks.
//   - Received collects what arrived and builds ack blocks.
//   - RTT measures; TokenBucket paces.
package reliability
