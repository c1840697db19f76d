/*
 * Types of the C API of GameNetworkingSockets, for C, and for tools that make bindings from C headers.
 *
 * Names, numbers and layouts are those of Valve's library, so that programs built for one library run with the other. C++
 * programs may use Valve's own headers instead, but not both in the same file. All sizes are checked when this is compiled.
 */
#ifndef GNS_TYPES_H
#define GNS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Handles. Zero is none. A connection's handle is the connection ID that this side uses on the wire. */
typedef uint32_t HSteamNetConnection;
typedef uint32_t HSteamListenSocket;
typedef uint32_t HSteamNetPollGroup;

/* Microseconds of the clock that GetLocalTimestamp reads: it never goes back, and begins anywhere. */
typedef int64_t SteamNetworkingMicroseconds;

/* A Steam data center. There is none without Steam. */
typedef uint32_t SteamNetworkingPOPID;

/* Where functions that fail leave an explanation, NUL-terminated. */
enum { k_cchMaxSteamNetworkingErrMsg = 1024 };
typedef char SteamNetworkingErrMsg[k_cchMaxSteamNetworkingErrMsg];

/* What a call came to. Only these are returned. */
typedef enum EResult {
	k_EResultNone = 0,
	k_EResultOK = 1,
	k_EResultFail = 2,
	k_EResultNoConnection = 3,
	k_EResultInvalidParam = 8,
	k_EResultInvalidState = 11,
	k_EResultLimitExceeded = 25,
	k_EResultDuplicateRequest = 29,
	k_EResultIPNotFound = 31,
	k_EResultConnectFailed = 35,
	k_EResultHandshakeFailed = 36,
	k_EResultIgnored = 41,
	k_EResultDisabled = 80,
	k_EResult_Force32Bit = 0x7fffffff
} EResult;

/* How far something is that takes time to be had, such as a certificate. */
typedef enum ESteamNetworkingAvailability {
	k_ESteamNetworkingAvailability_CannotTry = -102,
	k_ESteamNetworkingAvailability_Failed = -101,
	k_ESteamNetworkingAvailability_Previously = -100,
	k_ESteamNetworkingAvailability_Retrying = -10,
	k_ESteamNetworkingAvailability_Unknown = 0,
	k_ESteamNetworkingAvailability_NeverTried = 1,
	k_ESteamNetworkingAvailability_Waiting = 2,
	k_ESteamNetworkingAvailability_Attempting = 3,
	k_ESteamNetworkingAvailability_Current = 100,
	k_ESteamNetworkingAvailability__Force32bit = 0x7fffffff
} ESteamNetworkingAvailability;

typedef enum ESteamNetworkingIdentityType {
	k_ESteamNetworkingIdentityType_Invalid = 0,
	k_ESteamNetworkingIdentityType_IPAddress = 1,
	k_ESteamNetworkingIdentityType_GenericString = 2,
	k_ESteamNetworkingIdentityType_GenericBytes = 3,
	k_ESteamNetworkingIdentityType_UnknownType = 4,
	k_ESteamNetworkingIdentityType_SteamID = 16,
	k_ESteamNetworkingIdentityType_XboxPairwiseID = 17,
	k_ESteamNetworkingIdentityType_SonyPSN = 18,
	k_ESteamNetworkingIdentityType__Force32bit = 0x7fffffff
} ESteamNetworkingIdentityType;

typedef enum ESteamNetworkingFakeIPType {
	k_ESteamNetworkingFakeIPType_Invalid = 0,
	k_ESteamNetworkingFakeIPType_NotFake = 1,
	k_ESteamNetworkingFakeIPType_GlobalIPv4 = 2,
	k_ESteamNetworkingFakeIPType_LocalIPv4 = 3,
	k_ESteamNetworkingFakeIPType__Force32Bit = 0x7fffffff
} ESteamNetworkingFakeIPType;

