package pki

import (
	"fmt"
	"strconv"
	"strings"
)

// POP is a point of presence, a data center of Valve's relay network (SteamNetworkingPOPID). Its code of
// three or four letters is packed into the number.
type POP uint32

// ParsePOP reads a code of three or four letters and digits, such as "iad" or "fra2", or the form in
// which String prints a number that is no code. Letters are taken as they are; Valve's are in lower case.
func ParsePOP(text string) (POP, error) {
	if digits, ok := strings.CutPrefix(text, "0x"); ok && len(digits) == 8 {
		if v, err := strconv.ParseUint(digits, 16, 32); err == nil {
			return POP(v), nil
		}
	}
	if len(text) != 3 && len(text) != 4 {
		return 0, fmt.Errorf("point of presence %q is not a code of 3 or 4 letters", text)
	}
	for i := range len(text) {
		if !isCodeLetter(text[i]) {
			return 0, fmt.Errorf("point of presence %q is not a code of letters and digits", text)
		}
	}
	p := POP(text[0])<<16 | POP(text[1])<<8 | POP(text[2])
	if len(text) == 4 {
		p |= POP(text[3]) << 24
	}
	return p, nil
}

// String prints the code, or the number as "0x" and eight digits if it is none.
func (p POP) String() string {
	code := []byte{byte(p >> 16), byte(p >> 8), byte(p), byte(p >> 24)}
	if code[3] == 0 {
		code = code[:3]
	}
	for _, c := range code {
		if !isCodeLetter(c) {
			return fmt.Sprintf("0x%08x", uint32(p))
		}
	}
	return string(code)
}

func isCodeLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
