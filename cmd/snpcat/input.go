package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/gogns/gns"
)

// source yields the messages that standard input is made of.
type source interface {
	// next returns the next message, which is valid until the call after. It returns io.EOF at the end,
	// and a *lineError for a line that makes no message, after which reading can go on.
	next() ([]byte, error)
}

// lineError is a line of input that cannot be sent.
type lineError struct {
	line int // from 1
	err  error
}

func (e *lineError) Error() string {
	return fmt.Sprintf("standard input, line %d: %v", e.line, e.err)
}

func (e *lineError) Unwrap() error { return e.err }

// errLineTooLong is what lineReader reports of lines over its limit.
var errLineTooLong = errors.New("line too long")

// lineReader reads lines of limited length, without the LF or CR LF that ends them.
type lineReader struct {
	r     *bufio.Reader
	limit int
	count int    // lines so far
	buf   []byte // of a line that is longer than r's buffer
}

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), limit: limit}
}

// line returns the next line, valid until the next call. Of a line that is too long it returns
// errLineTooLong and skips the rest.
func (l *lineReader) line() ([]byte, error) {
	l.count++
	l.buf = l.buf[:0]
	tooLong := false
	for {
		part, err := l.r.ReadSlice('\n')
		if err == nil && len(l.buf) == 0 && !tooLong {
			return l.checked(part) // the usual case: no copy
		}
		if len(l.buf)+len(part) > l.limit+len("\r\n") {
			tooLong = true
			l.buf = l.buf[:0]
		}
		if !tooLong {
			l.buf = append(l.buf, part...)
		}
		switch {
		case err == nil, err == io.EOF && (tooLong || len(l.buf) > 0):
			if tooLong {
				return nil, errLineTooLong
			}
			return l.checked(l.buf)
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

func (l *lineReader) checked(line []byte) ([]byte, error) {
	if end := len(line) - 1; end >= 0 && line[end] == '\n' {
		line = bytes.TrimSuffix(line[:end], []byte("\r"))
	}
	if len(line) > l.limit {
		return nil, errLineTooLong
	}
	return line, nil
}

// lineSource makes each line a message.
type lineSource struct{ lines *lineReader }

func newLineSource(r io.Reader, limit int) *lineSource { return &lineSource{newLineReader(r, limit)} }

func (s *lineSource) next() ([]byte, error) {
	line, err := s.lines.line()
	if errors.Is(err, errLineTooLong) {
		err = &lineError{s.lines.count, fmt.Errorf("longer than %d bytes, the most that a message can have", s.lines.limit)}
	}
	return line, err
}

// hexSource makes each line, which is in hex, a message. Blanks between pairs of digits are ignored.
type hexSource struct {
	lines *lineReader
	limit int
	buf   []byte
}

func newHexSource(r io.Reader, limit int) *hexSource {
	return &hexSource{lines: newLineReader(r, 3*limit), limit: limit} // "xx " for each byte
}

func (s *hexSource) next() ([]byte, error) {
	line, err := s.lines.line()
	if err == nil {
		s.buf, err = hex.AppendDecode(s.buf[:0], removeBlanks(line))
		if err != nil {
			return nil, &lineError{s.lines.count, errors.New("not pairs of hexadecimal digits")}
		}
		if len(s.buf) <= s.limit {
			return s.buf, nil
		}
		err = errLineTooLong
	}
	if errors.Is(err, errLineTooLong) {
		err = &lineError{s.lines.count, fmt.Errorf("more than %d bytes, the most that a message can have", s.limit)}
	}
	return nil, err
}

// removeBlanks removes spaces and tabs in place.
func removeBlanks(b []byte) []byte {
	out := b[:0]
	for _, c := range b {
		if c != ' ' && c != '\t' {
			out = append(out, c)
		}
	}
	return out
}

// chunkSource makes a message of whatever is there to be read, up to a size.
type chunkSource struct {
	r   io.Reader
	buf []byte
}

func newChunkSource(r io.Reader, size int) *chunkSource {
	return &chunkSource{r, make([]byte, size)}
}

func (s *chunkSource) next() ([]byte, error) {
	for range 100 {
		n, err := s.r.Read(s.buf)
		if n > 0 {
			return s.buf[:n], nil // an error comes again with the next call
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, io.ErrNoProgress
}

// Sizes of messages in -raw mode.
const (
	// rawChunk is large enough to make the costs per message small, and a small part of the buffers of
	// both sides, so that sending and receiving overlap.
	rawChunk = 64 << 10
	// rawDatagram fits one packet together with acks and statistics, so that one lost packet costs one
	// message.
	rawDatagram = 1100
)

// newSource returns the source that the options ask for. limit is the largest message that can be
// sent, and packet the largest that fits one packet.
func newSource(o *options, r io.Reader, limit, packet int) source {
	limit = min(limit, gns.MaxMessageSize)
	switch {
	case o.raw && o.unreliable:
		return newChunkSource(r, min(rawDatagram, packet, limit))
	case o.raw:
		return newChunkSource(r, min(rawChunk, limit))
	case o.hex:
		return newHexSource(r, limit)
	}
	return newLineSource(r, limit)
}
