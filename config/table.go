package config

import "math"

// Reasons for Info.Unused.
const (
	oneTransport    = "peer-to-peer connections have ICE alone, so that its routes compete with no others"
	oneICE          = "the ICE implementation is that of Options.ICE"
	logsOtherwise   = "the handler of Options.Logger decides what is logged; Options.KeyLog lets other tools read packets"
	correctsNothing = "packets are taken as they come; messages are put in order without waiting for late packets"
	experimental    = "ECN bits are left to the system, as on most platforms with Valve's library"
)

// table has every value in ascending order of ID. It is never written to.
var table = [...]Info{
	rowFloat(FakePacketLossSend, "FakePacketLoss_Send", 0, 0, 100, "%",
		"Simulated loss: percentage of outgoing packets that are dropped."),
	rowFloat(FakePacketLossRecv, "FakePacketLoss_Recv", 0, 0, 100, "%",
		"Simulated loss: percentage of incoming packets that are dropped."),
	rowInt32(FakePacketLagSend, "FakePacketLag_Send", Global, 0, 0, 5000, "ms",
		"Simulated latency: constant delay of outgoing packets."),
	rowInt32(FakePacketLagRecv, "FakePacketLag_Recv", Global, 0, 0, 5000, "ms",
		"Simulated latency: constant delay of incoming packets."),
	rowFloat(FakePacketReorderSend, "FakePacketReorder_Send", 0, 0, 100, "%",
		"Simulated reordering: percentage of outgoing packets held back by FakePacketReorder_Time."),
	rowFloat(FakePacketReorderRecv, "FakePacketReorder_Recv", 0, 0, 100, "%",
		"Simulated reordering: percentage of incoming packets held back by FakePacketReorder_Time."),
	rowInt32(FakePacketReorderTime, "FakePacketReorder_Time", Global, 15, 0, 5000, "ms",
		"Simulated reordering: how long a packet chosen for it is held back, both directions."),
	rowInt32(SendBufferSize, "SendBufferSize", Connection, 512<<10, 4<<10, 0x10000000, "bytes",
		"Most bytes, over all lanes, that may wait to be sent before sending is refused."),
	rowInt32(SendRateMin, "SendRateMin", Connection, 256<<10, 1024, 1<<30, "bytes/s",
		"Lower bound of the send rate; no bandwidth is estimated, so set SendRateMax to the same number."),
	rowInt32(SendRateMax, "SendRateMax", Connection, 256<<10, 1024, 1<<30, "bytes/s",
		"Upper bound of the send rate; raised to SendRateMin where smaller. The default is 256 KiB/s."),
	rowInt32(NagleTime, "NagleTime", Connection, 5000, 0, 20000, "µs",
		"How long a message that does not fill a packet may wait for others to share the packet."),
	rowLogLevel(LogLevelAckRTT, "LogLevel_AckRTT", "round-trip times measured from acks and pings"),
	rowLogLevel(LogLevelPacketDecode, "LogLevel_PacketDecode", "packets sent and received"),
	rowLogLevel(LogLevelMessage, "LogLevel_Message", "messages sent and received"),
	rowLogLevel(LogLevelPacketGaps, "LogLevel_PacketGaps", "lost packets"),
	rowLogLevel(LogLevelP2PRendezvous, "LogLevel_P2PRendezvous", "peer-to-peer signals"),
	rowInt32(IPAllowWithoutAuth, "IP_AllowWithoutAuth", Connection, 2, 0, 2, "",
		"Peers without certificate: 0 refuse, and fail without an own one; 1 allow and warn; 2 allow, do not try to authenticate.").
		lockable().dev(),
	rowInt32(TimeoutInitial, "TimeoutInitial", Connection, 10000, 0, math.MaxInt32, "ms",
		"How long connecting may take, the time the listening application needs to accept included."),
	rowInt32(TimeoutConnected, "TimeoutConnected", Connection, 10000, 0, math.MaxInt32, "ms",
		"Silence after which a connection is lost, if several requests for a reply also went unanswered."),
	rowFloat(FakePacketDupSend, "FakePacketDup_Send", 0, 0, 100, "%",
		"Simulated duplication: percentage of outgoing packets sent twice."),
	rowFloat(FakePacketDupRecv, "FakePacketDup_Recv", 0, 0, 100, "%",
		"Simulated duplication: percentage of incoming packets received twice."),
	rowInt32(FakePacketDupTimeMax, "FakePacketDup_TimeMax", Global, 10, 0, 5000, "ms",
		"Simulated duplication: the copy follows after a random time up to this one, both directions."),
	rowInt32(MTUPacketSize, "MTU_PacketSize", Connection, 1300, 200, 1300, "bytes",
		"Largest UDP payload to send; lowering it waits until no reliable data is in flight."),
	rowInt32(MTUDataSize, "MTU_DataSize", Connection, 1200, 0, 0, "bytes",
		"Read-only: Valve's estimate, MTU_PacketSize - 100, of the largest message that fits one packet.").
		readOnly(),
	rowInt32(Unencrypted, "Unencrypted", Connection, 0, 0, 3, "",
		"Plain-text packets, if the peer consents: 0 never, 1 allow, 2 prefer, 3 require.").
		lockable().dev(),
	rowInt32(SymmetricConnect, "SymmetricConnect", Connection, 0, 0, 1, "",
		"Peer-to-peer: 1 merges connections that both peers open to each other at the same time.").
		lockable().hidden(),
	rowInt32(LocalVirtualPort, "LocalVirtualPort", Connection, -1, -1, math.MaxInt32, "",
		"Peer-to-peer: virtual port on this side; -1 is the same as the remote one.").
		lockable().hidden(),
	rowInt64(ConnectionUserData, "ConnectionUserData", -1,
		"User data that a connection begins with; later changes above a connection do not reach it.").
		hidden(),
	rowInt32(PacketTraceMaxBytes, "PacketTraceMaxBytes", Global, -1, -1, 99999, "bytes",
		"Trace each UDP packet with up to that many bytes of its content; -1 is off.").
		unused(logsOtherwise),
	rowInt32(FakeRateLimitSendRate, "FakeRateLimit_Send_Rate", Global, 0, 0, 1<<30, "bytes/s",
		"Simulated bandwidth, outgoing: packets beyond this rate are dropped; 0 is off."),
	rowInt32(FakeRateLimitSendBurst, "FakeRateLimit_Send_Burst", Global, 16<<10, 0, 1<<20, "bytes",
		"Simulated bandwidth, outgoing: how much may exceed FakeRateLimit_Send_Rate at once."),
	rowInt32(FakeRateLimitRecvRate, "FakeRateLimit_Recv_Rate", Global, 0, 0, 1<<30, "bytes/s",
		"Simulated bandwidth, incoming: packets beyond this rate are dropped; 0 is off."),
	rowInt32(FakeRateLimitRecvBurst, "FakeRateLimit_Recv_Burst", Global, 16<<10, 0, 1<<20, "bytes",
		"Simulated bandwidth, incoming: how much may exceed FakeRateLimit_Recv_Rate at once."),
	rowInt32(RecvBufferSize, "RecvBufferSize", Connection, 1<<20, 4<<10, 0x10000000, "bytes",
		"Most bytes received and not yet read before packets are refused; keep above RecvMaxMessageSize."),
	rowInt32(RecvBufferMessages, "RecvBufferMessages", Connection, 1000, 2, 0x10000000, "messages",
		"Most messages received and not yet read before packets are refused."),
	rowInt32(RecvMaxMessageSize, "RecvMaxMessageSize", Connection, 512<<10, 64, 0x10000000, "bytes",
		"Largest message to accept; a larger one closes the connection."),
	rowInt32(RecvMaxSegmentsPerPacket, "RecvMaxSegmentsPerPacket", Connection, 1300, 1, 1300, "segments",
		"Most message segments to accept in one packet; the rest of the packet is dropped."),
	rowInt32(OutOfOrderCorrectionWindowMicroseconds, "OutOfOrderCorrectionWindowMicroseconds", Global, 1000, 0, 50000, "µs",
		"How long a packet that came early is held back for the missing one; 0 is off.").
		unused(correctsNothing),
	rowInt32(IPLocalHostAllowWithoutAuth, "IPLocalHost_AllowWithoutAuth", Connection, 2, 0, 2, "",
		"IP_AllowWithoutAuth for peers on this host; the larger of the two counts.").
		lockable(),
	rowFloat(FakePacketJitterSendAvg, "FakePacketJitter_Send_Avg", 0, 0, 2000, "ms",
		"Simulated jitter, outgoing: mean of the random extra delay; 0 is off."),
	rowFloat(FakePacketJitterSendMax, "FakePacketJitter_Send_Max", 100, 0, 5000, "ms",
		"Simulated jitter, outgoing: upper bound of the random extra delay."),
	rowFloat(FakePacketJitterSendPct, "FakePacketJitter_Send_Pct", 75, 0, 100, "%",
		"Simulated jitter, outgoing: percentage of packets given a random extra delay."),
	rowFloat(FakePacketJitterRecvAvg, "FakePacketJitter_Recv_Avg", 0, 0, 2000, "ms",
		"Simulated jitter, incoming: mean of the random extra delay; 0 is off."),
	rowFloat(FakePacketJitterRecvMax, "FakePacketJitter_Recv_Max", 100, 0, 5000, "ms",
		"Simulated jitter, incoming: upper bound of the random extra delay."),
	rowFloat(FakePacketJitterRecvPct, "FakePacketJitter_Recv_Pct", 75, 0, 100, "%",
		"Simulated jitter, incoming: percentage of packets given a random extra delay."),
	rowInt32(SendTimeSincePreviousPacket, "SendTimeSincePreviousPacket", Connection, -1, -1, 1, "",
		"Tell the peer the time between packets, for its jitter statistics: 0 no, 1 yes, -1 not on plain UDP."),
	rowString(P2PSTUNServerList, "P2P_STUN_ServerList",
		"Peer-to-peer: STUN servers, host:port separated by commas; empty does without."),
	rowInt32(P2PTransportICEEnable, "P2P_Transport_ICE_Enable", Connection, P2PTransportICEEnableAll, P2PTransportICEEnableDisable, P2PTransportICEEnableAll, "",
		"Peer-to-peer: addresses shared with the peer, sum of 1 relay, 2 private, 4 public; 0 none.").
		lockable(),
	rowInt32(P2PTransportICEPenalty, "P2P_Transport_ICE_Penalty", Connection, 0, 0, math.MaxInt32, "ms",
		"Peer-to-peer: added to the score of ICE routes, which begins with the ping.").
		unused(oneTransport),
	rowString(P2PTURNServerList, "P2P_TURN_ServerList",
		"Peer-to-peer: TURN servers, host:port separated by commas; empty does without."),
	rowString(P2PTURNUserList, "P2P_TURN_UserList",
		"Peer-to-peer: user names for P2P_TURN_ServerList, as many, separated by commas."),
	rowString(P2PTURNPassList, "P2P_TURN_PassList",
		"Peer-to-peer: passwords for P2P_TURN_ServerList, as many, separated by commas."),
	rowInt32(P2PTransportICEImplementation, "P2P_Transport_ICE_Implementation", Connection, 0, 0, 2, "",
		"Peer-to-peer: ICE implementation in Valve's library, 0 default, 1 native, 2 WebRTC.").
		lockable().unused(oneICE),
	rowFunc(CallbackConnectionStatusChanged, "Callback_ConnectionStatusChanged", Connection,
		"Called when a connection changes its state."),
	rowFunc(CallbackAuthStatusChanged, "Callback_AuthStatusChanged", Global,
		"Called when the availability of authentication changes."),
	rowFunc(CallbackMessagesSessionRequest, "Callback_MessagesSessionRequest", Global,
		"Called when a peer asks for a messages session."),
	rowFunc(CallbackMessagesSessionFailed, "Callback_MessagesSessionFailed", Global,
		"Called when a messages session fails."),
	rowFunc(CallbackCreateConnectionSignaling, "Callback_CreateConnectionSignaling", Global,
		"Called to make the signaling object of an outbound peer-to-peer connection."),
	rowInt32(ECN, "ECN", Global, -1, -1, 2, "",
		"Experimental: ECN bits of every packet sent, 0 to 2; -1 chooses.").
		unused(experimental),
}

