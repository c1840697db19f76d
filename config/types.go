package config

import "strconv"

// Type is the type of a value; the numbers are Valve's (ESteamNetworkingConfigDataType).
type Type int32

const (
	TypeInt32  Type = 1
	TypeInt64  Type = 2
	TypeFloat  Type = 3 // float32
	TypeString Type = 4
	TypeFunc   Type = 5 // Valve's Ptr
)

// String returns "int32", "int64", "float", "string" or "func".
func (t Type) String() string {
	switch t {
	case TypeInt32:
		return "int32"
	case TypeInt64:
		return "int64"
	case TypeFloat:
		return "float"
	case TypeString:
		return "string"
	case TypeFunc:
		return "func"
	}
	return "Type(" + strconv.Itoa(int(t)) + ")"
}

// Scope is the level at which a value is set; the numbers are Valve's (ESteamNetworkingConfigScope).
type Scope int32

const (
	// Global is the top level: one gns.Sockets and everything in it.
	Global Scope = 1
	// SocketsInterface is one ISteamNetworkingSockets. A gns.Sockets has exactly one.
	SocketsInterface Scope = 2
	// ListenSocket is one listen socket and the connections that arrive on it.
	ListenSocket Scope = 3
	// Connection is one connection.
	Connection Scope = 4
)

// String returns Valve's name of the scope, as in "ListenSocket".
func (s Scope) String() string {
	switch s {
	case Global:
		return "Global"
	case SocketsInterface:
		return "SocketsInterface"
	case ListenSocket:
		return "ListenSocket"
	case Connection:
		return "Connection"
	}
	return "Scope(" + strconv.Itoa(int(s)) + ")"
}
