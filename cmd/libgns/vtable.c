/* The objects of Valve's C++ API. Such an object begins with a pointer to a table of its class's virtual functions in the order in which they are
 * declared; each takes the object as its first argument, which is just what the flat functions do, so the tables lead to those.
 * In front of a table stand the offset of the object in a larger one, and a description of its type, which
 * may be missing: that is the Itanium ABI, and Microsoft's is no different as far as it is used here. */
#include "include/gns.h"
#include "vtable.h"

#include <stdatomic.h>
#include <string.h>

typedef void (*function)(void);

struct table {
	intptr_t offset;
	const void *type;
	function functions[64];
};

struct object {
	const function *table;
};

#define TABLE(name, ...) static const struct table name = {0, NULL, {__VA_ARGS__}}
#define FLAT(interface, name) (function)SteamAPI_I##interface##_##name

/* What only Steam has answers as Valve's open-source library does. */

static bool no(void) { return false; }
static int zero(void) { return 0; }
static EResult fail(void) { return k_EResultFail; }
static int unknownPing(void) { return k_nSteamNetworkingPing_Unknown; }
static void *null(void) { return NULL; }
static void nothing(void) {}

static float getLocalPingLocation(void *self, SteamNetworkPingLocation_t *location)
{
	(void)self;
	if (location)
		memset(location, 0, sizeof *location);
	return k_nSteamNetworkingPing_Failed;
}

static ESteamNetworkingFakeIPType notFake(void) { return k_ESteamNetworkingFakeIPType_NotFake; }

static EResult getRealIdentity(void *self, const SteamNetworkingIPAddr *fake, SteamNetworkingIdentity *identity)
{
	(void)self, (void)fake;
	if (identity)
		memset(identity, 0, sizeof *identity);
	return k_EResultDisabled;
}

static ESteamNetworkingAvailability getRelayNetworkStatus(void *self, SteamRelayNetworkStatus_t *status)
{
	(void)self;
	if (status) {
		memset(status, 0, sizeof *status);
		status->m_eAvail = status->m_eAvailNetworkConfig = status->m_eAvailAnyRelay = k_ESteamNetworkingAvailability_CannotTry;
		strcpy(status->m_debugMsg, "Valve's relay network cannot be used without Steam");
	}
	return k_ESteamNetworkingAvailability_CannotTry;
}

static void convertPingLocation(void *self, const SteamNetworkPingLocation_t *location, char *text, int size)
{
	(void)self, (void)location;
	if (text && size > 0)
		*text = 0;
}

/* Methods of ISteamNetworkingUtils that flat functions without an object do. */

static void addrToString(void *self, const SteamNetworkingIPAddr *addr, char *text, size_t size, bool withPort)
{
	(void)self;
	SteamNetworkingIPAddr_ToString(addr, text, size, withPort);
}

static bool addrParse(void *self, SteamNetworkingIPAddr *addr, const char *text)
{
	(void)self;
	return SteamNetworkingIPAddr_ParseString(addr, text);
}

static void identityToString(void *self, const SteamNetworkingIdentity *identity, char *text, size_t size)
{
	(void)self;
	SteamNetworkingIdentity_ToString(identity, text, size);
}

static bool identityParse(void *self, SteamNetworkingIdentity *identity, const char *text)
{
	(void)self;
	return SteamNetworkingIdentity_ParseString(identity, sizeof *identity, text);
}

static EResult getRemoteFakeIP(void *self, HSteamNetConnection conn, SteamNetworkingIPAddr *addr)
{
	SteamNetConnectionInfo_t info;
	if (addr)
		memset(addr, 0, sizeof *addr);
	return SteamAPI_ISteamNetworkingSockets_GetConnectionInfo(self, conn, &info) ? k_EResultIPNotFound : k_EResultInvalidParam;
}

