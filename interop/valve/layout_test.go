package valve

import (
	"net/netip"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// The offsets that a C++ compiler gives the structures of steamnetworkingtypes.h and
// isteamnetworkingsockets.h on 64-bit Unix. TestLibraryWritesToTheEndOfStructures compares them
// with what the library itself does.
func TestStructureLayout(t *testing.T) {
	t.Parallel()
	var (
		a  ipAddr
		id identity
		ci connectionInfo
		sc statusChanged
		rt realTimeStatus
		ls laneStatus
		m  message
		cv configValue
		as authStatus
	)
	for _, row := range []struct {
		name      string
		got, want uintptr
	}{
		{"SteamNetworkingIPAddr", unsafe.Sizeof(a), 18},
		{"SteamNetworkingIPAddr.m_port", unsafe.Offsetof(a.port), 16},
		{"SteamNetworkingIdentity", unsafe.Sizeof(id), 136},
		{"SteamNetworkingIdentity.m_cbSize", unsafe.Offsetof(id.size), 4},
		{"SteamNetworkingIdentity union", unsafe.Offsetof(id.data), 8},
		{"SteamNetConnectionInfo_t", unsafe.Sizeof(ci), 696},
		{"SteamNetConnectionInfo_t.m_nUserData", unsafe.Offsetof(ci.userData), 136},
		{"SteamNetConnectionInfo_t.m_hListenSocket", unsafe.Offsetof(ci.listen), 144},
		{"SteamNetConnectionInfo_t.m_addrRemote", unsafe.Offsetof(ci.addr), 148},
		{"SteamNetConnectionInfo_t.m_idPOPRemote", unsafe.Offsetof(ci.popRemote), 168},
		{"SteamNetConnectionInfo_t.m_idPOPRelay", unsafe.Offsetof(ci.popRelay), 172},
		{"SteamNetConnectionInfo_t.m_eState", unsafe.Offsetof(ci.state), 176},
		{"SteamNetConnectionInfo_t.m_eEndReason", unsafe.Offsetof(ci.endReason), 180},
		{"SteamNetConnectionInfo_t.m_szEndDebug", unsafe.Offsetof(ci.endDebug), 184},
		{"SteamNetConnectionInfo_t.m_szConnectionDescription", unsafe.Offsetof(ci.description), 312},
		{"SteamNetConnectionInfo_t.m_nFlags", unsafe.Offsetof(ci.flags), 440},
		{"SteamNetConnectionStatusChangedCallback_t", unsafe.Sizeof(sc), 704},
		{"SteamNetConnectionStatusChangedCallback_t.m_info", unsafe.Offsetof(sc.info), 4},
		{"SteamNetConnectionStatusChangedCallback_t.m_eOldState", unsafe.Offsetof(sc.old), 700},
		{"SteamNetAuthenticationStatus_t", unsafe.Sizeof(as), 260},
		{"SteamNetAuthenticationStatus_t.m_debugMsg", unsafe.Offsetof(as.message), 4},
		{"SteamNetConnectionRealTimeStatus_t", unsafe.Sizeof(rt), 120},
		{"SteamNetConnectionRealTimeStatus_t.m_nSendRateBytesPerSecond", unsafe.Offsetof(rt.sendRate), 32},
		{"SteamNetConnectionRealTimeStatus_t.m_usecQueueTime", unsafe.Offsetof(rt.queueTime), 48},
		{"SteamNetConnectionRealTimeStatus_t.m_usecMaxJitter", unsafe.Offsetof(rt.maxJitter), 56},
		{"SteamNetConnectionRealTimeLaneStatus_t", unsafe.Sizeof(ls), 64},
		{"SteamNetConnectionRealTimeLaneStatus_t.m_usecQueueTime", unsafe.Offsetof(ls.queueTime), 16},
		{"SteamNetworkingMessage_t", unsafe.Sizeof(m), 216},
		{"SteamNetworkingMessage_t.m_conn", unsafe.Offsetof(m.conn), 12},
		{"SteamNetworkingMessage_t.m_identityPeer", unsafe.Offsetof(m.peer), 16},
		{"SteamNetworkingMessage_t.m_nConnUserData", unsafe.Offsetof(m.connUserData), 152},
		{"SteamNetworkingMessage_t.m_nMessageNumber", unsafe.Offsetof(m.number), 168},
		{"SteamNetworkingMessage_t.m_nChannel", unsafe.Offsetof(m.channel), 192},
		{"SteamNetworkingMessage_t.m_nUserData", unsafe.Offsetof(m.userData), 200},
		{"SteamNetworkingMessage_t.m_idxLane", unsafe.Offsetof(m.lane), 208},
		{"SteamNetworkingConfigValue_t", unsafe.Sizeof(cv), 16},
		{"SteamNetworkingConfigValue_t union", unsafe.Offsetof(cv.value), 8},
	} {
		require.Equal(t, row.want, row.got, row.name)
	}
}

// written has the library write a structure over a pattern and returns how many bytes, counted from
// the start, it wrote. The byte of the pattern must differ from the last one that is written.
func written(write func(p unsafe.Pointer)) uintptr {
	const pattern = 0xa5
	var buffer [256]uint64 // for alignment
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&buffer[0])), unsafe.Sizeof(buffer))
	for i := range bytes {
		bytes[i] = pattern
	}
	write(unsafe.Pointer(&buffer[0]))
	end := len(bytes)
	for end > 0 && bytes[end-1] == pattern {
		end--
	}
	return uintptr(end)
}

// The library sets every byte of some structures and everything but the reserved words at the end of
// others. How far it wrote shows where the structure, or its last field, ends.
func TestLibraryWritesToTheEndOfStructures(t *testing.T) {
	l := library(t)
	client, _ := connectedPair(t, l, netip.MustParseAddr("127.0.0.1"))
	const lanes = 3
	require.NoError(t, l.ConfigureConnectionLanes(client, []int{0, 1, 2}, nil))

	for _, row := range []struct {
		name  string
		want  uintptr
		write func(p unsafe.Pointer)
	}{
		{"SteamNetworkingIPAddr", unsafe.Sizeof(ipAddr{}), func(p unsafe.Pointer) {
			l.sym.ClearAddr((*ipAddr)(p))
		}},
		{"SteamNetworkingIdentity", unsafe.Sizeof(identity{}), func(p unsafe.Pointer) {
			l.sym.ClearIdentity((*identity)(p))
		}},
		{"SteamNetConnectionInfo_t", unsafe.Sizeof(connectionInfo{}), func(p unsafe.Pointer) {
			require.True(t, l.sym.Info(l.sockets, uint32(client), (*connectionInfo)(p)))
		}},
		{"SteamNetConnectionRealTimeStatus_t", unsafe.Offsetof(realTimeStatus{}.maxJitter) + 4, func(p unsafe.Pointer) {
			require.Equal(t, ResultOK, l.sym.Status(l.sockets, uint32(client), (*realTimeStatus)(p), 0, nil))
		}},
		{"SteamNetConnectionRealTimeLaneStatus_t", (lanes-1)*unsafe.Sizeof(laneStatus{}) + unsafe.Offsetof(laneStatus{}.queueTime) + 8, func(p unsafe.Pointer) {
			require.Equal(t, ResultOK, l.sym.Status(l.sockets, uint32(client), nil, lanes, (*laneStatus)(p)))
		}},
	} {
		require.Equal(t, row.want, written(row.write), row.name)
	}
}
