//go:build !unix

package main

// usage knows nothing: this system has no getrusage.
func usage() benchUsage { return benchUsage{} }
