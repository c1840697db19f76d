package config

import (
	"math"
	"strconv"
	"strings"
)

// Parse reads "Name=Value" and returns a Value of the type that the named value has. Names are as for
// Lookup. Integers are decimal or, after 0x, hexadecimal; floats are decimal; a string is everything
// after the first "=", unchanged. White space around the name and around a number is ignored.
//
// Parse is for text that people type, so it is stricter than setting a number from a String value: the
// whole text must be a number ("99xyz" fails). Limits are not applied here but when the value is set.
//
// Errors: ErrSyntax, ErrUnknown, ErrConversion (also for callbacks, which have no text form).
func Parse(s string) (Value, error) {
	name, text, found := strings.Cut(s, "=")
	name = strings.TrimSpace(name)
	if !found || name == "" {
		return Value{}, fmtSyntax(s)
	}
	info := findName(name)
	if info == nil {
		return Value{}, unknownName(name)
	}
	switch info.Type {
	case TypeInt32:
		n, err := parseInt(text, 32)
		if err != nil {
			return Value{}, errorf(info.ID, ErrConversion, "%q is not an int32", text)
		}
		return Int32(info.ID, int32(n)), nil
	case TypeInt64:
		n, err := parseInt(text, 64)
		if err != nil {
			return Value{}, errorf(info.ID, ErrConversion, "%q is not an int64", text)
		}
		return Int64(info.ID, n), nil
	case TypeFloat:
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 32)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return Value{}, errorf(info.ID, ErrConversion, "%q is not a number", text)
		}
		return Float(info.ID, float32(f)), nil
	case TypeString:
		return String(info.ID, text), nil
	}
	return Value{}, errorf(info.ID, ErrConversion, "a callback cannot be set from text")
}

func parseInt(s string, bits int) (int64, error) {
	s = strings.TrimSpace(s)
	n := sign(s)
	if len(s) > n+2 && s[n] == '0' && lower(s[n+1]) == 'x' && sign(s[n+2:]) == 0 {
		return strconv.ParseInt(s[:n]+s[n+2:], 16, bits)
	}
	return strconv.ParseInt(s, 10, bits)
}