typedef enum ESteamNetworkingConnectionState {
	k_ESteamNetworkingConnectionState_None = 0,
	k_ESteamNetworkingConnectionState_Connecting = 1,
	k_ESteamNetworkingConnectionState_FindingRoute = 2,
	k_ESteamNetworkingConnectionState_Connected = 3,
	k_ESteamNetworkingConnectionState_ClosedByPeer = 4,
	k_ESteamNetworkingConnectionState_ProblemDetectedLocally = 5,
	k_ESteamNetworkingConnectionState_FinWait = -1, /* never seen from outside, like the two below */
	k_ESteamNetworkingConnectionState_Linger = -2,
	k_ESteamNetworkingConnectionState_Dead = -3,
	k_ESteamNetworkingConnectionState__Force32Bit = 0x7fffffff
} ESteamNetworkingConnectionState;

/* Why a connection ended. Applications use 1000 to 1999 for an expected end and 2000 to 2999 for any other; peers may send
 * any number. */
typedef enum ESteamNetConnectionEnd {
	k_ESteamNetConnectionEnd_Invalid = 0,
	k_ESteamNetConnectionEnd_App_Min = 1000,
	k_ESteamNetConnectionEnd_App_Generic = 1000,
	k_ESteamNetConnectionEnd_App_Max = 1999,
	k_ESteamNetConnectionEnd_AppException_Min = 2000,
	k_ESteamNetConnectionEnd_AppException_Generic = 2000,
	k_ESteamNetConnectionEnd_AppException_Max = 2999,
	k_ESteamNetConnectionEnd_Local_Min = 3000,
	k_ESteamNetConnectionEnd_Local_OfflineMode = 3001,
	k_ESteamNetConnectionEnd_Local_ManyRelayConnectivity = 3002,
	k_ESteamNetConnectionEnd_Local_HostedServerPrimaryRelay = 3003,
	k_ESteamNetConnectionEnd_Local_NetworkConfig = 3004,
	k_ESteamNetConnectionEnd_Local_Rights = 3005,
	k_ESteamNetConnectionEnd_Local_P2P_ICE_NoPublicAddresses = 3006,
	k_ESteamNetConnectionEnd_Local_Max = 3999,
	k_ESteamNetConnectionEnd_Remote_Min = 4000,
	k_ESteamNetConnectionEnd_Remote_Timeout = 4001,
	k_ESteamNetConnectionEnd_Remote_BadCrypt = 4002,
	k_ESteamNetConnectionEnd_Remote_BadCert = 4003,
	k_ESteamNetConnectionEnd_Remote_BadProtocolVersion = 4006,
	k_ESteamNetConnectionEnd_Remote_P2P_ICE_NoPublicAddresses = 4007,
	k_ESteamNetConnectionEnd_Remote_Max = 4999,
	k_ESteamNetConnectionEnd_Misc_Min = 5000,
	k_ESteamNetConnectionEnd_Misc_Generic = 5001,
	k_ESteamNetConnectionEnd_Misc_InternalError = 5002,
	k_ESteamNetConnectionEnd_Misc_Timeout = 5003,
	k_ESteamNetConnectionEnd_Misc_SteamConnectivity = 5005,
	k_ESteamNetConnectionEnd_Misc_NoRelaySessionsToClient = 5006,
	k_ESteamNetConnectionEnd_Misc_P2P_Rendezvous = 5008,
	k_ESteamNetConnectionEnd_Misc_P2P_NAT_Firewall = 5009,
	k_ESteamNetConnectionEnd_Misc_PeerSentNoConnection = 5010,
	k_ESteamNetConnectionEnd_Misc_Max = 5999,
	k_ESteamNetConnectionEnd__Force32Bit = 0x7fffffff
} ESteamNetConnectionEnd;

/* How a message is sent. The bits are NoNagle (do not wait for more to share a packet with), NoDelay (drop what would be late),
 * Reliable, UseCurrentThread (without meaning here) and AutoRestartBrokenSession (for SendMessageToUser). */
enum {
	k_nSteamNetworkingSend_Unreliable = 0,
	k_nSteamNetworkingSend_NoNagle = 1,
	k_nSteamNetworkingSend_UnreliableNoNagle = 1,
	k_nSteamNetworkingSend_NoDelay = 4,
	k_nSteamNetworkingSend_UnreliableNoDelay = 5,
	k_nSteamNetworkingSend_Reliable = 8,
	k_nSteamNetworkingSend_ReliableNoNagle = 9,
	k_nSteamNetworkingSend_UseCurrentThread = 16,
	k_nSteamNetworkingSend_AutoRestartBrokenSession = 32
};

