/*
 * The C API of GameNetworkingSockets, as a library made from Go has it: Valve's "flat" functions under their names.
 *
 * Whatever takes an interface (self) takes only the one that the library returns, and ignores it. All functions may be called from any
 * thread, none waits for the network, and none keeps a pointer to memory of the caller except where it says so.
 */
#ifndef GNS_H
#define GNS_H

#include <stdarg.h>
#include "gns_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef GNS_API
#if defined(_WIN32) && defined(GNS_BUILD)
#define GNS_API __declspec(dllexport)
#elif defined(_WIN32)
#define GNS_API __declspec(dllimport)
#else
#define GNS_API extern
#endif
#endif

/* Begins. pIdentity says who this side is, NULL: nobody in particular. On failure it returns false and explains in errMsg. When it has
 * begun already, it changes nothing and returns true. */
GNS_API bool GameNetworkingSockets_Init(const SteamNetworkingIdentity *pIdentity, char *errMsg);

/* Ends: closes all connections, which peers learn of, and forgets everything but values of global scope. The interfaces of sockets and
 * messages are gone until the next Init. */
GNS_API void GameNetworkingSockets_Kill(void);

/* Trusts a certificate authority, whose public key is a line as ssh-keygen writes it ("ssh-ed25519 AAAA..."), and refuses everybody for whom no trusted
 * authority vouches: IP_AllowWithoutAuth and IPLocalHost_AllowWithoutAuth of global scope become 0, until they are set to
 * something else. It may be called before Init, and authorities stay trusted after Kill. Valve's library has its authorities built in
 * instead; this function is not in it. */
GNS_API bool GameNetworkingSockets_AddTrustedCA(const char *pszPublicKey, char *errMsg);

/* The interfaces. Those of sockets and messages are NULL before Init and after Kill. */
GNS_API ISteamNetworkingSockets *SteamNetworkingSockets_LibV12(void);
GNS_API ISteamNetworkingUtils *SteamNetworkingUtils_LibV4(void);
GNS_API ISteamNetworkingMessages *SteamNetworkingMessages_LibV2(void);
GNS_API ISteamNetworkingSockets *SteamAPI_SteamNetworkingSockets_v009(void);
GNS_API ISteamNetworkingUtils *SteamAPI_SteamNetworkingUtils_v003(void);
GNS_API ISteamNetworkingMessages *SteamAPI_SteamNetworkingMessages_v002(void);

/* Listening and connecting. They return 0 on failure, and the debug output function is told why. */
GNS_API HSteamListenSocket SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP(ISteamNetworkingSockets *self,
	const SteamNetworkingIPAddr *localAddress, int nOptions, const SteamNetworkingConfigValue_t *pOptions);
GNS_API HSteamNetConnection SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress(ISteamNetworkingSockets *self,
	const SteamNetworkingIPAddr *address, int nOptions, const SteamNetworkingConfigValue_t *pOptions);
GNS_API HSteamListenSocket SteamAPI_ISteamNetworkingSockets_CreateListenSocketP2P(ISteamNetworkingSockets *self,
	int nLocalVirtualPort, int nOptions, const SteamNetworkingConfigValue_t *pOptions);
GNS_API HSteamNetConnection SteamAPI_ISteamNetworkingSockets_ConnectP2P(ISteamNetworkingSockets *self,
	const SteamNetworkingIdentity *identityRemote, int nRemoteVirtualPort, int nOptions,
	const SteamNetworkingConfigValue_t *pOptions);
GNS_API EResult SteamAPI_ISteamNetworkingSockets_AcceptConnection(ISteamNetworkingSockets *self, HSteamNetConnection hConn);
GNS_API bool SteamAPI_ISteamNetworkingSockets_CloseConnection(ISteamNetworkingSockets *self, HSteamNetConnection hPeer,
	int nReason, const char *pszDebug, bool bEnableLinger);
GNS_API bool SteamAPI_ISteamNetworkingSockets_CloseListenSocket(ISteamNetworkingSockets *self, HSteamListenSocket hSocket);
GNS_API bool SteamAPI_ISteamNetworkingSockets_GetListenSocketAddress(ISteamNetworkingSockets *self, HSteamListenSocket hSocket,
	SteamNetworkingIPAddr *address);
