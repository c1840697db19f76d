package config

import "strconv"

// ID numbers a configuration value; the numbers are Valve's (ESteamNetworkingConfigValue).
type ID int32

// Invalid is no configuration value.
const Invalid ID = 0

// Timeouts, buffers and rates of a connection.
const (
	TimeoutInitial              ID = 24
	TimeoutConnected            ID = 25
	SendBufferSize              ID = 9
	RecvBufferSize              ID = 47
	RecvBufferMessages          ID = 48
	RecvMaxMessageSize          ID = 49
	RecvMaxSegmentsPerPacket    ID = 50
	ConnectionUserData          ID = 40
	SendRateMin                 ID = 10
	SendRateMax                 ID = 11
	NagleTime                   ID = 12
	IPAllowWithoutAuth          ID = 23
	IPLocalHostAllowWithoutAuth ID = 52
	MTUPacketSize               ID = 32
	MTUDataSize                 ID = 33
	Unencrypted                 ID = 34
	SymmetricConnect            ID = 37
	LocalVirtualPort            ID = 38
	SendTimeSincePreviousPacket ID = 59
)

// Thresholds of the groups of log lines.
const (
	LogLevelAckRTT        ID = 13
	LogLevelPacketDecode  ID = 14
	LogLevelMessage       ID = 15
	LogLevelPacketGaps    ID = 16
	LogLevelP2PRendezvous ID = 17
)

// Simulated network conditions, tracing and reordering at the UDP socket.
const (
	FakePacketLossSend                     ID = 2
	FakePacketLossRecv                     ID = 3
	FakePacketLagSend                      ID = 4
	FakePacketLagRecv                      ID = 5
	FakePacketReorderSend                  ID = 6
	FakePacketReorderRecv                  ID = 7
	FakePacketReorderTime                  ID = 8
	FakePacketDupSend                      ID = 26
	FakePacketDupRecv                      ID = 27
	FakePacketDupTimeMax                   ID = 28
	FakePacketJitterSendAvg                ID = 53
	FakePacketJitterSendMax                ID = 54
	FakePacketJitterSendPct                ID = 55
	FakePacketJitterRecvAvg                ID = 56
	FakePacketJitterRecvMax                ID = 57
	FakePacketJitterRecvPct                ID = 58
	FakeRateLimitSendRate                  ID = 42
	FakeRateLimitSendBurst                 ID = 43
	FakeRateLimitRecvRate                  ID = 44
	FakeRateLimitRecvBurst                 ID = 45
	PacketTraceMaxBytes                    ID = 41
	OutOfOrderCorrectionWindowMicroseconds ID = 51
	ECN                                    ID = 999
)

// Peer-to-peer connections.
const (
	P2PSTUNServerList             ID = 103
	P2PTransportICEEnable         ID = 104
	P2PTransportICEPenalty        ID = 105
	P2PTURNServerList             ID = 107
	P2PTURNUserList               ID = 108
	P2PTURNPassList               ID = 109
	P2PTransportICEImplementation ID = 110
)

// Functions that the library calls.
const (
	CallbackConnectionStatusChanged   ID = 201
	CallbackAuthStatusChanged         ID = 202
	CallbackMessagesSessionRequest    ID = 204
	CallbackMessagesSessionFailed     ID = 205
	CallbackCreateConnectionSignaling ID = 206
)

// Bits of P2PTransportICEEnable: which ICE candidates are shared with the peer.
const (
	P2PTransportICEEnableDefault = -1 // the platform's preference; needs Steam
	P2PTransportICEEnableDisable = 0  // no ICE, no address is shared
	P2PTransportICEEnableRelay   = 1  // addresses on a TURN server
	P2PTransportICEEnablePrivate = 2  // host addresses in private or link-local ranges
	P2PTransportICEEnablePublic  = 4  // other host addresses, and those a STUN server reports
	P2PTransportICEEnableAll     = 0x7fffffff
)

// String returns Valve's name without the prefix, as in "FakePacketLoss_Send". Numbers without a name
// print as "ID(n)".
func (id ID) String() string {
	if info := find(id); info != nil {
		return info.Name
	}
	if id == Invalid {
		return "Invalid"
	}
	if name := steamOnly(id); name != "" {
		return name
	}
	return "ID(" + strconv.Itoa(int(id)) + ")"
}

// steamOnly returns the name of a value that Valve's headers define and Valve's open-source library
// does not have either, because it needs Steam's relays or platform. The names make errors readable.
func steamOnly(id ID) string {
	switch id {
	case 18:
		return "LogLevel_SDRRelayPings"
	case 19:
		return "SDRClient_ConsecutitivePingTimeoutsFailInitial" // sic
	case 20:
		return "SDRClient_ConsecutitivePingTimeoutsFail" // sic
	case 21:
		return "SDRClient_MinPingsBeforePingAccurate"
	case 22:
		return "SDRClient_SingleSocket"
	case 29:
		return "SDRClient_ForceRelayCluster"
	case 30:
		return "SDRClient_DevTicket"
	case 31:
		return "SDRClient_ForceProxyAddr"
	case 36:
		return "SDRClient_FakeClusterPing"
	case 39:
		return "DualWifi_Enable"
	case 46:
		return "EnableDiagnosticsUI"
	case 60:
		return "SDRClient_LimitPingProbesToNearestN"
	case 106:
		return "P2P_Transport_SDR_Penalty"
	case 203:
		return "Callback_RelayNetworkStatusChanged"
	case 207:
		return "Callback_FakeIPResult"
	case 998:
		return "SDRClient_EnableTOSProbes"
	}
	return ""
}

// steamOnlyMax bounds the numbers for which steamOnly has names.
const steamOnlyMax ID = 998
