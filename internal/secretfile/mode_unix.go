//go:build unix

package secretfile

// othersMay are the permissions that nobody but the owner may have.
const othersMay = 0o077
