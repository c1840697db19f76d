package main

import (
	"math"
	"slices"
	"time"
)

// Percentiles summarize durations, in milliseconds.
type Percentiles struct {
	Min  float64 `json:"min"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// percentiles sorts the durations and summarizes them. Without any, all is 0.
func percentiles(d []time.Duration) Percentiles {
	if len(d) == 0 {
		return Percentiles{}
	}
	slices.Sort(d)
	var sum time.Duration
	for _, v := range d {
		sum += v
	}
	return Percentiles{
		Min:  millis(d[0]),
		Mean: millis(sum / time.Duration(len(d))),
		P50:  millis(percentile(d, 50)),
		P90:  millis(percentile(d, 90)),
		P99:  millis(percentile(d, 99)),
		P999: millis(percentile(d, 99.9)),
		Max:  millis(d[len(d)-1]),
	}
}

// percentile returns the smallest of the sorted values that at least p percent do not exceed (the
// nearest rank).
func percentile(sorted []time.Duration, p float64) time.Duration {
	// The product is rounded first, because 99.9 % of 1000 must not be a hair above 999.
	rank := math.Ceil(math.Round(p*float64(len(sorted))*1e6) / 1e8)
	return sorted[min(max(int(rank), 1), len(sorted))-1]
}

// millis returns d in milliseconds, to a microsecond.
func millis(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
