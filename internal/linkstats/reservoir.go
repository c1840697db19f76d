package linkstats

import (
	"math/rand/v2"
	"slices"
)

// reservoirSize bounds how many samples percentiles are computed from.
const reservoirSize = 1000

// reservoir is a uniform random sample of everything added to it.
type reservoir struct {
	rand    *rand.Rand
	samples []int32
	seen    int
}

func (r *reservoir) add(v int32) {
	r.seen++
	if len(r.samples) < reservoirSize {
		r.samples = append(r.samples, v)
		return
	}
	if i := r.rand.IntN(r.seen); i < reservoirSize {
		r.samples[i] = v
	}
}

// sorted returns the samples in ascending order.
func (r *reservoir) sorted() []int32 {
	s := slices.Clone(r.samples)
	slices.Sort(s)
	return s
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
