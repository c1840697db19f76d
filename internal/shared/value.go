// Package shared keeps what is equal in many places once.
package shared

import "sync/atomic"

// Value is the value that was asked for last. The zero Value is ready for use; it is safe for concurrent use, and a
// nil one shares nothing.
type Value[T comparable] struct{ last atomic.Pointer[T] }

// Of returns where v is kept, which is not to be written to.
func (s *Value[T]) Of(v T) *T {
	if s != nil {
		if p := s.last.Load(); p != nil && *p == v {
			return p
		}
	}
	p := new(T)
	*p = v
	if s != nil {
		s.last.Store(p)
	}
	return p
}