/* Bits of SteamNetConnectionInfo_t.m_nFlags. */
enum {
	k_nSteamNetworkConnectionInfoFlags_Unauthenticated = 1,
	k_nSteamNetworkConnectionInfoFlags_Unencrypted = 2,
	k_nSteamNetworkConnectionInfoFlags_LoopbackBuffers = 4,
	k_nSteamNetworkConnectionInfoFlags_Fast = 8,
	k_nSteamNetworkConnectionInfoFlags_Relayed = 16,
	k_nSteamNetworkConnectionInfoFlags_DualWifi = 32
};

/* Sizes, in bytes, terminating NULs included. */
enum {
	k_cbMaxSteamNetworkingSocketsMessageSizeSend = 512 * 1024,
	k_cchSteamNetworkingMaxConnectionCloseReason = 128,
	k_cchSteamNetworkingMaxConnectionDescription = 128,
	k_cchMaxSteamNetworkingPingLocationString = 1024,
	k_cchMaxSteamNetworkingIPAddrString = 48,
	k_cchMaxSteamNetworkingIdentityString = 128,
	k_cchMaxSteamNetworkingGenericString = 32,
	k_cchMaxSteamNetworkingXboxPairwiseID = 33,
	k_cbMaxSteamNetworkingGenericBytes = 32
};

/* Special answers of functions that return a ping. */
enum {
	k_nSteamNetworkingPing_Failed = -1,
	k_nSteamNetworkingPing_Unknown = -2
};

#pragma pack(push, 1)

/* An address. IPv4 is IPv4-mapped IPv6. */
typedef struct SteamNetworkingIPAddr {
	uint8_t m_ipv6[16];
	uint16_t m_port; /* in the byte order of the machine */
} SteamNetworkingIPAddr;

/* Who somebody is. Use the functions below to read and write it; what is behind the value must be zero. */
typedef struct SteamNetworkingIdentity {
	int32_t m_eType; /* ESteamNetworkingIdentityType */
	int32_t m_cbSize; /* of the value, with the NUL of strings */
	union {
		uint64_t m_steamID64;
		uint64_t m_PSNID;
		char m_szGenericString[k_cchMaxSteamNetworkingGenericString];
		char m_szXboxPairwiseID[k_cchMaxSteamNetworkingXboxPairwiseID];
		uint8_t m_genericBytes[k_cbMaxSteamNetworkingGenericBytes];
		char m_szUnknownRawString[k_cchMaxSteamNetworkingIdentityString];
		SteamNetworkingIPAddr m_ip;
		uint32_t m_reserved[32];
	} m_value;
} SteamNetworkingIdentity;

#pragma pack(pop)

/* Valve's headers pack the structures that callbacks get differently on Windows. */
#ifdef _WIN32
#pragma pack(push, 8)
#else
#pragma pack(push, 4)
#endif

typedef struct SteamNetConnectionInfo_t {
	SteamNetworkingIdentity m_identityRemote; /* who the peer is, as far as m_nFlags says so */
	int64_t m_nUserData; /* -1 if it was never set */
	HSteamListenSocket m_hListenSocket; /* on which it arrived, 0 if this side has connected */
	SteamNetworkingIPAddr m_addrRemote; /* zero for a P2P connection without a direct path */
	uint16_t m__pad1;
	SteamNetworkingPOPID m_idPOPRemote;
	SteamNetworkingPOPID m_idPOPRelay;
	int32_t m_eState; /* ESteamNetworkingConnectionState */
	int32_t m_eEndReason; /* ESteamNetConnectionEnd, or an application's number */
	char m_szEndDebug[k_cchSteamNetworkingMaxConnectionCloseReason];
	char m_szConnectionDescription[k_cchSteamNetworkingMaxConnectionDescription];
	int32_t m_nFlags;
	uint32_t reserved[63];
} SteamNetConnectionInfo_t;

