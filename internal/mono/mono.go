// Package mono has the one notion of time that the pure parts of this module use: an instant on a
// monotonic clock, eight bytes, compared with plain operators.
//
// Nothing in this package reads a clock. The driver (package gns) makes instants from the system's
// monotonic clock; tests make them from nothing.
package mono

import (
	"math"
	"time"
)

// Time is an instant in nanoseconds since an origin that the driver chose. The zero Time means "not
// set" and is never a real instant: drivers start their clock well above it, so that subtracting a
// timeout from an early instant stays positive.
type Time int64

// Never is later than every real instant; a Deadline of Never means "nothing to wait for".
const Never Time = math.MaxInt64

// Add returns t+d. Never stays Never.
func (t Time) Add(d time.Duration) Time {
	if t == Never {
		return Never
	}
	return t + Time(d)
}

// Sub returns the duration t-u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// IsSet reports whether t is an instant (possibly Never) rather than the zero value.
func (t Time) IsSet() bool { return t != 0 }

// Microseconds returns t in whole microseconds, the unit of every time on the wire.
func (t Time) Microseconds() int64 { return int64(t) / int64(time.Microsecond) }

// Min returns the earlier of two instants.
func Min(a, b Time) Time {
	if a < b {
		return a
	}
	return b
}
