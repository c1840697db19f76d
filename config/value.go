package config

import (
	"fmt"
	"math"
	"strconv"
)

// Value is one configuration value: an ID and what it is set to. It is small, immutable and comparable
// with ==; two function values are equal only if they come from the same call of Func. The zero Value
// is no value.
type Value struct {
	id  ID
	typ Type
	num uint64 // integer, or bits of the float
	str string
	fn  *any // pointer, so that comparing Values never compares functions
}

// Int32 returns the value id set to n. A type that differs from the value's own is converted when it is
// set; see Value.Convert.
func Int32(id ID, n int32) Value { return Value{id: id, typ: TypeInt32, num: uint64(n)} }

// Int64 returns the value id set to n.
func Int64(id ID, n int64) Value { return Value{id: id, typ: TypeInt64, num: uint64(n)} }

// Float returns the value id set to f.
func Float(id ID, f float32) Value {
	return Value{id: id, typ: TypeFloat, num: uint64(math.Float32bits(f))}
}

// String returns the value id set to s.
func String(id ID, s string) Value { return Value{id: id, typ: TypeString, str: s} }

// Func returns the callback id set to fn, a function of the type that the callback's user (package gns)
// documents; nil takes the callback away.
func Func(id ID, fn any) Value {
	v := Value{id: id, typ: TypeFunc}
	if fn != nil {
		v.fn = &fn
	}
	return v
}

// ID returns which configuration value this is; Invalid for the zero Value.
func (v Value) ID() ID { return v.id }

// Type returns the type of what v holds, which need not be the type of the configuration value.
func (v Value) Type() Type { return v.typ }

// IsZero reports whether v is the zero Value.
func (v Value) IsZero() bool { return v == Value{} }

// Int32 returns what v holds as an int32, converted as Convert does; 0 where that fails.
func (v Value) Int32() int32 {
	if v.typ != TypeInt32 {
		v, _ = v.Convert(TypeInt32)
	}
	return int32(v.num)
}

// Int64 returns what v holds as an int64, converted as Convert does; 0 where that fails.
func (v Value) Int64() int64 {
	if v.typ != TypeInt64 {
		v, _ = v.Convert(TypeInt64)
	}
	return int64(v.num)
}

// Float returns what v holds as a float32, converted as Convert does; 0 where that fails.
func (v Value) Float() float32 {
	if v.typ != TypeFloat {
		v, _ = v.Convert(TypeFloat)
	}
	return math.Float32frombits(uint32(v.num))
}

// Text returns what v holds as a string, converted as Convert does; "" where that fails.
func (v Value) Text() string {
	if v.typ != TypeString {
		v, _ = v.Convert(TypeString)
	}
	return v.str
}

// Func returns the function v holds, or nil.
func (v Value) Func() any {
	if v.fn == nil {
		return nil
	}
	return *v.fn
}

// String returns "Name=value", which Parse reads back to the same Value if v holds the value's own
// type. Functions print as "Name=func" or "Name=nil" and cannot be read back.
func (v Value) String() string {
	if v.IsZero() {
		return Invalid.String()
	}
	return v.id.String() + "=" + v.text()
}

func (v Value) text() string {
	switch v.typ {
	case TypeInt32, TypeInt64:
		return strconv.FormatInt(int64(v.num), 10)
	case TypeFloat:
		return strconv.FormatFloat(float64(v.Float()), 'g', -1, 32)
	case TypeString:
		return v.str
	case TypeFunc:
		if v.fn == nil {
			return "nil"
		}
		return "func"
	}
	return ""
}

// errorf wraps one of the package's errors in text that names the value.
func errorf(id ID, err error, format string, args ...any) error {
	return fmt.Errorf("config: %s: %s: %w", id, fmt.Sprintf(format, args...), err)
}
