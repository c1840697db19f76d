package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func milliseconds(from, to int) []time.Duration {
	var d []time.Duration
	for i := to; i >= from; i-- { // backwards: percentiles has to sort
		d = append(d, time.Duration(i)*time.Millisecond)
	}
	return d
}

func TestPercentilesAreNearestRanks(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		in   []time.Duration
		want Percentiles
	}{
		{"none", nil, Percentiles{}},
		{"one", milliseconds(7, 7), Percentiles{7, 7, 7, 7, 7, 7, 7}},
		{"two", milliseconds(1, 2), Percentiles{1, 1.5, 1, 2, 2, 2, 2}},
		{"hundred", milliseconds(1, 100), Percentiles{1, 50.5, 50, 90, 99, 100, 100}},
		{"thousand", milliseconds(1, 1000), Percentiles{1, 500.5, 500, 900, 990, 999, 1000}},
		{"thousand and one", milliseconds(0, 1000), Percentiles{0, 500, 500, 900, 990, 999, 1000}},
		{"microseconds", []time.Duration{1234567}, Percentiles{1.235, 1.235, 1.235, 1.235, 1.235, 1.235, 1.235}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.want, percentiles(row.in))
		})
	}
}
