// Package impair models what a bad network does to packets: limited bandwidth, loss, latency, jitter,
// reordering, duplication. It is the model behind Valve's FakePacket* and FakeRateLimit* configuration
// values and behind the simulated network of the tests.
//
// A Link decides the fate of each packet of one direction; a Queue keeps the delayed ones until they are
// due. Both are pure: time is a parameter, and all randomness comes from a seed.
//
// # Order of effects
//
// Rate limit, loss, then the delay: lag, plus jitter, then raised so that jitter does not overtake
// earlier packets, plus the delay of reordering, which does let others overtake. A duplicate follows the
// packet it copies. This is the order of Valve's library.
//
// # Differences from Valve's library
//
// The bucket of Valve's rate limiter begins with 2 GiB of credit, so that a limit takes effect only after
// so many bytes; here it begins with one burst. Valve's limiter with a burst of 0 lets nothing through
// once it is empty; here it keeps the average rate, one packet at a time. Each packet costs the same
// number of random numbers whatever the settings, so a run with the same seed loses the same packets
// after, say, the lag was changed.
package impair