func rowInt32(id ID, name string, scope Scope, def, lo, hi int32, unit, help string) Info {
	return Info{
		ID: id, Name: name, Type: TypeInt32, Scope: scope, Default: Int32(id, def),
		Min: float64(lo), Max: float64(hi), Unit: unit, Help: help,
	}
}

func rowLogLevel(id ID, name, group string) Info {
	return rowInt32(id, name, Connection, 4, 2, 8, "",
		"Log lines about "+group+": 2 errors only … 4 warnings … 8 everything.").
		unused(logsOtherwise)
}

func rowInt64(id ID, name string, def int64, help string) Info {
	return Info{ID: id, Name: name, Type: TypeInt64, Scope: Connection, Default: Int64(id, def), Help: help}
}

func rowFloat(id ID, name string, def, lo, hi float32, unit, help string) Info {
	return Info{
		ID: id, Name: name, Type: TypeFloat, Scope: Global, Default: Float(id, def),
		Min: float64(lo), Max: float64(hi), Unit: unit, Help: help,
	}
}

func rowString(id ID, name, help string) Info {
	return Info{ID: id, Name: name, Type: TypeString, Scope: Connection, Default: String(id, ""), Help: help}
}

func rowFunc(id ID, name string, scope Scope, help string) Info {
	return Info{ID: id, Name: name, Type: TypeFunc, Scope: scope, Default: Func(id, nil), Help: help}
}

func (i Info) lockable() Info             { i.Lockable = true; return i }
func (i Info) readOnly() Info             { i.ReadOnly = true; return i }
func (i Info) dev() Info                  { i.Dev = true; return i }
func (i Info) hidden() Info               { i.notGeneric = true; return i }
func (i Info) unused(because string) Info { i.Unused = because; return i }

// noSlot is the slot of numbers that are no value.
const noSlot = 0xff

// slots maps an ID to its index in table. It is never written to after this.
var slots = func() (s [ECN + 1]uint8) {
	for i := range s {
		s[i] = noSlot
	}
	for i := range table {
		s[table[i].ID] = uint8(i)
	}
	return s
}()

// slotOf returns the index of id in table, or noSlot.
func slotOf(id ID) uint8 {
	if id < 0 || int(id) >= len(slots) {
		return noSlot
	}
	return slots[id]
}

func find(id ID) *Info {
	if s := slotOf(id); s != noSlot {
		return &table[s]
	}
	return nil
}
