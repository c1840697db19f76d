package config

import (
	"math"
	"strconv"
)

// Convert returns v with its content converted to type t by the rules of Valve's SetConfigValue:
// a float becomes the nearest integer, halves upward; text becomes the number it begins with ("99xyz" is
// 99); numbers become text as C's %d and %g print them; a function converts to nothing else.
//
// What does not fit fails with ErrConversion: an integer or float outside the range of int32 (int64),
// text that does not begin with a number, and, unlike Valve's library, any NaN.
func (v Value) Convert(t Type) (Value, error) {
	switch {
	case v.typ == TypeFloat && math.IsNaN(float64(v.Float())):
	case v.typ == t && TypeInt32 <= t && t <= TypeFunc:
		return v, nil
	case v.typ == TypeFunc:
	case t == TypeInt32:
		if n, ok := v.toInt64(); ok && n == int64(int32(n)) {
			return Int32(v.id, int32(n)), nil
		}
	case t == TypeInt64:
		if n, ok := v.toInt64(); ok {
			return Int64(v.id, n), nil
		}
	case t == TypeFloat:
		if f, ok := v.toFloat(); ok {
			return Float(v.id, f), nil
		}
	case t == TypeString:
		switch v.typ {
		case TypeInt32, TypeInt64:
			return String(v.id, strconv.FormatInt(int64(v.num), 10)), nil
		case TypeFloat:
			return String(v.id, floatText(v.Float())), nil
		}
	}
	return Value{}, errorf(v.id, ErrConversion, "%s %q to %s", v.typ, v.text(), t)
}

func (v Value) toInt64() (int64, bool) {
	switch v.typ {
	case TypeInt32, TypeInt64:
		return int64(v.num), true
	case TypeFloat:
		f := math.Floor(float64(v.Float()) + 0.5)
		// 2^63 is exact as a float64 and the first that does not fit.
		if f < -(1<<63) || f >= 1<<63 {
			return 0, false
		}
		return int64(f), true
	case TypeString:
		n, err := strconv.ParseInt(intPrefix(v.str), 10, 64)
		return n, err == nil
	}
	return 0, false
}

func (v Value) toFloat() (float32, bool) {
	switch v.typ {
	case TypeInt32, TypeInt64:
		return float32(int64(v.num)), true
	case TypeString:
		f, err := strconv.ParseFloat(floatPrefix(v.str), 32)
		return float32(f), err == nil
	}
	return 0, false
}

// intPrefix returns the decimal integer that s begins with, after white space; "" if none.
func intPrefix(s string) string {
	s = trimLeft(s)
	n := digits(s, sign(s))
	if n == sign(s) {
		return ""
	}
	return s[:n]
}

// floatPrefix returns the decimal number that s begins with, after white space; "" if none.
func floatPrefix(s string) string {
	s = trimLeft(s)
	start := sign(s)
	n := digits(s, start)
	mantissa := n - start
	if n < len(s) && s[n] == '.' {
		end := digits(s, n+1)
		mantissa += end - (n + 1)
		n = end
	}
	if mantissa == 0 {
		return ""
	}
	if n < len(s) && lower(s[n]) == 'e' {
		from := n + 1 + sign(s[n+1:])
		if end := digits(s, from); end > from {
			n = end
		}
	}
	return s[:n]
}

// sign returns the length of the sign that s begins with.
func sign(s string) int {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return 1
	}
	return 0
}

// digits returns the index of the first byte of s at or after i that is no decimal digit.
func digits(s string, i int) int {
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return i
}

// trimLeft drops the white space that C's isspace knows.
func trimLeft(s string) string {
	for s != "" && (s[0] == ' ' || '\t' <= s[0] && s[0] <= '\r') {
		s = s[1:]
	}
	return s
}

// floatText formats a float as C's %g does, which writes infinity and what is no number in its own way.
func floatText(f float32) string {
	switch {
	case f > math.MaxFloat32:
		return "inf"
	case f < -math.MaxFloat32:
		return "-inf"
	case math.IsNaN(float64(f)):
		return "nan"
	}
	return strconv.FormatFloat(float64(f), 'g', 6, 32)
}
