package valve

import (
	"net/netip"
	"unsafe"
)

// The structures below mirror steamnetworkingtypes.h and isteamnetworkingsockets.h under the packing
// that those headers choose on 64-bit Unix: 4 bytes for the status structures, 1 byte for addresses
// and identities, natural alignment for messages and configuration values. Where a 64-bit field has
// to sit at a 4-byte boundary it is split in two words; layout_test.go pins every offset.

// ipAddr is SteamNetworkingIPAddr: IPv4 addresses are IPv4-mapped, the port is in host order.
type ipAddr struct {
	ip   [16]byte
	port uint16
}

func makeIPAddr(a netip.AddrPort) ipAddr {
	if !a.Addr().IsValid() {
		return ipAddr{port: a.Port()}
	}
	return ipAddr{ip: a.Addr().As16(), port: a.Port()}
}

// addrPort returns the address unmapped, as Go programs print it.
func (a *ipAddr) addrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(a.ip).Unmap(), a.port)
}

// identity is SteamNetworkingIdentity. Its union is opaque here: identities are parsed and printed
// by the library itself.
type identity struct {
	kind int32
	size int32
	data [128]byte
}

// connectionInfo is SteamNetConnectionInfo_t.
type connectionInfo struct {
	identity    identity
	userData    [2]uint32
	listen      uint32
	addr        ipAddr
	_           uint16
	popRemote   uint32
	popRelay    uint32
	state       int32
	endReason   int32
	endDebug    [128]byte
	description [128]byte
	flags       int32
	_           [63]uint32
}

// statusChanged is SteamNetConnectionStatusChangedCallback_t.
type statusChanged struct {
	conn uint32
	info connectionInfo
	old  int32
}

// authStatus is SteamNetAuthenticationStatus_t.
type authStatus struct {
	_       int32 // availability, which the call returns as well
	message [256]byte
}

// realTimeStatus is SteamNetConnectionRealTimeStatus_t.
type realTimeStatus struct {
	state             int32
	ping              int32
	qualityLocal      float32
	qualityRemote     float32
	outPackets        float32
	outBytes          float32
	inPackets         float32
	inBytes           float32
	sendRate          int32
	pendingUnreliable int32
	pendingReliable   int32
	sentUnacked       int32
	queueTime         int64
	maxJitter         int32
	_                 [15]uint32
}

// laneStatus is SteamNetConnectionRealTimeLaneStatus_t.
type laneStatus struct {
	pendingUnreliable int32
	pendingReliable   int32
	sentUnacked       int32
	_                 int32
	queueTime         int64
	_                 [10]uint32
}

// message is SteamNetworkingMessage_t. Messages are always allocated by the library.
type message struct {
	data         unsafe.Pointer
	size         int32
	conn         uint32
	peer         identity
	connUserData int64
	received     int64
	number       int64
	_            uintptr // m_pfnFreeData
	_            uintptr // m_pfnRelease
	channel      int32
	flags        int32
	userData     int64
	lane         uint16
	_            uint16
}

// configValue is SteamNetworkingConfigValue_t; value is its union.
type configValue struct {
	id    int32
	kind  int32
	value [8]byte
}

// errMsg is SteamNetworkingErrMsg.
type errMsg [1024]byte

// text returns the bytes of b before its first NUL.
func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// cString copies the NUL-terminated string at p.
func cString(p *byte) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// nulTerminated returns s as bytes with a NUL behind.
func nulTerminated(s string) *byte {
	b := make([]byte, len(s)+1)
	copy(b, s)
	return &b[0]
}
