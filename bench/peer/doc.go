// Package peer is what the programs that are measured have in common: the command line, the messages, the
// figures. The programs for this module's library are "snpcat bench -serve" and "snpcat bench -connect";
// those of this package speak to them, which is why its messages and lines of JSON are the same. It
// shares no code with them, so that each checks the other.
//
// A program is a server or a client. A server prints {"listening":"ADDR:PORT"} when clients may come and
// its result when the run is over; a client prints its result. Everything else goes to standard error.
//
// Messages begin with a sequence number, counted from 0 per connection, and go on with words that follow
// from it; all words are 64 bits, little endian. Sequence number 2^64-1 ends the run: its next word is the
// number of messages before. In the fan-out workloads, word 1 is when the message was due, on the client's
// clock, and word 2 is 1 where the message counts.
package peer