GNS_API bool SteamAPI_ISteamNetworkingSockets_CreateSocketPair(ISteamNetworkingSockets *self,
	HSteamNetConnection *pOutConnection1, HSteamNetConnection *pOutConnection2, bool bUseNetworkLoopback,
	const SteamNetworkingIdentity *pIdentity1, const SteamNetworkingIdentity *pIdentity2);

/* Connections. */
GNS_API bool SteamAPI_ISteamNetworkingSockets_SetConnectionUserData(ISteamNetworkingSockets *self, HSteamNetConnection hPeer,
	int64_t nUserData);
GNS_API int64_t SteamAPI_ISteamNetworkingSockets_GetConnectionUserData(ISteamNetworkingSockets *self, HSteamNetConnection hPeer);
GNS_API void SteamAPI_ISteamNetworkingSockets_SetConnectionName(ISteamNetworkingSockets *self, HSteamNetConnection hPeer,
	const char *pszName);
GNS_API bool SteamAPI_ISteamNetworkingSockets_GetConnectionName(ISteamNetworkingSockets *self, HSteamNetConnection hPeer,
	char *pszName, int nMaxLen);
GNS_API bool SteamAPI_ISteamNetworkingSockets_GetConnectionInfo(ISteamNetworkingSockets *self, HSteamNetConnection hConn,
	SteamNetConnectionInfo_t *pInfo);
GNS_API EResult SteamAPI_ISteamNetworkingSockets_GetConnectionRealTimeStatus(ISteamNetworkingSockets *self,
	HSteamNetConnection hConn, SteamNetConnectionRealTimeStatus_t *pStatus, int nLanes,
	SteamNetConnectionRealTimeLaneStatus_t *pLanes);
GNS_API int SteamAPI_ISteamNetworkingSockets_GetDetailedConnectionStatus(ISteamNetworkingSockets *self,
	HSteamNetConnection hConn, char *pszBuf, int cbBuf);
GNS_API EResult SteamAPI_ISteamNetworkingSockets_ConfigureConnectionLanes(ISteamNetworkingSockets *self,
	HSteamNetConnection hConn, int nNumLanes, const int *pLanePriorities, const uint16_t *pLaneWeights);

/* Sending. SendMessages puts the number of each message, or an EResult times -1, or 0 if it was not tried, into
 * pOutMessageNumberOrResult, which may be NULL. What was sent is the library's; what was not is, too, if bDeleteFailedMessages. If not,
 * entries that were sent become NULL. */
GNS_API EResult SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(ISteamNetworkingSockets *self,
	HSteamNetConnection hConn, const void *pData, uint32_t cbData, int nSendFlags, int64_t *pOutMessageNumber);
GNS_API void SteamAPI_ISteamNetworkingSockets_SendMessages(ISteamNetworkingSockets *self, int nMessages,
	SteamNetworkingMessage_t **pMessages, int64_t *pOutMessageNumberOrResult, bool bDeleteFailedMessages);
GNS_API EResult SteamAPI_ISteamNetworkingSockets_FlushMessagesOnConnection(ISteamNetworkingSockets *self,
	HSteamNetConnection hConn);

/* Receiving. They never wait, and return how many messages there are, -1 for a handle that is none. */
GNS_API int SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnConnection(ISteamNetworkingSockets *self,
	HSteamNetConnection hConn, SteamNetworkingMessage_t **ppOutMessages, int nMaxMessages);
GNS_API int SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup(ISteamNetworkingSockets *self,
	HSteamNetPollGroup hPollGroup, SteamNetworkingMessage_t **ppOutMessages, int nMaxMessages);
GNS_API void SteamAPI_SteamNetworkingMessage_t_Release(SteamNetworkingMessage_t *self);
GNS_API HSteamNetPollGroup SteamAPI_ISteamNetworkingSockets_CreatePollGroup(ISteamNetworkingSockets *self);
GNS_API bool SteamAPI_ISteamNetworkingSockets_DestroyPollGroup(ISteamNetworkingSockets *self, HSteamNetPollGroup hPollGroup);
GNS_API bool SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup(ISteamNetworkingSockets *self, HSteamNetConnection hConn,
	HSteamNetPollGroup hPollGroup);

