package main

/*
#include "include/gns_types.h"
*/
import "C"

import (
	"encoding/binary"
	"fmt"

	"github.com/gogns/gns/crypto"
)

//export SteamNetworkingIPAddr_ToString
func SteamNetworkingIPAddr_ToString(addr *C.SteamNetworkingIPAddr, buf *C.char, size C.size_t, withPort C.bool) {
	copyText(buf, bufferSize(size), crypto.FormatAddrPort(goAddr(addr), bool(withPort)))
}

//export SteamNetworkingIPAddr_ParseString
func SteamNetworkingIPAddr_ParseString(addr *C.SteamNetworkingIPAddr, s *C.char) C.bool {
	if addr == nil {
		return false
	}
	parsed, ok := scanAddrPort(text(s))
	putAddr(addr, parsed) // zero if it is none
	return C.bool(ok)
}

//export SteamNetworkingIdentity_ToString
func SteamNetworkingIdentity_ToString(identity *C.SteamNetworkingIdentity, buf *C.char, size C.size_t) {
	copyText(buf, bufferSize(size), identityText(identity))
}

// identityText says what an identity is, also one that nobody can have.
func identityText(identity *C.SteamNetworkingIdentity) string {
	if identity == nil {
		return "invalid"
	}
	id, err := goIdentity(identity)
	switch typ := crypto.IdentityType(identity.m_eType); {
	case err == nil:
		return id.String()
	case typ == crypto.IdentitySteamID:
		return fmt.Sprintf("steamid:%d", binary.NativeEndian.Uint64(identityBytes(identity)[:]))
	case typ == crypto.IdentityGenericBytes && identity.m_cbSize == 0:
		return "gen:"
	default:
		return fmt.Sprintf("bad_type:%d", identity.m_eType)
	}
}

//export SteamNetworkingIdentity_ParseString
func SteamNetworkingIdentity_ParseString(identity *C.SteamNetworkingIdentity, size C.size_t, s *C.char) C.bool {
	if identity == nil || size < C.sizeof_SteamNetworkingIdentity { // one of an older version, which could not hold everything
		return false
	}
	id, err := crypto.ParseIdentity(canonicalIdentity(text(s)))
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
