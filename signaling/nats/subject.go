package nats

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gogns/gns/crypto"
)

// DefaultPrefix is what all subjects begin with, unless options say otherwise.
const DefaultPrefix = "gns"

// Token returns the token of subjects that stands for an identity: its text, in which all but letters, digits, and
// - _ : of ASCII is replaced by = and two hexadecimal digits in upper case, byte by byte. Different identities have different
// tokens.
func Token(id crypto.Identity) (string, error) {
	if err := id.Err(); err != nil {
		return "", err
	}
	text := id.String()
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; isPlain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String(), nil
}

// ParseToken returns the identity that a token stands for.
func ParseToken(token string) (crypto.Identity, error) {
	if len(token) > 3*crypto.MaxIdentityText {
		return crypto.Identity{}, fmt.Errorf("token of %d bytes", len(token))
	}
	text := make([]byte, 0, len(token))
	for i := 0; i < len(token); i++ {
		c := token[i]
		switch {
		case isPlain(c):
		case c == '=' && i+2 < len(token):
			high, low := strings.IndexByte(hexDigits, token[i+1]), strings.IndexByte(hexDigits, token[i+2])
			if high < 0 || low < 0 {
				return crypto.Identity{}, errEscape
			}
			c = byte(high<<4 | low)
			i += 2
		default:
			return crypto.Identity{}, errEscape
		}
		text = append(text, c)
	}
	id, err := crypto.ParseIdentity(string(text))
	if err != nil {
		return crypto.Identity{}, err
	}
	if again, err := Token(id); err != nil || again != token {
		return crypto.Identity{}, fmt.Errorf("token %q is not how %v is written", token, id)
	}
	return id, nil
}

const hexDigits = "0123456789ABCDEF"

var errEscape = errors.New("token with a character that should be escaped, or a wrong escape")

func isPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_:", c) >= 0
}

// subjects are the subjects of a prefix. What they are made of are tokens.
type subjects string

func makeSubjects(prefix string) (subjects, error) {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	for token := range strings.SplitSeq(prefix, ".") {
		if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r >= 0x80 || !isPlain(byte(r)) }) {
			return "", fmt.Errorf("prefix %q does not consist of words with letters, digits, - _ : and dots between them", prefix)
		}
	}
	if len(prefix) > maxPrefix {
		return "", fmt.Errorf("prefix of %d bytes; the limit is %d", len(prefix), maxPrefix)
	}
	return subjects(prefix), nil
}

// maxPrefix leaves room for the rest of a subject in a line of the protocol, of 4096 bytes.
const maxPrefix = 128

// signal is the subject of signals, absent that of the answer that nobody receives them. Either token may be *.
func (s subjects) signal(to, from string) string { return string(s) + ".signal." + to + "." + from }
func (s subjects) absent(from, to string) string { return string(s) + ".absent." + from + "." + to }

// last parses the last token of a subject.
func last(subject string) (crypto.Identity, error) {
	return ParseToken(subject[strings.LastIndexByte(subject, '.')+1:])
}