/* Identity and certificate of this side. The blob of GetCertificateRequest may be NULL, which asks for its size. */
GNS_API bool SteamAPI_ISteamNetworkingSockets_GetIdentity(ISteamNetworkingSockets *self, SteamNetworkingIdentity *pIdentity);
GNS_API void SteamAPI_ISteamNetworkingSockets_ResetIdentity(ISteamNetworkingSockets *self,
	const SteamNetworkingIdentity *pIdentity);
GNS_API ESteamNetworkingAvailability SteamAPI_ISteamNetworkingSockets_InitAuthentication(ISteamNetworkingSockets *self);
GNS_API ESteamNetworkingAvailability SteamAPI_ISteamNetworkingSockets_GetAuthenticationStatus(ISteamNetworkingSockets *self,
	SteamNetAuthenticationStatus_t *pDetails);
GNS_API bool SteamAPI_ISteamNetworkingSockets_GetCertificateRequest(ISteamNetworkingSockets *self, int *pcbBlob, void *pBlob,
	char *errMsg);
GNS_API bool SteamAPI_ISteamNetworkingSockets_SetCertificate(ISteamNetworkingSockets *self, const void *pCertificate,
	int cbCertificate, char *errMsg);

/* Calls the functions that are set for what has happened. */
GNS_API void SteamAPI_ISteamNetworkingSockets_RunCallbacks(ISteamNetworkingSockets *self);

/* P2P with signaling of one's own: as objects of Valve's C++ classes, or made from functions. CreateCustomSignaling's object is given to
 * ConnectP2PCustomSignaling or returned from OnConnectRequest, once; fnRelease may be NULL, and so may
 * fnSendRejectionSignal. */
GNS_API HSteamNetConnection SteamAPI_ISteamNetworkingSockets_ConnectP2PCustomSignaling(ISteamNetworkingSockets *self,
	ISteamNetworkingConnectionSignaling *pSignaling, const SteamNetworkingIdentity *pPeerIdentity, int nRemoteVirtualPort,
	int nOptions, const SteamNetworkingConfigValue_t *pOptions);
GNS_API bool SteamAPI_ISteamNetworkingSockets_ReceivedP2PCustomSignal(ISteamNetworkingSockets *self, const void *pMsg,
	int cbMsg, ISteamNetworkingSignalingRecvContext *pContext);
GNS_API ISteamNetworkingConnectionSignaling *SteamAPI_ISteamNetworkingSockets_CreateCustomSignaling(void *ctx,
	FSteamNetworkingSocketsCustomSignaling_SendSignal fnSendSignal, FSteamNetworkingSocketsCustomSignaling_Release fnRelease);
GNS_API bool SteamAPI_ISteamNetworkingSockets_ReceivedP2PCustomSignal2(ISteamNetworkingSockets *self, const void *pMsg,
	int cbMsg, void *ctx, FSteamNetworkingCustomSignalingRecvContext_OnConnectRequest fnOnConnectRequest,
	FSteamNetworkingCustomSignalingRecvContext_SendRejectionSignal fnSendRejectionSignal);

/* Messages to peers by identity, without connections. */
GNS_API EResult SteamAPI_ISteamNetworkingMessages_SendMessageToUser(ISteamNetworkingMessages *self,
	const SteamNetworkingIdentity *identityRemote, const void *pubData, uint32_t cubData, int nSendFlags, int nRemoteChannel);
GNS_API int SteamAPI_ISteamNetworkingMessages_ReceiveMessagesOnChannel(ISteamNetworkingMessages *self, int nLocalChannel,
	SteamNetworkingMessage_t **ppOutMessages, int nMaxMessages);
GNS_API bool SteamAPI_ISteamNetworkingMessages_AcceptSessionWithUser(ISteamNetworkingMessages *self,
	const SteamNetworkingIdentity *identityRemote);
