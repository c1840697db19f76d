//go:build !unix

package measure

// processUsage knows nothing: this system has no getrusage.
func processUsage() usage { return usage{} }
