// Every method of the C++ objects is called here at least once. See same.c.
#include "objects.h"

#define P(x) printf("%s = %lld\n", #x, (long long)(x))
#define STRING(x) printf("%s = \"%s\"\n", #x, x)

static int changes;

static void onStatus(SteamNetConnectionStatusChangedCallback_t *c)
{
	changes++;
	if (c->m_info.m_hListenSocket && c->m_info.m_eState == k_ESteamNetworkingConnectionState_Connecting)
		P(S->AcceptConnection(c->m_hConn));
}

static void sockets()
{
	SteamNetworkingErrMsg err;
	SteamNetworkingIdentity alice = named("alice"), id;
	P(GameNetworkingSockets_Init(&alice, err));
	ISteamNetworkingSockets *s = S;
	ISteamNetworkingUtils *u = U;
	P(s == SteamAPI_SteamNetworkingSockets_v009());
	P(u == SteamAPI_SteamNetworkingUtils_v003());
	void *f = (void *)onStatus;
	P(u->SetConfigValue(k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, k_ESteamNetworkingConfig_Global, 0, k_ESteamNetworkingConfig_Ptr, &f));

	SteamNetworkingIPAddr a, got;
	HSteamListenSocket l = 0;
	while (!l) {
		a = localAddress();
		l = s->CreateListenSocketIP(a, 0, nullptr);
	}
	P(s->GetListenSocketAddress(l, &got));
	P(memcmp(&a, &got, sizeof a));
	Option option = {};
	option.m_eValue = k_ESteamNetworkingConfig_ConnectionUserData;
	option.m_eDataType = k_ESteamNetworkingConfig_Int64;
	option.m_val.m_int64 = 99;
	HSteamNetConnection c = s->ConnectByIPAddress(a, 1, &option);
	SteamNetConnectionInfo_t info;
	UNTIL(s->GetConnectionInfo(c, &info) && info.m_eState == k_ESteamNetworkingConnectionState_Connected);
	s->RunCallbacks();
	P(changes >= 3);
	P(s->GetConnectionUserData(c));
	P(s->SetConnectionUserData(c, -5));
	P(s->GetConnectionUserData(c));
	s->SetConnectionName(c, "carol");
	char text[4096];
	P(s->GetConnectionName(c, text, sizeof text));
	STRING(text);
	int64_t number;
	P(s->SendMessageToConnection(c, "x", 1, k_nSteamNetworkingSend_Reliable, &number));
	P(number);
	P(s->FlushMessagesOnConnection(c));
	SteamNetConnectionRealTimeStatus_t status;
	SteamNetConnectionRealTimeLaneStatus_t lanes[2];
	int priorities[] = {1, 2};
	uint16_t weights[] = {3, 4};
	P(s->ConfigureConnectionLanes(c, 2, priorities, weights));
	P(s->GetConnectionRealTimeStatus(c, &status, 2, lanes));
	P(status.m_eState);
	P(s->GetDetailedConnectionStatus(c, text, sizeof text));
	P(s->CloseConnection(c, 1500, "bye", true));
	P(s->CloseListenSocket(l));

	HSteamNetConnection ends[2];
	P(s->CreateSocketPair(&ends[0], &ends[1], false, nullptr, nullptr));
	HSteamNetPollGroup g = s->CreatePollGroup();
	P(s->SetConnectionPollGroup(ends[1], g));
	SteamNetworkingMessage_t *m = u->AllocateMessage(3), *in[2];
	memcpy(m->m_pData, "abc", 3);
	m->m_conn = ends[0];
	m->m_nFlags = k_nSteamNetworkingSend_Reliable;
	s->SendMessages(1, &m, &number, true);
	P(number);
	P(s->ReceiveMessagesOnPollGroup(g, in, 2));
	P(memcmp(in[0]->m_pData, "abc", 3));
	in[0]->m_pfnRelease(in[0]);
	P(s->ReceiveMessagesOnConnection(ends[1], in, 2));
	P(s->DestroyPollGroup(g));

	P(s->GetIdentity(&id));
	P(SteamAPI_SteamNetworkingIdentity_IsEqualTo(&alice, &id));
	P(s->InitAuthentication());
	SteamNetAuthenticationStatus_t auth;
	P(s->GetAuthenticationStatus(&auth));
	int n = 0;
	P(s->GetCertificateRequest(&n, nullptr, err));
	P(s->SetCertificate("x", 1, err));
	HSteamListenSocket p2p = s->CreateListenSocketP2P(5, 0, nullptr);
	P(p2p != 0);
	P(s->ConnectP2P(alice, 5, 0, nullptr) != 0); // oneself
	P(s->ConnectP2P(named("bob"), 5, 0, nullptr));
	P(s->ConnectP2PCustomSignaling(nullptr, nullptr, 0, 0, nullptr));
	SteamNetworkingIdentity bob = named("bob");
	s->ResetIdentity(&bob);
	P(s->GetIdentity(&id));
	P(SteamAPI_SteamNetworkingIdentity_IsEqualTo(&bob, &id));
	P(s->GetConnectionInfo(ends[0], &info)); // closed with everything else
	GameNetworkingSockets_Kill();
}