GNS_API bool SteamAPI_ISteamNetworkingMessages_CloseSessionWithUser(ISteamNetworkingMessages *self,
	const SteamNetworkingIdentity *identityRemote);
GNS_API bool SteamAPI_ISteamNetworkingMessages_CloseChannelWithUser(ISteamNetworkingMessages *self,
	const SteamNetworkingIdentity *identityRemote, int nLocalChannel);

GNS_API ESteamNetworkingConnectionState SteamAPI_ISteamNetworkingMessages_GetSessionConnectionInfo(ISteamNetworkingMessages *self, const SteamNetworkingIdentity *identityRemote, SteamNetConnectionInfo_t *pConnectionInfo, SteamNetConnectionRealTimeStatus_t *pQuickStatus);

/* A message to be filled and given to SendMessages. If cbAllocateBuffer is 0, set m_pData, and m_pfnFreeData if it must be freed. */
GNS_API SteamNetworkingMessage_t *SteamAPI_ISteamNetworkingUtils_AllocateMessage(ISteamNetworkingUtils *self,
	int cbAllocateBuffer);

/* The time now, of the clock that messages are stamped with. */
GNS_API SteamNetworkingMicroseconds SteamAPI_ISteamNetworkingUtils_GetLocalTimestamp(ISteamNetworkingUtils *self);

/* What the library has to say, of this type and more important ones; NULL: nothing. */
GNS_API void SteamAPI_ISteamNetworkingUtils_SetDebugOutputFunction(ISteamNetworkingUtils *self,
	ESteamNetworkingSocketsDebugOutputType eDetailLevel, FSteamNetworkingSocketsDebugOutput pfnFunc);

/* Configuration. pArg points to the value, or is the text itself, or NULL to take a value away. scopeObj is a handle, or nothing. */
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetConfigValue(ISteamNetworkingUtils *self, ESteamNetworkingConfigValue eValue,
	ESteamNetworkingConfigScope eScopeType, intptr_t scopeObj, ESteamNetworkingConfigDataType eDataType, const void *pArg);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetConfigValueStruct(ISteamNetworkingUtils *self,
	const SteamNetworkingConfigValue_t *opt, ESteamNetworkingConfigScope eScopeType, intptr_t scopeObj);
GNS_API ESteamNetworkingGetConfigValueResult SteamAPI_ISteamNetworkingUtils_GetConfigValue(ISteamNetworkingUtils *self,
	ESteamNetworkingConfigValue eValue, ESteamNetworkingConfigScope eScopeType, intptr_t scopeObj,
	ESteamNetworkingConfigDataType *pOutDataType, void *pResult, size_t *cbResult);
GNS_API const char *SteamAPI_ISteamNetworkingUtils_GetConfigValueInfo(ISteamNetworkingUtils *self,
	ESteamNetworkingConfigValue eValue, ESteamNetworkingConfigDataType *pOutDataType, ESteamNetworkingConfigScope *pOutScope);

GNS_API ESteamNetworkingConfigValue SteamAPI_ISteamNetworkingUtils_IterateGenericEditableConfigValues(ISteamNetworkingUtils *self, ESteamNetworkingConfigValue eCurrent, bool bEnumerateDevVars);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValueInt32(ISteamNetworkingUtils *self,
	ESteamNetworkingConfigValue eValue, int32_t val);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValueFloat(ISteamNetworkingUtils *self,
	ESteamNetworkingConfigValue eValue, float val);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValueString(ISteamNetworkingUtils *self,
	ESteamNetworkingConfigValue eValue, const char *val);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValuePtr(ISteamNetworkingUtils *self,
	ESteamNetworkingConfigValue eValue, void *val);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetConnectionConfigValueInt32(ISteamNetworkingUtils *self,
	HSteamNetConnection hConn, ESteamNetworkingConfigValue eValue, int32_t val);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetConnectionConfigValueFloat(ISteamNetworkingUtils *self,
	HSteamNetConnection hConn, ESteamNetworkingConfigValue eValue, float val);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetConnectionConfigValueString(ISteamNetworkingUtils *self,
	HSteamNetConnection hConn, ESteamNetworkingConfigValue eValue, const char *val);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(ISteamNetworkingUtils *self,
	FnSteamNetConnectionStatusChanged fnCallback);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetAuthenticationStatusChanged(ISteamNetworkingUtils *self,
	FnSteamNetAuthenticationStatusChanged fnCallback);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamRelayNetworkStatusChanged(ISteamNetworkingUtils *self,
	FnSteamRelayNetworkStatusChanged fnCallback);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_MessagesSessionRequest(ISteamNetworkingUtils *self,
	FnSteamNetworkingMessagesSessionRequest fnCallback);
