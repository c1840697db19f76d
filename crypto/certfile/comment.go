package certfile

import (
	"strings"
	"unicode"
)

// maxComment is the length in bytes to which comments are cut.
const maxComment = 1024

// cleanComment makes text fit to stand at the end of a line, and to be shown on a terminal: no control
// characters, no blanks around it, not too long.
func cleanComment(s string) string {
	if len(s) > maxComment {
		s = s[:maxComment]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, " "))
	return strings.TrimSpace(s)
}

// clip shortens what is quoted in an error.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
