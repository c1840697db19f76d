//go:build !race

package gns_test

const raceEnabled = false
