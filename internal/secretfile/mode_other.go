//go:build !unix

package secretfile

// othersMay: permissions of files are no secret's business here.
const othersMay = 0
