package sim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"

	"github.com/gogns/gns/internal/bufpool"
)

// retained is the memory that can be reached from some value.
type retained struct {
	bytes int
	types map[reflect.Type]int // bytes by what they are allocated for
	seen  map[visit]bool
}

type visit struct {
	at  unsafe.Pointer
	typ reflect.Type
}

// modulePath is the prefix of the packages whose types are looked into. Those of others count with their
// size alone: what is behind them, such as the tables of a cipher, does not grow.
const modulePath = "github.com/gogns/gns/"

// measure walks everything that a pointer leads to. Slices count with their capacity.
func measure(root reflect.Value) *retained {
	r := &retained{types: map[reflect.Type]int{}, seen: map[visit]bool{}}
	r.walk(root)
	return r
}

func (r *retained) add(t reflect.Type, bytes int) {
	r.bytes += bytes
	r.types[t] += bytes
}

// first reports whether something is met for the first time.
func (r *retained) first(at unsafe.Pointer, t reflect.Type) bool {
	v := visit{at, t}
	if r.seen[v] {
		return false
	}
	r.seen[v] = true
	return true
}

// walk counts what v refers to, but not v itself.
func (r *retained) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || !r.first(v.UnsafePointer(), v.Type()) {
			return
		}
		r.add(v.Type().Elem(), int(v.Type().Elem().Size()))
		r.walk(v.Elem())
	case reflect.Slice:
		if v.Cap() == 0 || !r.first(v.UnsafePointer(), v.Type()) {
			return
		}
		r.add(v.Type(), v.Cap()*int(v.Type().Elem().Size()))
		if refers(v.Type().Elem()) {
			all := v.Slice(0, v.Cap()) // what is behind the end is kept alive too
			for i := range all.Len() {
				r.walk(all.Index(i))
			}
		}
	case reflect.Array:
		if refers(v.Type().Elem()) {
			for i := range v.Len() {
				r.walk(v.Index(i))
			}
		}
	case reflect.Struct:
		if p := v.Type().PkgPath(); p != "" && !strings.HasPrefix(p+"/", modulePath) {
			return
		}
		for i := range v.NumField() {
			if refers(v.Type().Field(i).Type) {
				r.walk(v.Field(i))
			}
		}
	case reflect.Interface:
		if !v.IsNil() {
			r.walk(v.Elem())
		}
	case reflect.Map:
		if v.Len() == 0 || !r.first(v.UnsafePointer(), v.Type()) {
			return
		}
		r.add(v.Type(), 2*v.Len()*int(v.Type().Key().Size()+v.Type().Elem().Size()))
		for i := v.MapRange(); i.Next(); {
			r.walk(i.Key())
			r.walk(i.Value())
		}
	case reflect.String:
		r.add(v.Type(), v.Len())
	}
}

// refers reports whether values of a type refer to others.
func refers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Interface, reflect.Map, reflect.String:
		return true
	case reflect.Array:
		return t.Len() > 0 && refers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if refers(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// buffers returns how many pooled buffers are among it.
func (r *retained) buffers() int {
	t := reflect.TypeFor[bufpool.Buffer]()
	return r.types[t] / int(t.Size())
}

// String lists the types that most is allocated for.
func (r *retained) String() string {
	types := make([]reflect.Type, 0, len(r.types))
	for t := range r.types {
		types = append(types, t)
	}
	slices.SortFunc(types, func(a, b reflect.Type) int { return r.types[b] - r.types[a] })
	text := fmt.Sprintf("%d bytes", r.bytes)
	for _, t := range types[:min(len(types), 8)] {
		text += fmt.Sprintf(", %d of %v", r.types[t], t)
	}
	return text
}
