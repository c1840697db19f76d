// Signaling objects of the application's own, which the library calls and releases. Here nobody answers; see meet.cc.
#include "objects.h"

#include <atomic>
#include <pthread.h>

// Signaling counts what it is asked to do. It is not deleted on release, so that a second one would be seen.
class Signaling final : public ISteamNetworkingConnectionSignaling {
public:
	std::atomic<int> sent{0}, released{0}, firstState{0};
	bool succeed = true, close = false;

	bool SendSignal(HSteamNetConnection conn, const SteamNetConnectionInfo_t &info, const void *signal, int n) override
	{
		CHECK(released == 0);
		CHECK(conn != 0 && signal != nullptr && n > 0);
		CHECK(SteamAPI_SteamNetworkingIdentity_IsEqualTo(&info.m_identityRemote, &peer));
		SteamNetConnectionInfo_t now;
		sent++;
		if (close)
			CHECK(S->CloseConnection(conn, 1100, "from inside", false) == (sent == 1));
		else if (sent == 1)
			firstState = info.m_eState;
		S->GetConnectionInfo(conn, &now); // it may have been closed, but there is somebody to be asked, during Kill too
		return succeed;
	}
	void Release() override { released++; }

	SteamNetworkingIdentity peer = named("bob");
};

static int state(HSteamNetConnection c)
{
	SteamNetConnectionInfo_t info;
	return S->GetConnectionInfo(c, &info) ? info.m_eState : -1;
}

static void signals()
{
	initAs("alice");
	Signaling s;
	HSteamNetConnection c = S->ConnectP2PCustomSignaling(&s, &s.peer, 0, 0, nullptr);
	MUST(c);
	UNTIL(s.sent >= 2); // it is sent again while nobody answers
	NUMBER(s.firstState, k_ESteamNetworkingConnectionState_Connecting);
	NUMBER(state(c), k_ESteamNetworkingConnectionState_Connecting);
	NUMBER(s.released, 0);
	CHECK(S->CloseConnection(c, 0, nullptr, false));
	GameNetworkingSockets_Kill();
	NUMBER(s.released, 1);
}

static void fails()
{
	initAs("alice");
	Signaling s;
	s.succeed = false;
	HSteamNetConnection c = S->ConnectP2PCustomSignaling(&s, &s.peer, 0, 0, nullptr);
	MUST(c);
	SteamNetConnectionInfo_t info;
	UNTIL(S->GetConnectionInfo(c, &info) && info.m_eState == k_ESteamNetworkingConnectionState_ProblemDetectedLocally);
	NUMBER(info.m_eEndReason, k_ESteamNetConnectionEnd_Misc_InternalError);
	CHECK(S->CloseConnection(c, 0, nullptr, false));
	GameNetworkingSockets_Kill();
	NUMBER(s.released, 1);
}

static void closesInside()
{
	initAs("alice");
	Signaling s;
	s.close = true;
	HSteamNetConnection c = S->ConnectP2PCustomSignaling(&s, &s.peer, 0, 0, nullptr);
	MUST(c);
	UNTIL(state(c) == -1);
	GameNetworkingSockets_Kill();
	CHECK(s.sent > 0);
	NUMBER(s.released, 1);
}

// Kill releases what is left, before it returns.
static void releasedByKill()
{
	for (int i = 0; i < 20; i++) {
		initAs("alice");
		Signaling s[10];
		for (auto &one : s)
			MUST(S->ConnectP2PCustomSignaling(&one, &one.peer, 0, 0, nullptr));
		if (i % 2)
			pause_ms(5);
		GameNetworkingSockets_Kill();
		for (auto &one : s)
			NUMBER(one.released, 1);
	}
}

