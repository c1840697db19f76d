package issuer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is how many bytes of an error's text are sent and read. Valve's status texts have 256, and
// something precedes it there.
const maxText = 180

// oneLine makes a text fit for one line of a status, whoever wrote it.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		default:
			return r
		}
	}, text)
	return shorten(strings.TrimSpace(text))
}

// shorten cuts a text between two characters.
func shorten(text string) string {
	if len(text) <= maxText {
		return text
	}
	cut := maxText - len("...")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}
