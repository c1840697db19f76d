package config

import "strings"

// Info describes one configuration value.
type Info struct {
	ID   ID
	Name string // Valve's name without the prefix, underscores kept
	Type Type
	// Scope is Connection for values that can be set at all four scopes and Global for those that
	// exist at the global scope only.
	Scope Scope
	// Default is the compiled-in value, that of Valve's open-source library.
	Default Value
	// Min and Max are the inclusive limits to which a set value is clamped. Only int32 and float
	// values have limits; both are 0 where there are none.
	Min, Max float64
	Unit     string // "ms", "bytes/s", …; empty where Help says what the numbers mean
	Help     string // one line
	// Lockable values are fixed when a connection goes beyond its first steps: an outbound one on
	// entering Connecting, an inbound one on leaving it.
	Lockable bool
	// ReadOnly values are computed from others.
	ReadOnly bool
	// Unused says why setting the value changes nothing in package gns; empty if it does something. Such
	// values are accepted, kept and returned like all others.
	Unused string
	// Dev values weaken security; do not expose them to players.
	Dev bool

	notGeneric bool // not offered by Valve's IterateGenericEditableConfigValues
}

// Limited reports whether Min and Max apply.
func (i Info) Limited() bool { return i.Min != i.Max }

// AllowedAt reports whether the value exists at scope s.
func (i Info) AllowedAt(s Scope) bool {
	if s < Global || s > Connection {
		return false
	}
	return s == Global || i.Scope == Connection
}

// Generic reports whether a generic editor, such as a debug console, should offer the value; dev also
// admits the values that weaken security. The selection is that of Valve's
// IterateGenericEditableConfigValues.
func (i Info) Generic(dev bool) bool {
	return i.Type != TypeFunc && !i.ReadOnly && !i.notGeneric && (dev || !i.Dev)
}

// Normalize returns v as a Store keeps it: converted to the type of the value and clamped to its
// limits. It fails with ErrConversion, also if v is another value than i describes.
func (i Info) Normalize(v Value) (Value, error) {
	if v.id != i.ID {
		return Value{}, errorf(v.id, ErrConversion, "is another value than %s", i.ID)
	}
	v, err := v.Convert(i.Type)
	if err != nil {
		return Value{}, err
	}
	return i.clamp(v), nil
}

func (i *Info) clamp(v Value) Value {
	if !i.Limited() {
		return v
	}
	switch i.Type {
	case TypeInt32:
		return Int32(v.id, min(max(v.Int32(), int32(i.Min)), int32(i.Max)))
	case TypeFloat:
		return Float(v.id, min(max(v.Float(), float32(i.Min)), float32(i.Max)))
	}
	return v
}

// All returns every configuration value in ascending order of ID. The slice is the caller's.
func All() []Info {
	all := make([]Info, len(table))
	copy(all, table[:])
	return all
}

// Lookup finds a value by name: Valve's or luasteam's, in any letter case, with or without the
// underscores and Valve's prefix k_ESteamNetworkingConfig_.
func Lookup(name string) (Info, bool) {
	if info := findName(name); info != nil {
		return *info, true
	}
	return Info{}, false
}

// Info describes the value; false if there is no such value.
func (id ID) Info() (Info, bool) {
	if info := find(id); info != nil {
		return *info, true
	}
	return Info{}, false
}

const prefix = "k_ESteamNetworkingConfig_"

func findName(name string) *Info {
	if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
		name = name[len(prefix):]
	}
	for i := range table {
		if sameName(table[i].Name, name) {
			return &table[i]
		}
	}
	return nil
}

// sameName compares ASCII names, ignoring letter case and underscores.
func sameName(a, b string) bool {
	i, j := 0, 0
	for {
		for i < len(a) && a[i] == '_' {
			i++
		}
		for j < len(b) && b[j] == '_' {
			j++
		}
		if i == len(a) || j == len(b) {
			return i == len(a) && j == len(b)
		}
		if lower(a[i]) != lower(b[j]) {
			return false
		}
		i++
		j++
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
