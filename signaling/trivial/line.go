package trivial

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
)

// maxLine is the length of the longest line that is read, without its end.
const maxLine = crypto.MaxIdentityText + 1 + 2*p2p.MaxSignal

// What can be wrong with a line.
var (
	errNoSpace  = errors.New("line without a space")
	errNoName   = errors.New("line without an identity")
	errTooLong  = errors.New("line too long")
	errTooLarge = fmt.Errorf("signal of more than %d bytes", p2p.MaxSignal)
)

// checkName tells whether the text of an identity can be part of a line, and comes out as it went in, whichever
// server is on the way: Valve's trims all that Unicode calls space, and leaves out what is no UTF-8.
func checkName(text string) error {
	switch {
	case text == "":
		return errNoName
	case len(text) > crypto.MaxIdentityText:
		return fmt.Errorf("identity of %d bytes; the limit is %d", len(text), crypto.MaxIdentityText)
	case !utf8.ValidString(text):
		return fmt.Errorf("identity %q is not UTF-8", text)
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return fmt.Errorf("identity %q has a space or a control character, which the protocol cannot express", text)
	}
	return nil
}

// formatLine makes the line of a signal.
func formatLine(to string, signal []byte) []byte {
	line := make([]byte, 0, len(to)+1+hex.EncodedLen(len(signal))+1)
	line = append(append(line, to...), ' ')
	return append(hex.AppendEncode(line, signal), '\n')
}

// splitLine separates the identity and the rest of a line.
func splitLine(line []byte) (name string, payload []byte, err error) {
	before, payload, found := bytes.Cut(line, []byte{' '})
	if !found {
		return "", nil, errNoSpace
	}
	if before = bytes.TrimSpace(before); len(before) == 0 {
		return "", nil, errNoName
	}
	return string(before), payload, nil
}

// parseLine reads a line of the server: a signal and who sent it, the zero Identity if that is none.
func parseLine(line []byte) (from crypto.Identity, signal []byte, err error) {
	name, payload, err := splitLine(line)
	if err != nil {
		return crypto.Identity{}, nil, err
	}
	payload = bytes.TrimSpace(payload)
	if len(payload) > 2*p2p.MaxSignal {
		return crypto.Identity{}, nil, errTooLarge
	}
	signal, err = hex.AppendDecode(nil, payload)
	if err != nil {
		return crypto.Identity{}, nil, err
	}
	from, err = crypto.ParseIdentity(name)
	if err != nil {
		from = crypto.Identity{} // whoever it is: what counts is in the signal
	}
	return from, signal, nil
}

// lineReader reads lines of a bounded length. Only for the time of a long line does it need much memory.
type lineReader struct {
	r     *bufio.Reader
	limit int
}

// next returns a line without its end, valid until the next call. errTooLong is for one line, which
// has been skipped; other errors are final. What comes after the last end of line is not returned.
func (l *lineReader) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.long(line)
	}
	if err != nil {
		return nil, err
	}
	line = line[:len(line)-1]
	if len(line) > l.limit {
		return nil, errTooLong
	}
	return line, nil
}

// long goes on reading a line that does not fit the buffer.
func (l *lineReader) long(start []byte) ([]byte, error) {
	line := bytes.Clone(start)
	for {
		part, err := l.r.ReadSlice('\n')
		if len(line) <= l.limit {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, err
		case len(line) > l.limit+1:
			return nil, errTooLong
		}
		return line, nil
	}
}
