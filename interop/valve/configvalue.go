package valve

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// ConfigResult is an ESteamNetworkingGetConfigValueResult.
type ConfigResult int32

// Results of ConfigValue.
const (
	ConfigOK          ConfigResult = 1
	ConfigOKInherited ConfigResult = 2
	ConfigBadValue    ConfigResult = -1
	ConfigBadScopeObj ConfigResult = -2
)

// ConfigInfo is what GetConfigValueInfo tells of a configuration value. Type is the library's number,
// an ESteamNetworkingConfigDataType.
type ConfigInfo struct {
	ID    int32
	Name  string
	Type  int32
	Scope Scope
}

// ConfigInfo describes a value; false if the library does not know it.
func (l *Library) ConfigInfo(id int32) (ConfigInfo, bool) {
	info := ConfigInfo{ID: id}
	var scope int32
	info.Name = cString(l.sym.ConfigInfo(l.utils, id, &info.Type, &scope))
	info.Scope = Scope(scope)
	return info, info.Name != ""
}

// GenericConfigIDs lists what IterateGenericEditableConfigValues goes through; dev admits the values for
// developers.
func (l *Library) GenericConfigIDs(dev bool) []int32 {
	var ids []int32
	next := func(id int32) int32 { return l.sym.IterateConfig(l.utils, id, dev) }
	for id := next(0); id != 0 && len(ids) < maxConfigID; id = next(id) {
		ids = append(ids, id)
	}
	return ids
}

// NewSetting makes a Setting from an int32, int64, float32, string or uintptr (a pointer of C). Neither
// the number nor the type need to be ones that the library takes.
func NewSetting(id int32, v any) (Setting, error) {
	set := Setting{name: fmt.Sprintf("value %d", id), value: configValue{id: id}}
	bytes := set.value.value[:]
	switch v := v.(type) {
	case int32:
		set.value.kind = kindInt32
		binary.NativeEndian.PutUint32(bytes, uint32(v))
	case int64:
		set.value.kind = kindInt64
		binary.NativeEndian.PutUint64(bytes, uint64(v))
	case float32:
		set.value.kind = kindFloat
		binary.NativeEndian.PutUint32(bytes, math.Float32bits(v))
	case string:
		set.value.kind = kindString
		set.keep = nulTerminated(v)
		set.setPointer(uintptr(unsafe.Pointer(set.keep)))
	case uintptr:
		set.value.kind = kindPtr
		set.setPointer(v)
	default:
		return Setting{}, fmt.Errorf("valve: value %d cannot be a %T", id, v)
	}
	return set, nil
}

// UnsetConfig takes a value away, so that it is inherited again. At connection scope, the library does
// not survive this for ConnectionUserData.
func (l *Library) UnsetConfig(scope Scope, object uint32, id int32) error {
	if !l.sym.SetConfig(l.utils, id, int32(scope), l.scopeObject(scope, object), kindInt32, nil) {
		return fmt.Errorf("valve: the library refused to unset value %d at scope %d, object %d", id, scope, object)
	}
	return nil
}

// ConfigValue returns the effective value in its own type: int32, int64, float32, string or uintptr; nil
// if the result is an error.
func (l *Library) ConfigValue(scope Scope, object uint32, id int32) (any, ConfigResult) {
	var kind int32
	buffer := make([]byte, 256)
	size := uintptr(len(buffer))
	get := func() int32 {
		return l.sym.GetConfig(l.utils, id, int32(scope), l.scopeObject(scope, object), &kind, &buffer[0], &size)
	}
	result := get()
	if result == configResultTooSmall {
		buffer = make([]byte, size)
		result = get()
	}
	if result < 0 {
		return nil, ConfigResult(result)
	}
	var v any
	switch kind {
	case kindInt64:
		v = int64(binary.NativeEndian.Uint64(buffer))
	case kindFloat:
		v = math.Float32frombits(binary.NativeEndian.Uint32(buffer))
	case kindString:
		v = text(buffer[:size])
	case kindPtr:
		v = uintptr(binary.NativeEndian.Uint64(buffer))
	default: // an int32, too, where the library does not tell the type, as of MTU_DataSize
		v = int32(binary.NativeEndian.Uint32(buffer))
	}
	return v, ConfigResult(result)
}

// scopeObject is the object as the library takes it: interfaces go by their address.
func (l *Library) scopeObject(scope Scope, object uint32) uintptr {
	if scope == ScopeInterface {
		return l.sockets
	}
	return uintptr(object)
}

// NewStatusCallback returns a function of C, for Callback_ConnectionStatusChanged, that calls f from
// RunCallbacks. It can never be freed.
func (l *Library) NewStatusCallback(f func(StatusChange)) uintptr {
	return newCallback(func(c *statusChanged) {
		f(StatusChange{Conn: Connection(c.conn), Old: State(c.old), Info: l.makeInfo(&c.info)})
	})
}
