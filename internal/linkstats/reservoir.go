package linkstats

import (
	"math"
	"math/bits"
	"slices"
)

// reservoirSize bounds how many samples percentiles are computed from.
const reservoirSize = 1000

// reservoir is a uniform random sample of everything added to it. Samples are of few different values most of
// the time, so what it keeps is how many there are of each.
type reservoir struct {
	values []counted // ascending
	n      uint16    // samples
	seen   uint32    // what was added; it stops counting at the end of its range
}

// counted is a value and how often it is in a sample.
type counted struct{ value, count uint16 }

// add takes a value, which counts as the nearest one from 0 to 65535.
func (r *reservoir) add(v int32, d *dice) {
	if r.seen < math.MaxUint32 {
		r.seen++
	}
	if r.n == reservoirSize {
		i := d.below(r.seen)
		if i >= reservoirSize {
			return
		}
		r.remove(uint16(i))
	}
	r.n++
	value := uint16(max(min(v, math.MaxUint16), 0))
	i, found := slices.BinarySearchFunc(r.values, value, func(c counted, v uint16) int { return int(c.value) - int(v) })
	if !found {
		r.values = slices.Insert(r.values, i, counted{value: value})
	}
	r.values[i].count++
}

// remove takes out the sample at a place in the order of their values.
func (r *reservoir) remove(place uint16) {
	r.n--
	for i := range r.values {
		c := &r.values[i]
		if place >= c.count {
			place -= c.count
			continue
		}
		if c.count--; c.count == 0 {
			r.values = slices.Delete(r.values, i, i+1)
		}
		return
	}
}

// sorted returns the samples in ascending order.
func (r *reservoir) sorted() []int32 {
	s := make([]int32, 0, r.n)
	for _, c := range r.values {
		for range c.count {
			s = append(s, int32(c.value))
		}
	}
	return s
}

// dice is a random number generator (SplitMix64) of eight bytes. Its value is its seed.
type dice uint64

// below returns a random number from 0 to n-1.
func (d *dice) below(n uint32) uint32 {
	*d += 0x9e3779b97f4a7c15
	x := uint64(*d)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	hi, _ := bits.Mul64(x^x>>31, uint64(n))
	return uint32(hi)
}

// percentile returns the p-quantile (0…1) of sorted samples by linear interpolation, truncated, or -1
// with fewer than minSamples samples.
func percentile(sorted []int32, p float64, minSamples int) int32 {
	n := len(sorted)
	if n == 0 || n < minSamples {
		return -1
	}
	x := p * float64(n-1)
	i := int(x)
	if i+1 >= n {
		return sorted[n-1]
	}
	frac := x - float64(i)
	return int32(float64(sorted[i])*(1-frac) + float64(sorted[i+1])*frac)
}
