package certfile

import (
	"bytes"
	"errors"
	"fmt"
)

// The types of armored blocks.
const (
	typePrivateKey  = "OPENSSH PRIVATE KEY"
	typeCertificate = "STEAMDATAGRAM CERT"
	typeRequest     = "STEAMDATAGRAM REQUEST"
)

// space is what C calls white space.
const space = " \t\n\v\f\r"

// block is an armored piece of text.
type block struct {
	header, footer string // the type, as after BEGIN and END
	body           []byte
	rest           []byte // of the text, after the block
}

// is reports whether the block is of a type. As in Valve's reader, type names are compared as prefixes
// and in any case.
func (b *block) is(name string) bool {
	return hasPrefixFold(b.header, name) && hasPrefixFold(b.footer, name)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && bytes.EqualFold([]byte(s[:len(prefix)]), []byte(prefix))
}

// nextBlock reads the block at the start of a text, white space aside: at least one dash on each side of
// BEGIN and END with the type, and between them a body without dashes. Line breaks are optional.
func nextBlock(text []byte) (*block, error) {
	b := &block{rest: bytes.TrimLeft(text, space)}
	var err error
	if b.header, err = b.boundary("BEGIN"); err != nil {
		return nil, err
	}
	end := bytes.IndexByte(b.rest, '-')
	if end < 0 {
		return nil, errors.New("armored text has no END line")
	}
	b.body, b.rest = b.rest[:end], b.rest[end:]
	if b.footer, err = b.boundary("END"); err != nil {
		return nil, err
	}
	return b, nil
}

// boundary takes a line such as "-----BEGIN type-----" from the rest and returns the type.
func (b *block) boundary(word string) (name string, err error) {
	const blanks = " \t"
	line, dashes := cutDashes(b.rest)
	if dashes == 0 {
		return "", fmt.Errorf("armored text does not start with -----%s", word)
	}
	line = bytes.TrimLeft(line, blanks)
	if !hasPrefixFold(string(line[:min(len(line), len(word))]), word) {
		return "", fmt.Errorf("armored text has no %s after the dashes", word)
	}
	line = line[len(word):]
	end := bytes.IndexAny(line, "-\r\n")
	if end < 0 || line[end] != '-' {
		return "", fmt.Errorf("%s line of armored text does not end in dashes", word)
	}
	name = string(bytes.Trim(line[:end], blanks))
	b.rest, _ = cutDashes(line[end:])
	return name, nil
}

// cutDashes returns the text after the dashes at its start, and how many they are.
func cutDashes(text []byte) (rest []byte, count int) {
	rest = bytes.TrimLeft(text, "-")
	return rest, len(text) - len(rest)
}

// onlyBlock reads a text that starts with a block of a type. What follows the block is ignored.
func onlyBlock(text []byte, name string) (*block, error) {
	b, err := nextBlock(text)
	if err != nil {
		return nil, err
	}
	if !b.is(name) {
		return nil, fmt.Errorf("armored text is of type %q to %q, not %q", clip(b.header), clip(b.footer), name)
	}
	return b, nil
}

// appendBlock appends data as armored text with lines of at most width characters that end in LF.
func appendBlock(dst []byte, name string, data []byte, width int) []byte {
	dst = append(dst, "-----BEGIN "+name+"-----\n"...)
	dst = appendBase64(dst, data, width)
	return append(dst, "-----END "+name+"-----\n"...)
}