typedef struct SteamNetConnectionRealTimeStatus_t {
	int32_t m_eState; /* ESteamNetworkingConnectionState */
	int32_t m_nPing; /* milliseconds, -1 while unknown */
	float m_flConnectionQualityLocal; /* share of packets that arrived in order, 0 to 1; -1 while unknown */
	float m_flConnectionQualityRemote; /* the same as the peer sees it */
	float m_flOutPacketsPerSec;
	float m_flOutBytesPerSec;
	float m_flInPacketsPerSec;
	float m_flInBytesPerSec;
	int32_t m_nSendRateBytesPerSecond; /* how fast this side may send */
	int32_t m_cbPendingUnreliable; /* bytes that are queued and not sent yet */
	int32_t m_cbPendingReliable;
	int32_t m_cbSentUnackedReliable; /* bytes that are sent and not acknowledged yet */
	SteamNetworkingMicroseconds m_usecQueueTime; /* how long a message sent now would wait; INT64_MAX unless connected, or with several lanes */
	int32_t m_usecMaxJitter; /* since the last query, -1 while unknown */
	uint32_t reserved[15];
} SteamNetConnectionRealTimeStatus_t;

typedef struct SteamNetConnectionRealTimeLaneStatus_t {
	int32_t m_cbPendingUnreliable;
	int32_t m_cbPendingReliable;
	int32_t m_cbSentUnackedReliable;
	int32_t _reservePad1;
	SteamNetworkingMicroseconds m_usecQueueTime;
	uint32_t reserved[10];
} SteamNetConnectionRealTimeLaneStatus_t;

/* A connection has changed its state, from m_eOldState to m_info.m_eState. */
typedef struct SteamNetConnectionStatusChangedCallback_t {
	HSteamNetConnection m_hConn;
	SteamNetConnectionInfo_t m_info; /* at the time of the change */
	int32_t m_eOldState; /* ESteamNetworkingConnectionState */
} SteamNetConnectionStatusChangedCallback_t;

/* Whether this side can prove who it is. */
typedef struct SteamNetAuthenticationStatus_t {
	int32_t m_eAvail; /* ESteamNetworkingAvailability */
	char m_debugMsg[256];
} SteamNetAuthenticationStatus_t;

#pragma pack(pop)

/* Valve's relay network, which cannot be had without Steam. */
typedef struct SteamRelayNetworkStatus_t {
	int32_t m_eAvail;
	int32_t m_bPingMeasurementInProgress;
	int32_t m_eAvailNetworkConfig;
	int32_t m_eAvailAnyRelay;
	char m_debugMsg[256];
} SteamRelayNetworkStatus_t;

typedef struct SteamNetworkPingLocation_t {
	uint8_t m_data[512];
} SteamNetworkPingLocation_t;

#pragma pack(push, 1)

/* A peer wants to talk: AcceptSessionWithUser, SendMessageToUser, or nothing. */
typedef struct SteamNetworkingMessagesSessionRequest_t {
	SteamNetworkingIdentity m_identityRemote;
} SteamNetworkingMessagesSessionRequest_t;

/* A session could not be established, or was disrupted. */
typedef struct SteamNetworkingMessagesSessionFailed_t {
	SteamNetConnectionInfo_t m_info;
} SteamNetworkingMessagesSessionFailed_t;

#pragma pack(pop)

/* A message that arrived, or is to be sent with SendMessages. The library makes them: with AllocateMessage, or by receiving. Each is
 * released exactly once, by m_pfnRelease or by SendMessages, in any thread. */
typedef struct SteamNetworkingMessage_t SteamNetworkingMessage_t;
struct SteamNetworkingMessage_t {
	void *m_pData; /* NULL if a message that arrived is empty */
	int32_t m_cbSize;
	HSteamNetConnection m_conn; /* where it came from, or is to go */
	SteamNetworkingIdentity m_identityPeer; /* who sent it */
	int64_t m_nConnUserData; /* of the connection it came from */
	SteamNetworkingMicroseconds m_usecTimeReceived;
	int64_t m_nMessageNumber; /* the sender's count on the lane, from 1 */
	void (*m_pfnFreeData)(SteamNetworkingMessage_t *pMsg); /* frees m_pData; may be set by whoever sets that */
	void (*m_pfnRelease)(SteamNetworkingMessage_t *pMsg); /* must not be set */
	int32_t m_nChannel; /* of the messages interface; -1 for others */
	int32_t m_nFlags; /* received: the Reliable bit; to be sent: all */
	int64_t m_nUserData; /* the application's, until it is sent */
	uint16_t m_idxLane;
	uint16_t _pad1__;
};