static void releasedOnFailure()
{
	Signaling s[4];
	SteamNetworkingIdentity bad = named("bob");
	bad.m_eType = 99;
	Option option = {};
	option.m_eValue = 12345;
	option.m_eDataType = k_ESteamNetworkingConfig_Int32;
	NUMBER(SOCKETS(ConnectP2PCustomSignaling)(nullptr, &s[0], &s[0].peer, 0, 0, nullptr), 0); // before Init
	initAs("alice");
	NUMBER(S->ConnectP2PCustomSignaling(&s[1], &bad, 0, 0, nullptr), 0);
	NUMBER(S->ConnectP2PCustomSignaling(&s[2], &s[2].peer, 0, 1, &option), 0);
	NUMBER(S->ConnectP2PCustomSignaling(&s[3], &s[3].peer, 0, 1, nullptr), 0);
	GameNetworkingSockets_Kill();
	for (auto &one : s) {
		NUMBER(one.released, 1);
		NUMBER(one.sent, 0);
	}
}

// Objects that are made from functions.

static std::atomic<int> sent, released;
static char context;

static bool send(void *ctx, HSteamNetConnection conn, const SteamNetConnectionInfo_t *info, const void *signal, int n)
{
	CHECK(ctx == &context);
	CHECK(conn != 0 && info && signal && n > 0);
	sent++;
	return true;
}

static void release(void *ctx)
{
	CHECK(ctx == &context);
	released++;
}

static void functions()
{
	initAs("alice");
	SteamNetworkingIdentity bob = named("bob");
	ISteamNetworkingConnectionSignaling *s = SOCKETS(CreateCustomSignaling)(&context, send, release);
	MUST(s);
	HSteamNetConnection c = S->ConnectP2PCustomSignaling(s, &bob, 0, 0, nullptr);
	MUST(c);
	UNTIL(sent >= 1);
	CHECK(S->CloseConnection(c, 0, nullptr, false));
	s = SOCKETS(CreateCustomSignaling)(&context, send, nullptr); // nothing to release
	MUST(S->ConnectP2PCustomSignaling(s, &bob, 0, 0, nullptr));
	GameNetworkingSockets_Kill();
	NUMBER(released, 1);
	// It is an object of the C++ API like any other.
	s = SOCKETS(CreateCustomSignaling)(&context, send, release);
	SteamNetConnectionInfo_t info = {};
	CHECK(s->SendSignal(5, info, "x", 1));
	s->Release();
	NUMBER(released, 2);
}

// The function that makes signaling objects for ConnectP2P.

static Signaling *made;
static int asked;

static ISteamNetworkingConnectionSignaling *make(ISteamNetworkingSockets *self, const SteamNetworkingIdentity *peer, int localVirtualPort, int remoteVirtualPort)
{
	CHECK(self == S);
	CHECK(SteamAPI_SteamNetworkingIdentity_GetGenericString(peer) && strcmp(SteamAPI_SteamNetworkingIdentity_GetGenericString(peer), "bob") == 0);
	NUMBER(localVirtualPort, 3);
	NUMBER(remoteVirtualPort, 3);
	asked++;
	return made;
}

static void factory()
{
	initAs("alice");
	SteamNetworkingIdentity bob = named("bob");
	NUMBER(S->ConnectP2P(bob, 3, 0, nullptr), 0);
	CHECK(UTILS(SetGlobalConfigValuePtr)(U, k_ESteamNetworkingConfig_Callback_CreateConnectionSignaling, (void *)make));
	NUMBER(S->ConnectP2P(bob, 3, 0, nullptr), 0); // it makes none
	NUMBER(asked, 1);
	Signaling s;
	made = &s;
	HSteamNetConnection c = S->ConnectP2P(bob, 3, 0, nullptr);
	MUST(c);
	NUMBER(asked, 2);
	UNTIL(s.sent >= 1);
	CHECK(S->CloseConnection(c, 0, nullptr, false));
	GameNetworkingSockets_Kill();
	NUMBER(s.released, 1);
}

TESTS({"signals", signals}, {"fails", fails}, {"closesInside", closesInside}, {"releasedByKill", releasedByKill}, {"releasedOnFailure", releasedOnFailure}, {"functions", functions},
	{"factory", factory})