GNS_API bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_MessagesSessionFailed(ISteamNetworkingUtils *self,
	FnSteamNetworkingMessagesSessionFailed fnCallback);

/* Addresses. */
GNS_API void SteamAPI_SteamNetworkingIPAddr_Clear(SteamNetworkingIPAddr *self);
GNS_API bool SteamAPI_SteamNetworkingIPAddr_IsIPv6AllZeros(const SteamNetworkingIPAddr *self);
GNS_API void SteamAPI_SteamNetworkingIPAddr_SetIPv6(SteamNetworkingIPAddr *self, const uint8_t *ipv6, uint16_t nPort);
GNS_API void SteamAPI_SteamNetworkingIPAddr_SetIPv4(SteamNetworkingIPAddr *self, uint32_t nIP, uint16_t nPort);
GNS_API bool SteamAPI_SteamNetworkingIPAddr_IsIPv4(const SteamNetworkingIPAddr *self);
GNS_API uint32_t SteamAPI_SteamNetworkingIPAddr_GetIPv4(const SteamNetworkingIPAddr *self);
GNS_API void SteamAPI_SteamNetworkingIPAddr_SetIPv6LocalHost(SteamNetworkingIPAddr *self, uint16_t nPort);
GNS_API bool SteamAPI_SteamNetworkingIPAddr_IsLocalHost(const SteamNetworkingIPAddr *self);
GNS_API bool SteamAPI_SteamNetworkingIPAddr_IsEqualTo(const SteamNetworkingIPAddr *self, const SteamNetworkingIPAddr *x);
GNS_API void SteamAPI_SteamNetworkingIPAddr_ToString(const SteamNetworkingIPAddr *self, char *buf, size_t cbBuf, bool bWithPort);
GNS_API bool SteamAPI_SteamNetworkingIPAddr_ParseString(SteamNetworkingIPAddr *self, const char *pszStr);

/* Identities. Functions that get something return NULL or 0 if the identity is of another type; what they point to is the identity's. */
GNS_API void SteamAPI_SteamNetworkingIdentity_Clear(SteamNetworkingIdentity *self);
GNS_API bool SteamAPI_SteamNetworkingIdentity_IsInvalid(const SteamNetworkingIdentity *self);
GNS_API void SteamAPI_SteamNetworkingIdentity_SetSteamID(SteamNetworkingIdentity *self, uint64_t steamID);
GNS_API uint64_t SteamAPI_SteamNetworkingIdentity_GetSteamID(const SteamNetworkingIdentity *self);
GNS_API void SteamAPI_SteamNetworkingIdentity_SetSteamID64(SteamNetworkingIdentity *self, uint64_t steamID);
GNS_API uint64_t SteamAPI_SteamNetworkingIdentity_GetSteamID64(const SteamNetworkingIdentity *self);
GNS_API bool SteamAPI_SteamNetworkingIdentity_SetXboxPairwiseID(SteamNetworkingIdentity *self, const char *pszString);
GNS_API const char *SteamAPI_SteamNetworkingIdentity_GetXboxPairwiseID(const SteamNetworkingIdentity *self);
GNS_API void SteamAPI_SteamNetworkingIdentity_SetIPAddr(SteamNetworkingIdentity *self, const SteamNetworkingIPAddr *addr);
GNS_API const SteamNetworkingIPAddr *SteamAPI_SteamNetworkingIdentity_GetIPAddr(const SteamNetworkingIdentity *self);
GNS_API void SteamAPI_SteamNetworkingIdentity_SetLocalHost(SteamNetworkingIdentity *self);
GNS_API bool SteamAPI_SteamNetworkingIdentity_IsLocalHost(const SteamNetworkingIdentity *self);
GNS_API bool SteamAPI_SteamNetworkingIdentity_SetGenericString(SteamNetworkingIdentity *self, const char *pszString);
GNS_API const char *SteamAPI_SteamNetworkingIdentity_GetGenericString(const SteamNetworkingIdentity *self);
GNS_API bool SteamAPI_SteamNetworkingIdentity_SetGenericBytes(SteamNetworkingIdentity *self, const void *data, uint32_t cbLen);
GNS_API const uint8_t *SteamAPI_SteamNetworkingIdentity_GetGenericBytes(const SteamNetworkingIdentity *self, int *cbLen);
GNS_API bool SteamAPI_SteamNetworkingIdentity_IsEqualTo(const SteamNetworkingIdentity *self, const SteamNetworkingIdentity *x);
GNS_API void SteamAPI_SteamNetworkingIdentity_ToString(const SteamNetworkingIdentity *self, char *buf, size_t cbBuf);
GNS_API bool SteamAPI_SteamNetworkingIdentity_ParseString(SteamNetworkingIdentity *self, size_t sizeofIdentity,
	const char *pszStr);