#define S(name) FLAT(SteamNetworkingSockets, name)
TABLE(socketsTable, S(CreateListenSocketIP), S(ConnectByIPAddress), S(CreateListenSocketP2P), S(ConnectP2P), S(AcceptConnection),
	S(CloseConnection), S(CloseListenSocket), S(SetConnectionUserData), S(GetConnectionUserData), S(SetConnectionName),
	S(GetConnectionName), S(SendMessageToConnection), S(SendMessages), S(FlushMessagesOnConnection), S(ReceiveMessagesOnConnection),
	S(GetConnectionInfo), S(GetConnectionRealTimeStatus), S(GetDetailedConnectionStatus), S(GetListenSocketAddress),
	S(CreateSocketPair), S(ConfigureConnectionLanes), S(GetIdentity), S(InitAuthentication), S(GetAuthenticationStatus),
	S(CreatePollGroup), S(DestroyPollGroup), S(SetConnectionPollGroup), S(ReceiveMessagesOnPollGroup),
	(function)no,      /* ReceivedRelayAuthTicket */
	(function)zero,    /* FindRelayAuthTicketForServer */
	(function)zero,    /* ConnectToHostedDedicatedServer */
	(function)zero,    /* GetHostedDedicatedServerPort */
	(function)zero,    /* GetHostedDedicatedServerPOPID */
	(function)fail,    /* GetHostedDedicatedServerAddress */
	(function)zero,    /* CreateHostedDedicatedServerListenSocket */
	(function)fail,    /* GetGameCoordinatorServerLogin */
	S(ConnectP2PCustomSignaling), S(ReceivedP2PCustomSignal), S(GetCertificateRequest), S(SetCertificate), S(ResetIdentity),
	S(RunCallbacks),
	(function)no,      /* BeginAsyncRequestFakeIP */
	(function)nothing, /* GetFakeIP */
	(function)zero,    /* CreateListenSocketP2PFakeIP */
	(function)getRemoteFakeIP,
	(function)null     /* CreateFakeUDPPort */);

#define U(name) FLAT(SteamNetworkingUtils, name)
TABLE(utilsTable, U(AllocateMessage), (function)getRelayNetworkStatus, (function)getLocalPingLocation,
	(function)unknownPing, /* EstimatePingTimeBetweenTwoLocations */
	(function)unknownPing, /* EstimatePingTimeFromLocalHost */
	(function)convertPingLocation,
	(function)no,          /* ParsePingLocationString */
	(function)no,          /* CheckPingDataUpToDate */
	(function)unknownPing, /* GetPingToDataCenter */
	(function)unknownPing, /* GetDirectPingToPOP */
	(function)zero,        /* GetPOPCount */
	(function)zero,        /* GetPOPList */
	U(GetLocalTimestamp), U(SetDebugOutputFunction),
	(function)notFake,     /* GetIPv4FakeIPType */
	(function)getRealIdentity, U(SetConfigValue), U(GetConfigValue), U(GetConfigValueInfo), U(IterateGenericEditableConfigValues),
	(function)addrToString, (function)addrParse,
	(function)notFake,     /* SteamNetworkingIPAddr_GetFakeIPType */
	(function)identityToString, (function)identityParse);

#define M(name) FLAT(SteamNetworkingMessages, name)
TABLE(messagesTable, M(SendMessageToUser), M(ReceiveMessagesOnChannel), M(AcceptSessionWithUser), M(CloseSessionWithUser),
	M(CloseChannelWithUser), M(GetSessionConnectionInfo));

static struct object sockets = {socketsTable.functions}, utils = {utilsTable.functions}, messages = {messagesTable.functions};

static atomic_bool running, messagesStarted;

void gns_set_running(bool now)
{
	atomic_store(&messagesStarted, false);
	atomic_store(&running, now);
}

void *gns_sockets(void) { return &sockets; }

ISteamNetworkingSockets *SteamNetworkingSockets_LibV12(void) { return atomic_load(&running) ? (ISteamNetworkingSockets *)&sockets : NULL; }
ISteamNetworkingSockets *SteamAPI_SteamNetworkingSockets_v009(void) { return SteamNetworkingSockets_LibV12(); }

/* gns_start_messages is in messages.go. */
extern void gns_start_messages(void);

ISteamNetworkingMessages *SteamNetworkingMessages_LibV2(void)
{
	if (!atomic_load(&running))
		return NULL;
	if (!atomic_exchange(&messagesStarted, true))
		gns_start_messages();
	return (ISteamNetworkingMessages *)&messages;
}

ISteamNetworkingMessages *SteamAPI_SteamNetworkingMessages_v002(void) { return SteamNetworkingMessages_LibV2(); }
ISteamNetworkingUtils *SteamNetworkingUtils_LibV4(void) { return (ISteamNetworkingUtils *)&utils; }
ISteamNetworkingUtils *SteamAPI_SteamNetworkingUtils_v003(void) { return SteamNetworkingUtils_LibV4(); }
