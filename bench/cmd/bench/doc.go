// Bench measures the workloads of "snpcat bench" with every combination of this module's library and
// Valve's as client and server, and with quic-go and bare UDP for comparison. It needs a snpcat (-snpcat),
// and GNS_LIBRARY naming Valve's library; pairs whose part is missing are left out, and it says so.
//
//	go build -o bin/snpcat ./cmd/snpcat && cd bench
//	go run ./cmd/bench -snpcat ../bin/snpcat -runs 5 -o results.jsonl
//	go run ./cmd/bench -render results.jsonl -md results.md -svg results.svg
//
// Client and server are processes of their own. The pairs of a workload run one after the other, and all
// workloads once before the next repetition, so that a busy moment of the machine concerns all pairs
// alike: ratios within a repetition are worth more than figures. Every message's content is checked.
//
// A library with a fixed send rate gets, where Valve's takes part, the rate at which that one does best;
// -rate changes it. This module's library alone gets the largest there is.
//
// The tables have medians, ranges in parentheses, and in brackets the median of the ratios to Valve's
// library in the same repetition.
package main
