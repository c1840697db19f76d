package reliability

import (
	"time"

	"github.com/gogns/gns/internal/mono"
)

const (
	// IdleBurst is how many bytes an idle sender may send at once before pacing sets in, on top of
	// the packet that uses up the last token. It is Valve's value: one full packet.
	IdleBurst = 1248

	// A sender that had something to send, but was woken late, may make up for up to lateMax of its rate if
	// that is at most lateBytes; for lateMin in any case. (Valve's catches up without limit.)
	lateMin   = 1500 * time.Microsecond
	lateMax   = 100 * time.Millisecond
	lateBytes = 64 << 10
)

// TokenBucket limits the send rate in bytes of UDP payload. A packet may go while the balance is not
// negative and is charged in full afterwards, so the balance may become negative by one packet, and
// by any number of packets that do not ask (acks).
//
// The balance is kept as the instant at which it is zero: positive before now, negative after.
type TokenBucket struct {
	rate int64 // bytes per second
	zero mono.Time
}

// Reset fills the bucket at now and sets the rate in bytes per second, at least 1.
func (b *TokenBucket) Reset(now mono.Time, rate int) {
	b.rate = max(int64(rate), 1)
	b.zero = now - mono.Time(b.cost(IdleBurst))
}

// Rate returns the rate in bytes per second.
func (b *TokenBucket) Rate() int { return int(b.rate) }

// SetRate changes the rate in bytes per second; the balance in bytes stays.
func (b *TokenBucket) SetRate(now mono.Time, rate int) {
	balance := b.Balance(now)
	b.rate = max(int64(rate), 1)
	b.zero = now - mono.Time(b.cost(balance))
}

// Accrue caps the balance at now: at IdleBurst if the sender had nothing to send until now, else at what it
// may make up for having been woken late.
func (b *TokenBucket) Accrue(now mono.Time, busy bool) {
	limit := b.cost(IdleBurst)
	if busy {
		limit = max(limit, lateMin, min(lateMax, b.cost(lateBytes)))
	}
	b.zero = max(b.zero, now-mono.Time(limit))
}

// Balance returns the tokens at now, in bytes.
func (b *TokenBucket) Balance(now mono.Time) int64 {
	d := now.Sub(b.zero)
	// Split so that neither product overflows.
	return int64(d/time.Second)*b.rate + int64(d%time.Second)*b.rate/int64(time.Second)
}

// Ready reports whether a packet may be sent at now.
func (b *TokenBucket) Ready(now mono.Time) bool { return now >= b.zero }

// Next returns when the next packet may be sent; an instant in the past means at once.
func (b *TokenBucket) Next() mono.Time { return b.zero }

// Charge takes the bytes of a packet that was sent.
func (b *TokenBucket) Charge(bytes int) {
	b.zero += mono.Time(b.cost(int64(bytes)))
}

// cost is the time in which bytes accrue.
func (b *TokenBucket) cost(bytes int64) time.Duration {
	return time.Duration(bytes/b.rate)*time.Second + time.Duration(bytes%b.rate)*time.Second/time.Duration(b.rate)
}
