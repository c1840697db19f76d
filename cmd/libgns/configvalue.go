package main

/*
#include "include/gns_types.h"
*/
import "C"

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// goValue reads a configuration value: arg points to it, or is the text itself.
func goValue(id config.ID, typ config.Type, arg unsafe.Pointer) (config.Value, error) {
	if arg == nil {
		return config.Value{}, fmt.Errorf("%w: %v without a value", gns.ErrInvalidParam, id)
	}
	switch typ {
	case config.TypeInt32:
		return config.Int32(id, *(*int32)(arg)), nil
	case config.TypeInt64:
		return config.Int64(id, int64(binary.NativeEndian.Uint64(bytesAt(arg, 8)))), nil // it may not be aligned
	case config.TypeFloat:
		return config.Float(id, math.Float32frombits(*(*uint32)(arg))), nil
	case config.TypeString:
		return config.String(id, text((*C.char)(arg))), nil
	case config.TypeFunc:
		return callbacks.value(id, *(*unsafe.Pointer)(arg))
	}
	return config.Value{}, fmt.Errorf("%w: %v of type %d", gns.ErrInvalidParam, id, typ)
}

// creationOptions reads what a connection or listen socket is made with.
func creationOptions(n int, address C.uintptr_t) ([]config.Value, error) {
	options := at[C.SteamNetworkingConfigValue_t](address, n)
	if len(options) != n {
		return nil, fmt.Errorf("%w: %d options at address %#x", gns.ErrInvalidParam, n, uintptr(address))
	}
	values := make([]config.Value, 0, n)
	for i := range options {
		o := &options[i]
		id, typ := config.ID(o.m_eValue), config.Type(o.m_eDataType)
		arg := unsafe.Pointer(&o.m_val)
		if typ == config.TypeString {
			if arg = *(*unsafe.Pointer)(arg); arg == nil { // as with SetConfigValue: what is inherited
				if info, ok := id.Info(); !ok || info.Scope == config.Global {
					return nil, fmt.Errorf("%w: option %d is no value of a connection", gns.ErrInvalidParam, id)
				}
				values = slices.DeleteFunc(values, func(v config.Value) bool { return v.ID() == id })
				continue
			}
		}
		v, err := goValue(id, typ, arg)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// valueBytes returns a value as the application gets it.
func valueBytes(v config.Value) []byte {
	order := binary.NativeEndian
	switch v.Type() {
	case config.TypeInt32:
		return order.AppendUint32(nil, uint32(v.Int32()))
	case config.TypeInt64:
		return order.AppendUint64(nil, uint64(v.Int64()))
	case config.TypeFloat:
		return order.AppendUint32(nil, math.Float32bits(v.Float()))
	case config.TypeFunc:
		b := make([]byte, unsafe.Sizeof(uintptr(0)))
		*(*uintptr)(unsafe.Pointer(&b[0])) = uintptr(callbacks.pointer(v))
		return b
	}
	return append([]byte(v.Text()), 0)
}
