package main

/*
#include "include/gns_types.h"
*/
import "C"

import "github.com/gogns/gns/crypto"

//export SteamNetworkingIPAddr_ToString
func SteamNetworkingIPAddr_ToString(addr *C.SteamNetworkingIPAddr, buf *C.char, size C.size_t, withPort C.bool) {
	copyText(buf, bufferSize(size), crypto.FormatAddrPort(goAddr(addr), bool(withPort)))
}

//export SteamNetworkingIPAddr_ParseString
func SteamNetworkingIPAddr_ParseString(addr *C.SteamNetworkingIPAddr, s *C.char) C.bool {
	if addr == nil {
		return false
	}
	parsed, err := crypto.ParseAddrPort(text(s))
	putAddr(addr, parsed) // zero if it is none
	return C.bool(err == nil)
}

//export SteamNetworkingIdentity_ToString
func SteamNetworkingIdentity_ToString(identity *C.SteamNetworkingIdentity, buf *C.char, size C.size_t) {
	s := "invalid"
	if identity != nil {
		if id, err := goIdentity(identity); err == nil {
			s = id.String()
		}
	}
	copyText(buf, bufferSize(size), s)
}

//export SteamNetworkingIdentity_ParseString
func SteamNetworkingIdentity_ParseString(identity *C.SteamNetworkingIdentity, size C.size_t, s *C.char) C.bool {
	if identity == nil || size < C.sizeof_SteamNetworkingIdentity { // one of an older version, which could not hold everything
		return false
	}
	id, err := crypto.ParseIdentity(text(s))
	putIdentity(identity, id)
	return C.bool(err == nil)
}

// bufferSize is a size that the application says, within reason.
func bufferSize(n C.size_t) int { return int(min(n, 1<<20)) }

//export SteamAPI_SteamNetworkingIPAddr_ToString
func SteamAPI_SteamNetworkingIPAddr_ToString(addr *C.SteamNetworkingIPAddr, buf *C.char, size C.size_t, withPort C.bool) {
	SteamNetworkingIPAddr_ToString(addr, buf, size, withPort)
}

//export SteamAPI_SteamNetworkingIPAddr_ParseString
func SteamAPI_SteamNetworkingIPAddr_ParseString(addr *C.SteamNetworkingIPAddr, s *C.char) C.bool {
	return SteamNetworkingIPAddr_ParseString(addr, s)
}

//export SteamAPI_SteamNetworkingIdentity_ToString
func SteamAPI_SteamNetworkingIdentity_ToString(identity *C.SteamNetworkingIdentity, buf *C.char, size C.size_t) {
	SteamNetworkingIdentity_ToString(identity, buf, size)
}

//export SteamAPI_SteamNetworkingIdentity_ParseString
func SteamAPI_SteamNetworkingIdentity_ParseString(identity *C.SteamNetworkingIdentity, size C.size_t, s *C.char) C.bool {
	return SteamNetworkingIdentity_ParseString(identity, size, s)
}