// What only Steam has.
static void steam()
{
	init();
	ISteamNetworkingSockets *s = S;
	ISteamNetworkingUtils *u = U;
	char room[1024] = {};
	int n = 0;
	SteamNetworkingIdentity bob = named("bob"), id;
	P(s->ReceivedRelayAuthTicket("x", 1, nullptr));
	P(s->FindRelayAuthTicketForServer(bob, 0, nullptr));
	P(s->ConnectToHostedDedicatedServer(bob, 0, 0, nullptr));
	P(s->GetHostedDedicatedServerPort());
	P(s->GetHostedDedicatedServerPOPID());
	P(s->GetHostedDedicatedServerAddress(room));
	P(s->CreateHostedDedicatedServerListenSocket(0, 0, nullptr));
	P(s->GetGameCoordinatorServerLogin(room, &n, room));
	P(s->BeginAsyncRequestFakeIP(1));
	s->GetFakeIP(0, room);
	P(s->CreateListenSocketP2PFakeIP(0, 0, nullptr));
	SteamNetworkingIPAddr a;
	P(s->GetRemoteFakeIPForConnection(12345, &a));
	HSteamNetConnection ends[2];
	P(s->CreateSocketPair(&ends[0], &ends[1], false, nullptr, nullptr));
	P(s->GetRemoteFakeIPForConnection(ends[0], &a));
	P(s->CreateFakeUDPPort(0) == nullptr);

	SteamRelayNetworkStatus_t relay;
	SteamNetworkPingLocation_t here, there = {};
	SteamNetworkingPOPID pops[2];
	P(u->GetRelayNetworkStatus(nullptr));
	P(u->GetRelayNetworkStatus(&relay));
	P(relay.m_eAvail);
	P(u->GetLocalPingLocation(here));
	P(u->EstimatePingTimeBetweenTwoLocations(there, there));
	P(u->EstimatePingTimeFromLocalHost(there));
	strcpy(room, "unchanged");
	u->ConvertPingLocationToString(there, room, sizeof room);
	STRING(room);
	P(u->ParsePingLocationString("x", here));
	P(u->CheckPingDataUpToDate(1));
	P(u->GetPingToDataCenter(1, pops));
	P(u->GetDirectPingToPOP(1));
	P(u->GetPOPCount());
	P(u->GetPOPList(pops, 2));
	P(u->GetIPv4FakeIPType(0xa9fe0001));
	SteamAPI_SteamNetworkingIPAddr_SetIPv4(&a, 0xa9fe0001, 1);
	P(u->SteamNetworkingIPAddr_GetFakeIPType(a));
	P(u->GetRealIdentityForFakeIP(a, &id));
	GameNetworkingSockets_Kill();
}

static void utils()
{
	ISteamNetworkingUtils *u = U; // it is there at any time
	SteamNetworkingIPAddr a;
	SteamNetworkingIdentity id;
	char text[k_cchMaxSteamNetworkingIdentityString];
	int64_t before = u->GetLocalTimestamp();
	P(before > 0);
	pause_ms(20);
	P(u->GetLocalTimestamp() - before >= 20000);
	P(u->SteamNetworkingIPAddr_ParseString(&a, "[::1]:5"));
	u->SteamNetworkingIPAddr_ToString(a, text, sizeof text, true);
	STRING(text);
	P(u->SteamNetworkingIdentity_ParseString(&id, "str:dave"));
	u->SteamNetworkingIdentity_ToString(id, text, sizeof text);
	STRING(text);
	ESteamNetworkingConfigDataType type;
	ESteamNetworkingConfigScope scope;
	STRING(u->GetConfigValueInfo(k_ESteamNetworkingConfig_NagleTime, &type, &scope));
	P(type);
	P(scope);
	int32_t n = 0;
	size_t size = sizeof n;
	P(u->GetConfigValue(k_ESteamNetworkingConfig_NagleTime, k_ESteamNetworkingConfig_Global, 0, &type, &n, &size));
	P(n);
	P(u->IterateGenericEditableConfigValues(k_ESteamNetworkingConfig_NagleTime, false));
	u->SetDebugOutputFunction(k_ESteamNetworkingSocketsDebugOutputType_None, nullptr);
}

static void messages()
{
	init();
	ISteamNetworkingMessages *m = M;
	P(m == SteamAPI_SteamNetworkingMessages_v002());
	SteamNetworkingIdentity none = {};
	SteamNetworkingMessage_t *in[2];
	SteamNetConnectionInfo_t info;
	SteamNetConnectionRealTimeStatus_t status;
	P(m->SendMessageToUser(none, "x", 1, 0, 0));
	P(m->ReceiveMessagesOnChannel(3, in, 2));
	P(m->AcceptSessionWithUser(named("bob")));
	P(m->CloseSessionWithUser(named("bob")));
	P(m->CloseChannelWithUser(named("bob"), 3));
	P(m->GetSessionConnectionInfo(named("bob"), &info, &status));
	GameNetworkingSockets_Kill();
}

TESTS({"objectsSockets", sockets}, {"objectsSteam", steam}, {"objectsUtils", utils}, {"objectsMessages", messages})
