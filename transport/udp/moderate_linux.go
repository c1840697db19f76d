package udp

import (
	"encoding/binary"
	"math/bits"
	"time"
)

// moderator decides whether a socket is better looked at from time to time than waited for, as network drivers
// do with interrupts ("NAPI"). To wake a goroutine takes several times as long as to receive a datagram; where many
// peers send a little each, every datagram would do so. A few peers are never kept waiting: a
// ping-pong has as many datagrams per second, and for them it is the delay that counts.
type moderator struct {
	on bool

	since     time.Time // beginning of the current period
	reads     int       // in the period
	datagrams int
	peers     [4]uint64 // a bit for each peer, by hash
}

// Moderation.
const (
	// lookEvery is how long a socket that is not waited for is left alone. The runtime rounds it up to about a
	// millisecond when nothing else is to be done.
	lookEvery = 500 * time.Microsecond
	// moderationPeriod is how long is watched before anything is decided.
	moderationPeriod = 10 * time.Millisecond
	// manyReads, per second, would be more wake-ups than looking all the time makes.
	manyReads = 2000
	// fewDatagrams, per second, are better waited for.
	fewDatagrams = 1000
	// lookedAt is how many datagrams of a read are looked at; where there are more, there are enough.
	lookedAt = 32
	// manyPeers and fewPeers are how many send in a period.
	manyPeers, fewPeers = 16, 8
)

// note takes what a read at now has returned, perhaps nothing, and sets on.
func (m *moderator) note(now time.Time, read []Datagram) {
	if m.since.IsZero() {
		m.since = now
	}
	if len(read) > 0 {
		m.reads++
		m.datagrams += len(read)
	}
	for i := range min(len(read), lookedAt) {
		h := peerHash(read[i])
		m.peers[h>>6] |= 1 << (h & 63)
	}
	elapsed := now.Sub(m.since)
	if elapsed < moderationPeriod {
		return
	}
	seconds := elapsed.Seconds()
	peers := 0
	for _, word := range m.peers {
		peers += bits.OnesCount64(word)
	}
	if m.on {
		m.on = peers >= fewPeers && float64(m.datagrams) >= fewDatagrams*seconds
	} else {
		m.on = peers >= manyPeers && float64(m.reads) >= manyReads*seconds
	}
	*m = moderator{on: m.on, since: now}
}

// peerHash returns a byte that depends on the peer: its address, and the connection ID that a data packet begins
// with, because connections may share sockets.
func peerHash(d Datagram) uint8 {
	ip := d.Addr.Addr().As16()
	h := binary.LittleEndian.Uint64(ip[8:]) ^ uint64(d.Addr.Port())<<16
	if len(d.Data) >= 5 {
		h ^= uint64(binary.LittleEndian.Uint32(d.Data[1:])) << 32
	}
	return uint8(h * 0x9E3779B97F4A7C15 >> 56)
}
