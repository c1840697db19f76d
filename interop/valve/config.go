package valve

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

// Scope is an ESteamNetworkingConfigScope.
type Scope int32

// Configuration scopes.
const (
	ScopeGlobal       Scope = 1
	ScopeInterface    Scope = 2
	ScopeListenSocket Scope = 3
	ScopeConnection   Scope = 4
)

// Types of configuration values (ESteamNetworkingConfigDataType).
const (
	kindInt32  = 1
	kindInt64  = 2
	kindFloat  = 3
	kindString = 4
	kindPtr    = 5
)

const (
	maxConfigID            = 1024
	configStatusChanged    = 201
	configResultOK         = 1
	configResultInherited  = 2
	configResultTooSmall   = -3
	configStatusChangedKey = "Callback_ConnectionStatusChanged"
)

type configInfo struct {
	id    int32
	kind  int32
	scope Scope
}

// Setting is a configuration value together with the name under which the library knows it.
type Setting struct {
	name  string
	value configValue
	keep  *byte // the string that value points to
}

// readConfigTable asks the library for the name and type of every configuration value it has.
func (l *Library) readConfigTable() {
	l.config = make(map[string]configInfo)
	for id := int32(1); id < maxConfigID; id++ {
		var kind, scope int32
		if name := cString(l.sym.ConfigInfo(l.utils, id, &kind, &scope)); name != "" {
			l.config[name] = configInfo{id: id, kind: kind, scope: Scope(scope)}
		}
	}
}

// ParseSetting makes a Setting from "Name=value". Names are the library's, without the
// k_ESteamNetworkingConfig_ prefix.
func (l *Library) ParseSetting(s string) (Setting, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return Setting{}, fmt.Errorf("valve: setting %q has no '='", s)
	}
	info, ok := l.config[name]
	if !ok {
		return Setting{}, fmt.Errorf("valve: the library has no configuration value %q", name)
	}
	set := Setting{name: name, value: configValue{id: info.id, kind: info.kind}}
	var err error
	switch info.kind {
	case kindInt32:
		var v int64
		v, err = strconv.ParseInt(value, 0, 32)
		binary.NativeEndian.PutUint32(set.value.value[:], uint32(v))
	case kindInt64:
		var v int64
		v, err = strconv.ParseInt(value, 0, 64)
		binary.NativeEndian.PutUint64(set.value.value[:], uint64(v))
	case kindFloat:
		var v float64
		v, err = strconv.ParseFloat(value, 32)
		binary.NativeEndian.PutUint32(set.value.value[:], math.Float32bits(float32(v)))
	case kindString:
		set.keep = nulTerminated(value)
		set.setPointer(uintptr(unsafe.Pointer(set.keep)))
	default:
		err = fmt.Errorf("values of type %d cannot be given as text", info.kind)
	}
	if err != nil {
		return Setting{}, fmt.Errorf("valve: setting %q: %w", s, err)
	}
	return set, nil
}

func (s *Setting) setPointer(p uintptr) {
	binary.NativeEndian.PutUint64(s.value.value[:], uint64(p))
}

// SetConfig sets a value at a scope; object is the handle, 0 at ScopeGlobal and ScopeInterface.
func (l *Library) SetConfig(scope Scope, object uint32, s Setting) error {
	argument := unsafe.Pointer(&s.value.value)
	switch s.value.kind {
	case kindString:
		argument = unsafe.Pointer(s.keep)
	case kindPtr:
		// A pointer value is passed by reference, as numbers are.
	}
	if !l.sym.SetConfig(l.utils, s.value.id, int32(scope), l.scopeObject(scope, object), s.value.kind, argument) {
		return fmt.Errorf("valve: the library refused %s at scope %d, object %d", s.name, scope, object)
	}
	return nil
}

// Config returns a value as text, and whether it was inherited from a wider scope.
func (l *Library) Config(scope Scope, object uint32, name string) (value string, inherited bool, err error) {
	info, ok := l.config[name]
	if !ok {
		return "", false, fmt.Errorf("valve: the library has no configuration value %q", name)
	}
	var kind int32
	buffer := make([]byte, 256)
	size := uintptr(len(buffer))
	result := l.sym.GetConfig(l.utils, info.id, int32(scope), l.scopeObject(scope, object), &kind, &buffer[0], &size)
	if result == configResultTooSmall {
		buffer = make([]byte, size)
		result = l.sym.GetConfig(l.utils, info.id, int32(scope), l.scopeObject(scope, object), &kind, &buffer[0], &size)
	}
	if result != configResultOK && result != configResultInherited {
		return "", false, fmt.Errorf("valve: GetConfigValue(%s) at scope %d, object %d: result %d", name, scope, object, result)
	}
	switch kind {
	case kindInt32:
		value = strconv.FormatInt(int64(int32(binary.NativeEndian.Uint32(buffer))), 10)
	case kindInt64:
		value = strconv.FormatInt(int64(binary.NativeEndian.Uint64(buffer)), 10)
	case kindFloat:
		value = strconv.FormatFloat(float64(math.Float32frombits(binary.NativeEndian.Uint32(buffer))), 'g', -1, 32)
	case kindString:
		value = text(buffer[:size])
	case kindPtr:
		value = fmt.Sprintf("%#x", binary.NativeEndian.Uint64(buffer))
	}
	return value, result == configResultInherited, nil
}

// withOptions calls f with the settings as the C array that creation functions take. The strings
// that the array points to stay alive until f returns.
func withOptions(settings []Setting, f func(n int32, options *configValue)) {
	if len(settings) == 0 {
		f(0, nil)
		return
	}
	options := make([]configValue, len(settings))
	for i := range settings {
		options[i] = settings[i].value
	}
	f(int32(len(options)), &options[0])
	runtime.KeepAlive(settings)
}
