package config

import (
	"errors"
	"fmt"
)

// Errors of this package, always wrapped in text that names the value and what was wrong with it.
// Compare with errors.Is.
var (
	// ErrUnknown: there is no such configuration value (here: Steam's own values count as unknown).
	ErrUnknown = errors.New("unknown configuration value")
	// ErrScope: the value does not exist at that scope.
	ErrScope = errors.New("not a value of this scope")
	// ErrLocked: the value can no longer change on that object.
	ErrLocked = errors.New("value is locked")
	// ErrReadOnly: the value can be read and never set.
	ErrReadOnly = errors.New("value is read-only")
	// ErrConversion: the given text, number or function cannot become the type of the value.
	ErrConversion = errors.New("value does not convert")
	// ErrSyntax: the text is not of the form Name=Value.
	ErrSyntax = errors.New("not of the form Name=Value")
)

func fmtSyntax(s string) error {
	return fmt.Errorf("config: %q: %w", s, ErrSyntax)
}

func unknownName(name string) error {
	for id := ID(1); id <= steamOnlyMax; id++ {
		if s := steamOnly(id); s != "" && sameName(s, name) {
			return fmt.Errorf("config: %s needs Steam: %w", s, ErrUnknown)
		}
	}
	return fmt.Errorf("config: %q: %w", name, ErrUnknown)
}
