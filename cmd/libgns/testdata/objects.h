// The classes of the C++ API as a program declares them that knows nothing but the order of their methods. A method that is
// called wrongly here would be called wrongly by every program.
#ifndef OBJECTS_H
#define OBJECTS_H

#include "check.h"

class ISteamNetworkingConnectionSignaling {
public:
	virtual bool SendSignal(HSteamNetConnection conn, const SteamNetConnectionInfo_t &info, const void *signal, int n) = 0;
	virtual void Release() = 0;

protected:
	~ISteamNetworkingConnectionSignaling() = default;
};

class ISteamNetworkingSignalingRecvContext {
public:
	virtual ISteamNetworkingConnectionSignaling *OnConnectRequest(HSteamNetConnection conn, const SteamNetworkingIdentity &peer, int localVirtualPort) = 0;
	virtual void SendRejectionSignal(const SteamNetworkingIdentity &peer, const void *signal, int n) = 0;

protected:
	~ISteamNetworkingSignalingRecvContext() = default;
};

typedef SteamNetworkingConfigValue_t Option;

class ISteamNetworkingSockets {
public:
	virtual HSteamListenSocket CreateListenSocketIP(const SteamNetworkingIPAddr &local, int n, const Option *options) = 0;
	virtual HSteamNetConnection ConnectByIPAddress(const SteamNetworkingIPAddr &remote, int n, const Option *options) = 0;
	virtual HSteamListenSocket CreateListenSocketP2P(int localVirtualPort, int n, const Option *options) = 0;
	virtual HSteamNetConnection ConnectP2P(const SteamNetworkingIdentity &remote, int remoteVirtualPort, int n, const Option *options) = 0;
	virtual EResult AcceptConnection(HSteamNetConnection conn) = 0;
	virtual bool CloseConnection(HSteamNetConnection conn, int reason, const char *debug, bool linger) = 0;
	virtual bool CloseListenSocket(HSteamListenSocket listener) = 0;
	virtual bool SetConnectionUserData(HSteamNetConnection conn, int64_t data) = 0;
	virtual int64_t GetConnectionUserData(HSteamNetConnection conn) = 0;
	virtual void SetConnectionName(HSteamNetConnection conn, const char *name) = 0;
	virtual bool GetConnectionName(HSteamNetConnection conn, char *name, int size) = 0;
	virtual EResult SendMessageToConnection(HSteamNetConnection conn, const void *data, uint32_t n, int flags, int64_t *number) = 0;
	virtual void SendMessages(int n, SteamNetworkingMessage_t **messages, int64_t *results, bool deleteFailed) = 0;
	virtual EResult FlushMessagesOnConnection(HSteamNetConnection conn) = 0;
	virtual int ReceiveMessagesOnConnection(HSteamNetConnection conn, SteamNetworkingMessage_t **messages, int most) = 0;
	virtual bool GetConnectionInfo(HSteamNetConnection conn, SteamNetConnectionInfo_t *info) = 0;
	virtual EResult GetConnectionRealTimeStatus(HSteamNetConnection conn, SteamNetConnectionRealTimeStatus_t *status, int n, SteamNetConnectionRealTimeLaneStatus_t *lanes) = 0;
	virtual int GetDetailedConnectionStatus(HSteamNetConnection conn, char *text, int size) = 0;
	virtual bool GetListenSocketAddress(HSteamListenSocket listener, SteamNetworkingIPAddr *address) = 0;
	virtual bool CreateSocketPair(HSteamNetConnection *a, HSteamNetConnection *b, bool network, const SteamNetworkingIdentity *peerOfA, const SteamNetworkingIdentity *peerOfB) = 0;
	virtual EResult ConfigureConnectionLanes(HSteamNetConnection conn, int n, const int *priorities, const uint16_t *weights) = 0;
	virtual bool GetIdentity(SteamNetworkingIdentity *identity) = 0;
	virtual ESteamNetworkingAvailability InitAuthentication() = 0;
	virtual ESteamNetworkingAvailability GetAuthenticationStatus(SteamNetAuthenticationStatus_t *status) = 0;
	virtual HSteamNetPollGroup CreatePollGroup() = 0;
	virtual bool DestroyPollGroup(HSteamNetPollGroup group) = 0;
	virtual bool SetConnectionPollGroup(HSteamNetConnection conn, HSteamNetPollGroup group) = 0;
	virtual int ReceiveMessagesOnPollGroup(HSteamNetPollGroup group, SteamNetworkingMessage_t **messages, int most) = 0;
	virtual bool ReceivedRelayAuthTicket(const void *ticket, int n, void *parsed) = 0;
	virtual int FindRelayAuthTicketForServer(const SteamNetworkingIdentity &server, int remoteVirtualPort, void *parsed) = 0;
	virtual HSteamNetConnection ConnectToHostedDedicatedServer(const SteamNetworkingIdentity &server, int remoteVirtualPort, int n, const Option *options) = 0;
	virtual uint16_t GetHostedDedicatedServerPort() = 0;
	virtual SteamNetworkingPOPID GetHostedDedicatedServerPOPID() = 0;
	virtual EResult GetHostedDedicatedServerAddress(void *routing) = 0;
	virtual HSteamListenSocket CreateHostedDedicatedServerListenSocket(int localVirtualPort, int n, const Option *options) = 0;
	virtual EResult GetGameCoordinatorServerLogin(void *login, int *size, void *blob) = 0;
	virtual HSteamNetConnection ConnectP2PCustomSignaling(ISteamNetworkingConnectionSignaling *signaling, const SteamNetworkingIdentity *peer, int remoteVirtualPort, int n, const Option *options) = 0;
	virtual bool ReceivedP2PCustomSignal(const void *signal, int n, ISteamNetworkingSignalingRecvContext *context) = 0;
	virtual bool GetCertificateRequest(int *size, void *blob, SteamNetworkingErrMsg &err) = 0;
	virtual bool SetCertificate(const void *certificate, int n, SteamNetworkingErrMsg &err) = 0;
	virtual void ResetIdentity(const SteamNetworkingIdentity *identity) = 0;
	virtual void RunCallbacks() = 0;
	virtual bool BeginAsyncRequestFakeIP(int ports) = 0;
	virtual void GetFakeIP(int firstPort, void *info) = 0;
	virtual HSteamListenSocket CreateListenSocketP2PFakeIP(int fakePort, int n, const Option *options) = 0;
	virtual EResult GetRemoteFakeIPForConnection(HSteamNetConnection conn, SteamNetworkingIPAddr *address) = 0;
	virtual void *CreateFakeUDPPort(int fakePort) = 0;

protected:
	~ISteamNetworkingSockets() = default;
};

