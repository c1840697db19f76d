//go:build race

package pki_test

const raceEnabled = true