/* Which of the values is meant. gns.h's GetConfigValueInfo knows names; docs/config.md of the project explains them. */
typedef enum ESteamNetworkingConfigValue {
	k_ESteamNetworkingConfig_Invalid = 0,
	k_ESteamNetworkingConfig_FakePacketLoss_Send = 2,
	k_ESteamNetworkingConfig_FakePacketLoss_Recv = 3,
	k_ESteamNetworkingConfig_FakePacketLag_Send = 4,
	k_ESteamNetworkingConfig_FakePacketLag_Recv = 5,
	k_ESteamNetworkingConfig_FakePacketReorder_Send = 6,
	k_ESteamNetworkingConfig_FakePacketReorder_Recv = 7,
	k_ESteamNetworkingConfig_FakePacketReorder_Time = 8,
	k_ESteamNetworkingConfig_SendBufferSize = 9,
	k_ESteamNetworkingConfig_SendRateMin = 10,
	k_ESteamNetworkingConfig_SendRateMax = 11,
	k_ESteamNetworkingConfig_NagleTime = 12,
	k_ESteamNetworkingConfig_LogLevel_AckRTT = 13,
	k_ESteamNetworkingConfig_LogLevel_PacketDecode = 14,
	k_ESteamNetworkingConfig_LogLevel_Message = 15,
	k_ESteamNetworkingConfig_LogLevel_PacketGaps = 16,
	k_ESteamNetworkingConfig_LogLevel_P2PRendezvous = 17,
	k_ESteamNetworkingConfig_IP_AllowWithoutAuth = 23,
	k_ESteamNetworkingConfig_TimeoutInitial = 24,
	k_ESteamNetworkingConfig_TimeoutConnected = 25,
	k_ESteamNetworkingConfig_FakePacketDup_Send = 26,
	k_ESteamNetworkingConfig_FakePacketDup_Recv = 27,
	k_ESteamNetworkingConfig_FakePacketDup_TimeMax = 28,
	k_ESteamNetworkingConfig_MTU_PacketSize = 32,
	k_ESteamNetworkingConfig_MTU_DataSize = 33,
	k_ESteamNetworkingConfig_Unencrypted = 34,
	k_ESteamNetworkingConfig_SymmetricConnect = 37,
	k_ESteamNetworkingConfig_LocalVirtualPort = 38,
	k_ESteamNetworkingConfig_ConnectionUserData = 40,
	k_ESteamNetworkingConfig_PacketTraceMaxBytes = 41,
	k_ESteamNetworkingConfig_FakeRateLimit_Send_Rate = 42,
	k_ESteamNetworkingConfig_FakeRateLimit_Send_Burst = 43,
	k_ESteamNetworkingConfig_FakeRateLimit_Recv_Rate = 44,
	k_ESteamNetworkingConfig_FakeRateLimit_Recv_Burst = 45,
	k_ESteamNetworkingConfig_RecvBufferSize = 47,
	k_ESteamNetworkingConfig_RecvBufferMessages = 48,
	k_ESteamNetworkingConfig_RecvMaxMessageSize = 49,
	k_ESteamNetworkingConfig_RecvMaxSegmentsPerPacket = 50,
	k_ESteamNetworkingConfig_OutOfOrderCorrectionWindowMicroseconds = 51,
	k_ESteamNetworkingConfig_IPLocalHost_AllowWithoutAuth = 52,
	k_ESteamNetworkingConfig_FakePacketJitter_Send_Avg = 53,
	k_ESteamNetworkingConfig_FakePacketJitter_Send_Max = 54,
	k_ESteamNetworkingConfig_FakePacketJitter_Send_Pct = 55,
	k_ESteamNetworkingConfig_FakePacketJitter_Recv_Avg = 56,
	k_ESteamNetworkingConfig_FakePacketJitter_Recv_Max = 57,
	k_ESteamNetworkingConfig_FakePacketJitter_Recv_Pct = 58,
	k_ESteamNetworkingConfig_SendTimeSincePreviousPacket = 59,
	k_ESteamNetworkingConfig_P2P_STUN_ServerList = 103,
	k_ESteamNetworkingConfig_P2P_Transport_ICE_Enable = 104,
	k_ESteamNetworkingConfig_P2P_Transport_ICE_Penalty = 105,
	k_ESteamNetworkingConfig_P2P_TURN_ServerList = 107,
	k_ESteamNetworkingConfig_P2P_TURN_UserList = 108,
	k_ESteamNetworkingConfig_P2P_TURN_PassList = 109,
	k_ESteamNetworkingConfig_P2P_Transport_ICE_Implementation = 110,
	k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged = 201, /* FnSteamNetConnectionStatusChanged */
	k_ESteamNetworkingConfig_Callback_AuthStatusChanged = 202, /* FnSteamNetAuthenticationStatusChanged */
	k_ESteamNetworkingConfig_Callback_MessagesSessionRequest = 204, /* FnSteamNetworkingMessagesSessionRequest */
	k_ESteamNetworkingConfig_Callback_MessagesSessionFailed = 205, /* FnSteamNetworkingMessagesSessionFailed */
	k_ESteamNetworkingConfig_Callback_CreateConnectionSignaling = 206, /* FnSteamNetworkingSocketsCreateConnectionSignaling */
	k_ESteamNetworkingConfig_Callback_FakeIPResult = 207, /* never called: fake addresses are Steam's */
	k_ESteamNetworkingConfigValue__Force32Bit = 0x7fffffff
} ESteamNetworkingConfigValue;

