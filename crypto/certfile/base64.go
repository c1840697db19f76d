package certfile

import (
	"encoding/base64"
	"fmt"
)

// decodeBase64 decodes standard base64 up to the first '=' or NUL. Padding is optional. Characters that
// do not belong are skipped if lenient, else only white space is; a strict decoder also refuses what a
// single left-over character cannot say. On an error nothing of the content remains in memory.
func decodeBase64(text []byte, lenient bool) ([]byte, error) {
	out := make([]byte, 0, len(text)/4*3+3)
	var bits uint32
	count := 0 // characters in bits
	for i, c := range text {
		if c == '=' || c == 0 {
			break
		}
		v := base64Value(c)
		if v < 0 {
			if !lenient && c != '\r' && c != '\n' && c != '\t' && c != ' ' {
				clear(out)
				return nil, fmt.Errorf("character %q at offset %d is not base64", c, i)
			}
			continue
		}
		bits = bits<<6 | uint32(v)
		if count++; count == 4 {
			out = append(out, byte(bits>>16), byte(bits>>8), byte(bits))
			bits, count = 0, 0
		}
	}
	switch count {
	case 1:
		if !lenient {
			clear(out)
			return nil, fmt.Errorf("base64 ends after the first of four characters")
		}
	case 2:
		out = append(out, byte(bits>>4))
	case 3:
		out = append(out, byte(bits>>10), byte(bits>>2))
	}
	return out, nil
}

// base64Value returns the value of a character of the standard alphabet, -1 for all others.
func base64Value(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

// appendBase64 appends data in base64, in lines of at most width characters that all end in LF.
func appendBase64(dst, data []byte, width int) []byte {
	text := make([]byte, base64.StdEncoding.EncodedLen(len(data)))
	defer clear(text)
	base64.StdEncoding.Encode(text, data)
	for rest := text; len(rest) > 0; {
		n := min(width, len(rest))
		dst = append(dst, rest[:n]...)
		dst = append(dst, '\n')
		rest = rest[n:]
	}
	return dst
}
