package udpwire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"net/netip"

	"github.com/gogns/gns/internal/mono"
)

// challengeTickShift makes a challenge's tick out of microseconds: 2^20 µs, a little over a second.
const challengeTickShift = 20

// challengeMaxAge is how many ticks a challenge stays good: 3.1 to 4.2 seconds. Valve's servers use the
// same window, so clients behave alike against both.
const challengeMaxAge = 3

// Challenger makes and checks the 64-bit challenges with which a server verifies a client's address
// before it keeps any state for it. A challenge is bound to source address, port and time; the client
// only echoes it, so its construction is private to the server.
//
// A Challenger is not safe for concurrent use.
type Challenger struct {
	mac hash.Hash
	sum [sha256.Size]byte
	in  [20]byte
}

// NewChallenger returns a Challenger with the given secret, which should be 16 or more random bytes.
func NewChallenger(secret []byte) *Challenger {
	return &Challenger{mac: hmac.New(sha256.New, secret)}
}

// Challenge returns the challenge for a client at addr. It is never zero for long: the low 16 bits are
// the tick, the upper 48 a keyed hash.
func (c *Challenger) Challenge(now mono.Time, addr netip.AddrPort) uint64 {
	return c.at(tick(now), addr)
}

// Check reports whether challenge was made for addr by this Challenger at most about four seconds
// before now.
func (c *Challenger) Check(now mono.Time, addr netip.AddrPort, challenge uint64) bool {
	then := uint16(challenge)
	if tick(now)-then > challengeMaxAge {
		return false
	}
	want := c.at(then, addr)
	var a, b [8]byte
	binary.LittleEndian.PutUint64(a[:], want)
	binary.LittleEndian.PutUint64(b[:], challenge)
	return hmac.Equal(a[:], b[:])
}

func tick(now mono.Time) uint16 { return uint16(now.Microseconds() >> challengeTickShift) }

func (c *Challenger) at(tick uint16, addr netip.AddrPort) uint64 {
	binary.LittleEndian.PutUint16(c.in[0:], tick)
	binary.LittleEndian.PutUint16(c.in[2:], addr.Port())
	a16 := addr.Addr().As16()
	copy(c.in[4:], a16[:])
	c.mac.Reset()
	c.mac.Write(c.in[:])
	sum := c.mac.Sum(c.sum[:0])
	return binary.LittleEndian.Uint64(sum)&^0xffff | uint64(tick)
}