/* What the inline functions of Valve's headers call. */
GNS_API void SteamNetworkingIPAddr_ToString(const SteamNetworkingIPAddr *pAddr, char *buf, size_t cbBuf, bool bWithPort);
GNS_API bool SteamNetworkingIPAddr_ParseString(SteamNetworkingIPAddr *pAddr, const char *pszStr);
GNS_API ESteamNetworkingFakeIPType SteamNetworkingIPAddr_GetFakeIPType(const SteamNetworkingIPAddr *pAddr);
GNS_API void SteamNetworkingIdentity_ToString(const SteamNetworkingIdentity *pIdentity, char *buf, size_t cbBuf);
GNS_API bool SteamNetworkingIdentity_ParseString(SteamNetworkingIdentity *pIdentity, size_t sizeofIdentity, const char *pszStr);

/* Valve's library has one lock, and functions to watch it. There is none here: these functions are accepted. The one for the service thread
 * is called during Init, in the thread in which the debug output function and signaling objects are called, which ends with Kill. */
GNS_API void SteamNetworkingSockets_SetLockWaitWarningThreshold(SteamNetworkingMicroseconds usecThreshold);
GNS_API void SteamNetworkingSockets_SetLockAcquiredCallback(void (*callback)(const char *tags,
	SteamNetworkingMicroseconds usecWaited));
GNS_API void SteamNetworkingSockets_SetLockHeldCallback(void (*callback)(const char *tags,
	SteamNetworkingMicroseconds usecWaited));
GNS_API void SteamNetworkingSockets_SetServiceThreadInitCallback(void (*callback)(void));

/* Valve's library can be told to do its work in Poll alone. Here it goes on by itself, and Poll waits until there is a callback or a
 * message, for msMaxWaitTime milliseconds at most (-1: as long as it takes). */
GNS_API void SteamNetworkingSockets_SetManualPollMode(bool bFlag);
GNS_API void SteamNetworkingSockets_Poll(int msMaxWaitTime);

/* Replaces the formatting of what is said to the debug output function. The default one formats it and calls that function. */
GNS_API void SteamNetworkingSockets_SetPreFormatDebugOutputHandler(ESteamNetworkingSocketsDebugOutputType eDetailLevel,
	void (*pfn_Handler)(ESteamNetworkingSocketsDebugOutputType eType, bool bFmt, const char *pstrFile, int nLine, const char *pMsg,
	va_list ap));
GNS_API void SteamNetworkingSockets_DefaultPreFormatDebugOutputHandler(ESteamNetworkingSocketsDebugOutputType eType, bool bFmt,
	const char *pstrFile, int nLine, const char *pMsg, va_list ap);

#ifdef __cplusplus
}
#endif
#endif
