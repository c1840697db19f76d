package nats

import (
	"time"

	"github.com/gogns/gns/crypto"
)

// maxSenders is how many senders a limiter knows at a time. Those that have sent little lately are forgotten.
const maxSenders = 4096

// limiter has a token bucket for every sender. It is not safe for concurrent use.
type limiter struct {
	every time.Duration // how long it takes to regain one
	burst int
	full  map[crypto.Identity]time.Time // when the bucket is full again; absent: it is
}

func newLimiter(rate float64, burst int) *limiter {
	return &limiter{time.Duration(float64(time.Second) / rate), burst, make(map[crypto.Identity]time.Time)}
}

// take uses up one, if there is one.
func (l *limiter) take(from crypto.Identity, now time.Time) bool {
	capacity := time.Duration(l.burst) * l.every
	full, known := l.full[from]
	if full.Before(now) {
		full = now
	}
	full = full.Add(l.every)
	if full.Sub(now) > capacity || !known && !l.room(now) {
		return false
	}
	l.full[from] = full
	return true
}

// room makes room for one more sender, if it can.
func (l *limiter) room(now time.Time) bool {
	if len(l.full) < maxSenders {
		return true
	}
	for from, full := range l.full {
		if !full.After(now) {
			delete(l.full, from)
		}
	}
	return len(l.full) < maxSenders
}
