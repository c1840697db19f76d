package main

/*
#include <string.h>
#include "include/gns_types.h"
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"
	"unsafe"

	"github.com/gogns/gns"
	"github.com/gogns/gns/crypto"
)

// resultOf returns the EResult of an error.
func resultOf(err error) C.EResult {
	if err == nil {
		return C.k_EResultOK
	}
	return resultOfError(err)
}

func resultOfError(err error) C.EResult {
	var r gns.Result
	if errors.As(err, &r) {
		return C.EResult(r)
	}
	return C.k_EResultFail
}

// copyText copies text into a buffer of n bytes, as much as there is room for, and terminates it.
func copyText(buf *C.char, n int, text string) {
	if buf == nil || n <= 0 {
		return
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(buf)), n)
	b[copy(b[:n-1], text)] = 0
}

// fillText is copyText for an array inside a structure.
func fillText(dst []C.char, text string) { copyText(&dst[0], len(dst), text) }

// writeError leaves the text of err in a SteamNetworkingErrMsg; nil leaves it empty.
func writeError(errMsg *C.char, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	copyText(errMsg, C.k_cchMaxSteamNetworkingErrMsg, text)
}

// text copies a string of the application's; NULL is empty. C looks for its end: Go's own way reads some bytes behind it, which nobody need have
// written.
func text(s *C.char) string {
	if s == nil {
		return ""
	}
	return string(bytesAt(unsafe.Pointer(s), int(C.strlen(s))))
}

// bytesAt returns the n bytes at p, which are the application's and must not be kept.
func bytesAt(p unsafe.Pointer, n int) []byte {
	if p == nil || n <= 0 {
		return nil
	}
	return unsafe.Slice((*byte)(p), n)
}

// at returns n values that an application has at an address; they must not be kept.
//
// It is an address and no pointer, since it may be anything if there are no values: Rust's empty slices are at 1 or 8, which Go
// does not tolerate in a pointer.
func at[T any](address C.uintptr_t, n int) []T {
	if address == 0 || n <= 0 {
		return nil
	}
	return unsafe.Slice(*(**T)(unsafe.Pointer(&address)), n)
}

// goAddr returns an address, IPv4 as such; it is not valid if p is NULL.
func goAddr(p *C.SteamNetworkingIPAddr) netip.AddrPort {
	if p == nil {
		return netip.AddrPort{}
	}
	ip := *(*[16]byte)(unsafe.Pointer(&p.m_ipv6))
	return netip.AddrPortFrom(netip.AddrFrom16(ip).Unmap(), binary.NativeEndian.Uint16(addrPort(p)))
}

// addrPort is where the port stands: the structure is packed, so that it need not be aligned.
func addrPort(p *C.SteamNetworkingIPAddr) []byte {
	return (*[C.sizeof_SteamNetworkingIPAddr]byte)(unsafe.Pointer(p))[16:]
}

// putAddr writes an address; one that is not valid is zero.
func putAddr(p *C.SteamNetworkingIPAddr, a netip.AddrPort) {
	*p = C.SteamNetworkingIPAddr{}
	if a.Addr().IsValid() {
		*(*[16]byte)(unsafe.Pointer(&p.m_ipv6)) = a.Addr().As16()
		binary.NativeEndian.PutUint16(addrPort(p), a.Port())
	}
}

// identityBytes is the value in an identity, all of it.
func identityBytes(p *C.SteamNetworkingIdentity) *[128]byte {
	return (*[128]byte)(unsafe.Pointer(&p.m_value))
}

// goIdentity reads an identity; the zero one is none.
func goIdentity(p *C.SteamNetworkingIdentity) (gns.Identity, error) {
	value := identityBytes(p)
	n := int(p.m_cbSize)
	if n < 0 || n > len(value) {
		return gns.Identity{}, fmt.Errorf("%w: identity of %d bytes", gns.ErrInvalidParam, n)
	}
	var id gns.Identity
	switch crypto.IdentityType(p.m_eType) {
	case crypto.IdentityInvalid:
		return id, nil
	case crypto.IdentityIPAddress:
		id = crypto.IPAddress(goAddr((*C.SteamNetworkingIPAddr)(unsafe.Pointer(value))))
	case crypto.IdentityGenericString:
		id = crypto.GenericString(nulTerminated(value[:n]))
	case crypto.IdentityGenericBytes:
		id = crypto.GenericBytes(value[:n])
	case crypto.IdentitySteamID:
		id = crypto.SteamID(binary.NativeEndian.Uint64(value[:]))
	case crypto.IdentityXboxPairwiseID:
		id = crypto.XboxPairwiseID(nulTerminated(value[:n]))
	case crypto.IdentitySonyPSN:
		id = crypto.PSNID(binary.NativeEndian.Uint64(value[:]))
	case crypto.IdentityUnknownType:
		parsed, err := crypto.ParseIdentity(nulTerminated(value[:n]))
		if err != nil {
			return id, fmt.Errorf("%w: %w", gns.ErrInvalidParam, err)
		}
		id = parsed
	default:
		return id, fmt.Errorf("%w: identity of type %d", gns.ErrInvalidParam, p.m_eType)
	}
	if err := id.Err(); err != nil {
		return gns.Identity{}, fmt.Errorf("%w: %w", gns.ErrInvalidParam, err)
	}
	return id, nil
}

func nulTerminated(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// putIdentity writes an identity; one that is not valid is zero.
func putIdentity(p *C.SteamNetworkingIdentity, id gns.Identity) {
	*p = C.SteamNetworkingIdentity{}
	value, n := identityBytes(p), 0
	switch id.Type() {
	case crypto.IdentityInvalid:
		return
	case crypto.IdentityIPAddress:
		addr, _ := id.IPAddress()
		putAddr((*C.SteamNetworkingIPAddr)(unsafe.Pointer(value)), addr)
		n = C.sizeof_SteamNetworkingIPAddr
	case crypto.IdentityGenericBytes:
		b, _ := id.GenericBytes()
		n = copy(value[:], b)
	case crypto.IdentityGenericString:
		s, _ := id.GenericString()
		n = copy(value[:], s) + 1
	case crypto.IdentityXboxPairwiseID:
		s, _ := id.XboxPairwiseID()
		n = copy(value[:], s) + 1
	case crypto.IdentitySteamID:
		steamID, _ := id.SteamID()
		binary.NativeEndian.PutUint64(value[:], uint64(steamID))
		n = 8
	case crypto.IdentitySonyPSN:
		psn, _ := id.PSNID()
		binary.NativeEndian.PutUint64(value[:], psn)
		n = 8
	default: // a type that came later, as text
		n = copy(value[:len(value)-1], id.String()) + 1
	}
	p.m_eType, p.m_cbSize = C.int32_t(id.Type()), C.int32_t(n)
}

// putInfo writes what is known of a connection.
func putInfo(p *C.SteamNetConnectionInfo_t, info *gns.ConnectionInfo) {
	*p = C.SteamNetConnectionInfo_t{}
	putIdentity(&p.m_identityRemote, info.Identity)
	p.m_nUserData = C.int64_t(info.UserData)
	p.m_hListenSocket = C.HSteamListenSocket(info.ListenSocket)
	putAddr(&p.m_addrRemote, info.Addr)
	p.m_eState = C.int32_t(info.State)
	p.m_eEndReason = C.int32_t(info.EndReason)
	fillText(p.m_szEndDebug[:], info.EndDebug)
	fillText(p.m_szConnectionDescription[:], info.Description)
	p.m_nFlags = C.int32_t(info.Flags)
}

// putStatus writes the momentary condition of a connection.
func putStatus(p *C.SteamNetConnectionRealTimeStatus_t, st *gns.RealTimeStatus) {
	*p = C.SteamNetConnectionRealTimeStatus_t{
		m_eState:                    C.int32_t(st.State),
		m_nPing:                     C.int32_t(milliseconds(st.Ping)),
		m_flConnectionQualityLocal:  C.float(st.QualityLocal),
		m_flConnectionQualityRemote: C.float(st.QualityRemote),
		m_flOutPacketsPerSec:        C.float(st.OutPacketsPerSec),
		m_flOutBytesPerSec:          C.float(st.OutBytesPerSec),
		m_flInPacketsPerSec:         C.float(st.InPacketsPerSec),
		m_flInBytesPerSec:           C.float(st.InBytesPerSec),
		m_nSendRateBytesPerSecond:   clamp(st.SendRate),
		m_cbPendingUnreliable:       clamp(st.PendingUnreliable),
		m_cbPendingReliable:         clamp(st.PendingReliable),
		m_cbSentUnackedReliable:     clamp(st.SentUnackedReliable),
		m_usecQueueTime:             queueTime(st.QueueTime),
		m_usecMaxJitter:             -1,
	}
	if len(st.Lanes) > 1 {
		p.m_usecQueueTime = math.MaxInt64 // as in Valve's library: ask for those of the lanes
	}
	if st.MaxJitter >= 0 {
		p.m_usecMaxJitter = clamp(int(st.MaxJitter / time.Microsecond))
	}
}

func putLaneStatus(p *C.SteamNetConnectionRealTimeLaneStatus_t, st *gns.LaneStatus) {
	*p = C.SteamNetConnectionRealTimeLaneStatus_t{
		m_cbPendingUnreliable:   clamp(st.PendingUnreliable),
		m_cbPendingReliable:     clamp(st.PendingReliable),
		m_cbSentUnackedReliable: clamp(st.SentUnackedReliable),
		m_usecQueueTime:         queueTime(st.QueueTime),
	}
}

func milliseconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int(d / time.Millisecond)
}

func queueTime(d time.Duration) C.SteamNetworkingMicroseconds {
	if d < 0 {
		return math.MaxInt64
	}
	return C.SteamNetworkingMicroseconds(d / time.Microsecond)
}

func clamp(n int) C.int32_t { return C.int32_t(min(max(n, math.MinInt32), math.MaxInt32)) }
