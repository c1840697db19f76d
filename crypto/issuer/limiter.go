package issuer

import (
	"sync"
	"time"
)

// Rate limits how often something may be done with one token.
type Rate struct {
	Burst int           // how often at once; 0 means 10, a negative number no limit
	Every time.Duration // how long it takes to regain one; 0 means 10 seconds
}

func (r Rate) withDefaults() Rate {
	if r.Burst == 0 {
		r.Burst = 10
	}
	if r.Every <= 0 {
		r.Every = 10 * time.Second
	}
	return r
}

// limiter has a token bucket for every token of the policy that was used; unknown tokens never get one.
type limiter struct {
	rate Rate

	mu   sync.Mutex
	next map[TokenHash]time.Time // when the bucket is full again; absent: it is
}

func newLimiter(r Rate) *limiter {
	return &limiter{rate: r.withDefaults(), next: make(map[TokenHash]time.Time)}
}

// take uses up one and returns 0, or returns how long to wait for one.
func (l *limiter) take(token TokenHash, now time.Time) time.Duration {
	if l.rate.Burst < 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	capacity := time.Duration(l.rate.Burst) * l.rate.Every
	full := l.next[token]
	if full.Before(now) || full.Sub(now) > capacity { // the latter if the clock was set back
		full = now
	}
	full = full.Add(l.rate.Every)
	if wait := full.Sub(now) - capacity; wait > 0 {
		return wait
	}
	l.next[token] = full
	return 0
}
