// Package dice draws what random tests need. The same seed draws the same.
package dice

import (
	"math"
	"math/rand/v2"
	"time"
)

// Dice is a source of random numbers. It is not safe for concurrent use.
type Dice struct{ *rand.Rand }

// New returns the dice of a seed. Streams keep purposes apart that have the same seed.
func New(seed, stream uint64) Dice { return Dice{rand.New(rand.NewPCG(seed, stream))} }

// Odds is true with probability p.
func (d Dice) Odds(p float64) bool { return d.Float64() < p }

// Between returns a number from low to high, each order of magnitude alike.
func (d Dice) Between(low, high float64) float64 {
	return low * math.Pow(high/low, d.Float64())
}

// Duration returns a duration from low to high, each order of magnitude alike.
func (d Dice) Duration(low, high time.Duration) time.Duration {
	return time.Duration(d.Between(float64(low), float64(high)))
}