class ISteamNetworkingUtils {
public:
	virtual SteamNetworkingMessage_t *AllocateMessage(int size) = 0;
	virtual ESteamNetworkingAvailability GetRelayNetworkStatus(SteamRelayNetworkStatus_t *status) = 0;
	virtual float GetLocalPingLocation(SteamNetworkPingLocation_t &location) = 0;
	virtual int EstimatePingTimeBetweenTwoLocations(const SteamNetworkPingLocation_t &a, const SteamNetworkPingLocation_t &b) = 0;
	virtual int EstimatePingTimeFromLocalHost(const SteamNetworkPingLocation_t &remote) = 0;
	virtual void ConvertPingLocationToString(const SteamNetworkPingLocation_t &location, char *text, int size) = 0;
	virtual bool ParsePingLocationString(const char *text, SteamNetworkPingLocation_t &location) = 0;
	virtual bool CheckPingDataUpToDate(float maxAge) = 0;
	virtual int GetPingToDataCenter(SteamNetworkingPOPID pop, SteamNetworkingPOPID *via) = 0;
	virtual int GetDirectPingToPOP(SteamNetworkingPOPID pop) = 0;
	virtual int GetPOPCount() = 0;
	virtual int GetPOPList(SteamNetworkingPOPID *list, int size) = 0;
	virtual SteamNetworkingMicroseconds GetLocalTimestamp() = 0;
	virtual void SetDebugOutputFunction(ESteamNetworkingSocketsDebugOutputType level, FSteamNetworkingSocketsDebugOutput f) = 0;
	virtual ESteamNetworkingFakeIPType GetIPv4FakeIPType(uint32_t ip) = 0;
	virtual EResult GetRealIdentityForFakeIP(const SteamNetworkingIPAddr &fake, SteamNetworkingIdentity *identity) = 0;
	virtual bool SetConfigValue(ESteamNetworkingConfigValue value, ESteamNetworkingConfigScope scope, intptr_t object, ESteamNetworkingConfigDataType type, const void *arg) = 0;
	virtual ESteamNetworkingGetConfigValueResult GetConfigValue(ESteamNetworkingConfigValue value, ESteamNetworkingConfigScope scope, intptr_t object, ESteamNetworkingConfigDataType *type, void *result, size_t *size) = 0;
	virtual const char *GetConfigValueInfo(ESteamNetworkingConfigValue value, ESteamNetworkingConfigDataType *type, ESteamNetworkingConfigScope *scope) = 0;
	virtual ESteamNetworkingConfigValue IterateGenericEditableConfigValues(ESteamNetworkingConfigValue current, bool dev) = 0;
	virtual void SteamNetworkingIPAddr_ToString(const SteamNetworkingIPAddr &address, char *text, size_t size, bool withPort) = 0;
	virtual bool SteamNetworkingIPAddr_ParseString(SteamNetworkingIPAddr *address, const char *text) = 0;
	virtual ESteamNetworkingFakeIPType SteamNetworkingIPAddr_GetFakeIPType(const SteamNetworkingIPAddr &address) = 0;
	virtual void SteamNetworkingIdentity_ToString(const SteamNetworkingIdentity &identity, char *text, size_t size) = 0;
	virtual bool SteamNetworkingIdentity_ParseString(SteamNetworkingIdentity *identity, const char *text) = 0;

protected:
	~ISteamNetworkingUtils() = default;
};

class ISteamNetworkingMessages {
public:
	virtual EResult SendMessageToUser(const SteamNetworkingIdentity &remote, const void *data, uint32_t n, int flags, int channel) = 0;
	virtual int ReceiveMessagesOnChannel(int channel, SteamNetworkingMessage_t **messages, int most) = 0;
	virtual bool AcceptSessionWithUser(const SteamNetworkingIdentity &remote) = 0;
	virtual bool CloseSessionWithUser(const SteamNetworkingIdentity &remote) = 0;
	virtual bool CloseChannelWithUser(const SteamNetworkingIdentity &remote, int channel) = 0;
	virtual ESteamNetworkingConnectionState GetSessionConnectionInfo(const SteamNetworkingIdentity &remote, SteamNetConnectionInfo_t *info, SteamNetConnectionRealTimeStatus_t *status) = 0;

protected:
	~ISteamNetworkingMessages() = default;
};

#endif
