/* Where the fields of the structures are that programs and the library exchange, as a C++ compiler places those of Valve's headers on 64-bit Unix. It
 * is enough that this can be compiled, as C and as C++. */
#include "gns.h"

#ifdef __cplusplus
#define _Static_assert static_assert
#endif

#define SIZE(type, n) _Static_assert(sizeof(type) == (n), #type)
#define AT(type, field, n) _Static_assert(offsetof(type, field) == (n), #type "." #field)

SIZE(SteamNetworkingIPAddr, 18);
AT(SteamNetworkingIPAddr, m_ipv6, 0);
AT(SteamNetworkingIPAddr, m_port, 16);

SIZE(SteamNetworkingIdentity, 136);
AT(SteamNetworkingIdentity, m_eType, 0);
AT(SteamNetworkingIdentity, m_cbSize, 4);
AT(SteamNetworkingIdentity, m_value, 8);

SIZE(SteamNetConnectionInfo_t, 696);
AT(SteamNetConnectionInfo_t, m_identityRemote, 0);
AT(SteamNetConnectionInfo_t, m_nUserData, 136);
AT(SteamNetConnectionInfo_t, m_hListenSocket, 144);
AT(SteamNetConnectionInfo_t, m_addrRemote, 148);
AT(SteamNetConnectionInfo_t, m_idPOPRemote, 168);
AT(SteamNetConnectionInfo_t, m_idPOPRelay, 172);
AT(SteamNetConnectionInfo_t, m_eState, 176);
AT(SteamNetConnectionInfo_t, m_eEndReason, 180);
AT(SteamNetConnectionInfo_t, m_szEndDebug, 184);
AT(SteamNetConnectionInfo_t, m_szConnectionDescription, 312);
AT(SteamNetConnectionInfo_t, m_nFlags, 440);
AT(SteamNetConnectionInfo_t, reserved, 444);

SIZE(SteamNetConnectionStatusChangedCallback_t, 704);
AT(SteamNetConnectionStatusChangedCallback_t, m_hConn, 0);
AT(SteamNetConnectionStatusChangedCallback_t, m_info, 4);
AT(SteamNetConnectionStatusChangedCallback_t, m_eOldState, 700);

SIZE(SteamNetAuthenticationStatus_t, 260);
AT(SteamNetAuthenticationStatus_t, m_eAvail, 0);
AT(SteamNetAuthenticationStatus_t, m_debugMsg, 4);

SIZE(SteamNetConnectionRealTimeStatus_t, 120);
AT(SteamNetConnectionRealTimeStatus_t, m_eState, 0);
AT(SteamNetConnectionRealTimeStatus_t, m_nPing, 4);
AT(SteamNetConnectionRealTimeStatus_t, m_flConnectionQualityLocal, 8);
AT(SteamNetConnectionRealTimeStatus_t, m_flConnectionQualityRemote, 12);
AT(SteamNetConnectionRealTimeStatus_t, m_flOutPacketsPerSec, 16);
AT(SteamNetConnectionRealTimeStatus_t, m_flOutBytesPerSec, 20);
AT(SteamNetConnectionRealTimeStatus_t, m_flInPacketsPerSec, 24);
AT(SteamNetConnectionRealTimeStatus_t, m_flInBytesPerSec, 28);
AT(SteamNetConnectionRealTimeStatus_t, m_nSendRateBytesPerSecond, 32);
AT(SteamNetConnectionRealTimeStatus_t, m_cbPendingUnreliable, 36);
AT(SteamNetConnectionRealTimeStatus_t, m_cbPendingReliable, 40);
AT(SteamNetConnectionRealTimeStatus_t, m_cbSentUnackedReliable, 44);
AT(SteamNetConnectionRealTimeStatus_t, m_usecQueueTime, 48);
AT(SteamNetConnectionRealTimeStatus_t, m_usecMaxJitter, 56);

SIZE(SteamNetConnectionRealTimeLaneStatus_t, 64);
AT(SteamNetConnectionRealTimeLaneStatus_t, m_cbPendingUnreliable, 0);
AT(SteamNetConnectionRealTimeLaneStatus_t, m_cbPendingReliable, 4);
AT(SteamNetConnectionRealTimeLaneStatus_t, m_cbSentUnackedReliable, 8);
AT(SteamNetConnectionRealTimeLaneStatus_t, m_usecQueueTime, 16);

SIZE(SteamNetworkingMessage_t, 216);
AT(SteamNetworkingMessage_t, m_pData, 0);
AT(SteamNetworkingMessage_t, m_cbSize, 8);
AT(SteamNetworkingMessage_t, m_conn, 12);
AT(SteamNetworkingMessage_t, m_identityPeer, 16);
AT(SteamNetworkingMessage_t, m_nConnUserData, 152);
AT(SteamNetworkingMessage_t, m_usecTimeReceived, 160);
AT(SteamNetworkingMessage_t, m_nMessageNumber, 168);
AT(SteamNetworkingMessage_t, m_pfnFreeData, 176);
AT(SteamNetworkingMessage_t, m_pfnRelease, 184);
AT(SteamNetworkingMessage_t, m_nChannel, 192);
AT(SteamNetworkingMessage_t, m_nFlags, 196);
AT(SteamNetworkingMessage_t, m_nUserData, 200);
AT(SteamNetworkingMessage_t, m_idxLane, 208);

SIZE(SteamNetworkingConfigValue_t, 16);
AT(SteamNetworkingConfigValue_t, m_eValue, 0);
AT(SteamNetworkingConfigValue_t, m_eDataType, 4);
AT(SteamNetworkingConfigValue_t, m_val, 8);

SIZE(SteamNetworkingMessagesSessionRequest_t, 136);
SIZE(SteamNetworkingMessagesSessionFailed_t, 696);
SIZE(SteamRelayNetworkStatus_t, 272);
SIZE(SteamNetworkPingLocation_t, 512);
SIZE(SteamNetworkingErrMsg, 1024);
SIZE(EResult, 4);
SIZE(ESteamNetworkingAvailability, 4);
SIZE(ESteamNetworkingConfigValue, 4);
SIZE(ESteamNetworkingConfigDataType, 4);
SIZE(ESteamNetworkingConfigScope, 4);
SIZE(ESteamNetworkingGetConfigValueResult, 4);
SIZE(ESteamNetworkingConnectionState, 4);
SIZE(ESteamNetworkingFakeIPType, 4);
SIZE(ESteamNetworkingSocketsDebugOutputType, 4);
