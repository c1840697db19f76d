package certfile

import (
	"bytes"
	"fmt"
	"strings"
)

// maxRevocations is the size in characters to which lists of revoked keys are read, enough for a few
// hundred thousand.
const maxRevocations = 16 << 20

// Revocation names a key that is not to be trusted any more.
type Revocation struct {
	KeyID   uint64 // see crypto.KeyID
	Comment string
}

// ParseRevocations reads a list of revoked keys: a key id per line in decimal, with or without "ID"
// before it, and the rest of the line a comment. Lines that begin with '#' and empty ones are ignored. A
// line that is anything else is an error, so that no revocation is lost in silence.
func ParseRevocations(text []byte) ([]Revocation, error) {
	if len(text) > maxRevocations {
		return nil, fmt.Errorf("revocation list of %d characters, more than %d", len(text), maxRevocations)
	}
	var list []Revocation
	number := 0
	for raw := range bytes.Lines(trimBOM(text)) {
		number++
		line := bytes.Trim(raw, space)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		end := bytes.IndexAny(line, space)
		if end < 0 {
			end = len(line)
		}
		id, err := ParseKeyID(string(line[:end]))
		if err != nil {
			return nil, fmt.Errorf("line %d of the revocation list does not start with a key id", number)
		}
		comment := strings.TrimLeft(cleanComment(string(line[end:])), "# ")
		list = append(list, Revocation{KeyID: id, Comment: comment})
	}
	return list, nil
}

// FormatRevocations writes a list of revoked keys, one per line, with LF.
func FormatRevocations(list []Revocation) []byte {
	var text []byte
	for _, r := range list {
		line := KeyIDText(r.KeyID)
		if comment := cleanComment(r.Comment); comment != "" {
			line += " " + comment
		}
		text = append(text, line+"\n"...)
	}
	return text
}

// trimBOM removes the mark that some editors put before text.
func trimBOM(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) }