/* Where a value is set: narrower scopes inherit from wider ones. */
typedef enum ESteamNetworkingConfigScope {
	k_ESteamNetworkingConfig_Global = 1,
	k_ESteamNetworkingConfig_SocketsInterface = 2,
	k_ESteamNetworkingConfig_ListenSocket = 3,
	k_ESteamNetworkingConfig_Connection = 4,
	k_ESteamNetworkingConfigScope__Force32Bit = 0x7fffffff
} ESteamNetworkingConfigScope;

typedef enum ESteamNetworkingConfigDataType {
	k_ESteamNetworkingConfig_Int32 = 1,
	k_ESteamNetworkingConfig_Int64 = 2,
	k_ESteamNetworkingConfig_Float = 3,
	k_ESteamNetworkingConfig_String = 4,
	k_ESteamNetworkingConfig_Ptr = 5,
	k_ESteamNetworkingConfigDataType__Force32Bit = 0x7fffffff
} ESteamNetworkingConfigDataType;

typedef enum ESteamNetworkingGetConfigValueResult {
	k_ESteamNetworkingGetConfigValue_BadValue = -1,
	k_ESteamNetworkingGetConfigValue_BadScopeObj = -2,
	k_ESteamNetworkingGetConfigValue_BufferTooSmall = -3,
	k_ESteamNetworkingGetConfigValue_OK = 1,
	k_ESteamNetworkingGetConfigValue_OKInherited = 2, /* from a wider scope */
	k_ESteamNetworkingGetConfigValueResult__Force32Bit = 0x7fffffff
} ESteamNetworkingGetConfigValueResult;

/* A value to be set when a connection or listen socket is made. */
typedef struct SteamNetworkingConfigValue_t {
	int32_t m_eValue; /* ESteamNetworkingConfigValue */
	int32_t m_eDataType; /* ESteamNetworkingConfigDataType */
	union {
		int32_t m_int32;
		int64_t m_int64;
		float m_float;
		const char *m_string;
		void *m_ptr;
	} m_val;
} SteamNetworkingConfigValue_t;

/* What is told to the debug output function. */
typedef enum ESteamNetworkingSocketsDebugOutputType {
	k_ESteamNetworkingSocketsDebugOutputType_None = 0,
	k_ESteamNetworkingSocketsDebugOutputType_Bug = 1, /* the library is used wrongly */
	k_ESteamNetworkingSocketsDebugOutputType_Error = 2,
	k_ESteamNetworkingSocketsDebugOutputType_Important = 3,
	k_ESteamNetworkingSocketsDebugOutputType_Warning = 4,
	k_ESteamNetworkingSocketsDebugOutputType_Msg = 5,
	k_ESteamNetworkingSocketsDebugOutputType_Verbose = 6,
	k_ESteamNetworkingSocketsDebugOutputType_Debug = 7,
	k_ESteamNetworkingSocketsDebugOutputType_Everything = 8,
	k_ESteamNetworkingSocketsDebugOutputType__Force32Bit = 0x7fffffff
} ESteamNetworkingSocketsDebugOutputType;

/* Objects of Valve's C++ API. Each begins with a pointer to its table of virtual functions. */
#ifdef __cplusplus
class ISteamNetworkingSockets;
class ISteamNetworkingUtils;
class ISteamNetworkingMessages;
class ISteamNetworkingConnectionSignaling;
class ISteamNetworkingSignalingRecvContext;
#else
typedef struct ISteamNetworkingSockets ISteamNetworkingSockets;
typedef struct ISteamNetworkingUtils ISteamNetworkingUtils;
typedef struct ISteamNetworkingMessages ISteamNetworkingMessages;
typedef struct ISteamNetworkingConnectionSignaling ISteamNetworkingConnectionSignaling;
typedef struct ISteamNetworkingSignalingRecvContext ISteamNetworkingSignalingRecvContext;
#endif

/* Called by RunCallbacks, in its thread; they may call everything. */
typedef void (*FnSteamNetConnectionStatusChanged)(SteamNetConnectionStatusChangedCallback_t *);
typedef void (*FnSteamNetAuthenticationStatusChanged)(SteamNetAuthenticationStatus_t *);
typedef void (*FnSteamRelayNetworkStatusChanged)(SteamRelayNetworkStatus_t *);
typedef void (*FnSteamNetworkingMessagesSessionRequest)(SteamNetworkingMessagesSessionRequest_t *);
typedef void (*FnSteamNetworkingMessagesSessionFailed)(SteamNetworkingMessagesSessionFailed_t *);

/* Called in any thread, several at a time. */
typedef void (*FSteamNetworkingSocketsDebugOutput)(ESteamNetworkingSocketsDebugOutputType nType, const char *pszMsg);
typedef ISteamNetworkingConnectionSignaling *(*FnSteamNetworkingSocketsCreateConnectionSignaling)(ISteamNetworkingSockets *pLocalInterface,
	const SteamNetworkingIdentity *identityPeer, int nLocalVirtualPort, int nRemoteVirtualPort);

/* Custom signaling from functions instead of objects; see CreateCustomSignaling and ReceivedP2PCustomSignal2. */
typedef bool (*FSteamNetworkingSocketsCustomSignaling_SendSignal)(void *ctx, HSteamNetConnection hConn, const SteamNetConnectionInfo_t *info,
	const void *pMsg, int cbMsg);
typedef void (*FSteamNetworkingSocketsCustomSignaling_Release)(void *ctx);
typedef ISteamNetworkingConnectionSignaling *(*FSteamNetworkingCustomSignalingRecvContext_OnConnectRequest)(void *ctx, HSteamNetConnection hConn,
	const SteamNetworkingIdentity *identityPeer, int nLocalVirtualPort);
typedef void (*FSteamNetworkingCustomSignalingRecvContext_SendRejectionSignal)(void *ctx, const SteamNetworkingIdentity *identityPeer,
	const void *pMsg, int cbMsg);

#ifdef __cplusplus
#define GNS_CHECK_SIZE(type, size) static_assert(sizeof(type) == (size), #type)
#else
#define GNS_CHECK_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif
GNS_CHECK_SIZE(SteamNetworkingIPAddr, 18);
GNS_CHECK_SIZE(SteamNetworkingIdentity, 136);
GNS_CHECK_SIZE(SteamNetConnectionInfo_t, 696);
GNS_CHECK_SIZE(SteamNetConnectionRealTimeStatus_t, 120);
GNS_CHECK_SIZE(SteamNetConnectionRealTimeLaneStatus_t, 64);
#ifndef _WIN32
GNS_CHECK_SIZE(SteamNetConnectionStatusChangedCallback_t, 704);
#endif
GNS_CHECK_SIZE(SteamNetAuthenticationStatus_t, 260);
GNS_CHECK_SIZE(SteamNetworkingMessagesSessionFailed_t, 696);
#if UINTPTR_MAX > 0xffffffff
GNS_CHECK_SIZE(SteamNetworkingMessage_t, 216);
GNS_CHECK_SIZE(SteamNetworkingConfigValue_t, 16);
#endif

#ifdef __cplusplus
}
#endif
#endif
