// Two of these programs meet: what one prints as a signal is given to the other on its standard input. The first argument
// says what to do, the second whether with objects or with functions.
#include "objects.h"

#include <atomic>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

static bool withFunctions;
static std::string what; // is done with a request
static HSteamNetConnection conn;
static int requests, rejections;
static std::atomic<int> signalings, releases;

static void print(const void *signal, int n)
{
	std::string line = "signal ";
	char hex[3];
	for (int i = 0; i < n; i++) {
		snprintf(hex, sizeof hex, "%02x", static_cast<const uint8_t *>(signal)[i]);
		line += hex;
	}
	puts(line.c_str());
}

// Signaling.

static bool sendSignal(void *, HSteamNetConnection, const SteamNetConnectionInfo_t *, const void *signal, int n)
{
	print(signal, n);
	return true;
}

static void release(void *) { releases++; }

class Signaling final : public ISteamNetworkingConnectionSignaling {
	bool SendSignal(HSteamNetConnection c, const SteamNetConnectionInfo_t &info, const void *signal, int n) override { return sendSignal(nullptr, c, &info, signal, n); }
	void Release() override
	{
		release(nullptr);
		delete this;
	}
};

static ISteamNetworkingConnectionSignaling *newSignaling()
{
	signalings++;
	if (withFunctions)
		return SOCKETS(CreateCustomSignaling)(nullptr, sendSignal, release);
	return new Signaling;
}

// Receiving.

static ISteamNetworkingConnectionSignaling *onConnectRequest(void *, HSteamNetConnection c, const SteamNetworkingIdentity *peer, int localVirtualPort)
{
	SteamNetConnectionInfo_t info;
	requests++;
	TEXT(SteamAPI_SteamNetworkingIdentity_GetGenericString(peer), "alice");
	NUMBER(localVirtualPort, what == "hear" ? 0x7fffffff : 7); // the port of ISteamNetworkingMessages
	if (what == "hear") // connections of sessions are not shown
		return newSignaling();
	CHECK(S->GetConnectionInfo(c, &info));
	NUMBER(info.m_eState, k_ESteamNetworkingConnectionState_Connecting);
	if (what == "ignore")
		return nullptr;
	if (what == "reject") {
		CHECK(S->CloseConnection(c, 1234, "not today", false));
		return nullptr;
	}
	conn = c;
	NUMBER(S->AcceptConnection(c), k_EResultOK);
	return newSignaling();
}

static void sendRejectionSignal(void *, const SteamNetworkingIdentity *peer, const void *signal, int n)
{
	TEXT(SteamAPI_SteamNetworkingIdentity_GetGenericString(peer), "alice");
	rejections++;
	print(signal, n);
}

class Context final : public ISteamNetworkingSignalingRecvContext {
	ISteamNetworkingConnectionSignaling *OnConnectRequest(HSteamNetConnection c, const SteamNetworkingIdentity &peer, int localVirtualPort) override
	{
		return onConnectRequest(nullptr, c, &peer, localVirtualPort);
	}
	void SendRejectionSignal(const SteamNetworkingIdentity &peer, const void *signal, int n) override { sendRejectionSignal(nullptr, &peer, signal, n); }
};

// takeSignals gives the library what has come on the standard input. It returns false when that has ended.
static bool takeSignals()
{
	static std::string input;
	struct pollfd p = {0, POLLIN, 0};
	while (poll(&p, 1, 1) > 0) {
		char buf[4096];
		ssize_t n = read(0, buf, sizeof buf);
		if (n <= 0)
			return false;
		input.append(buf, static_cast<size_t>(n));
		for (size_t end; (end = input.find('\n')) != std::string::npos; input.erase(0, end + 1)) {
			std::vector<uint8_t> signal;
			for (size_t i = 0; i + 1 < end; i += 2)
				signal.push_back(static_cast<uint8_t>(std::stoul(input.substr(i, 2), nullptr, 16)));
			Context context;
			if (withFunctions)
				SOCKETS(ReceivedP2PCustomSignal2)(S, signal.data(), static_cast<int>(signal.size()), nullptr, onConnectRequest, sendRejectionSignal);
			else
				S->ReceivedP2PCustomSignal(signal.data(), static_cast<int>(signal.size()), &context);
		}
	}
	return true;
}

// Messages without connections, of which nobody wants to hear.

static int sessionRequests, sessionFailures;

static ISteamNetworkingConnectionSignaling *create(ISteamNetworkingSockets *, const SteamNetworkingIdentity *peer, int, int)
{
	TEXT(SteamAPI_SteamNetworkingIdentity_GetGenericString(peer), "bob");
	return newSignaling();
}

static void onRequest(SteamNetworkingMessagesSessionRequest_t *r)
{
	TEXT(SteamAPI_SteamNetworkingIdentity_GetGenericString(&r->m_identityRemote), "alice");
	sessionRequests++;
}

static void onFailed(SteamNetworkingMessagesSessionFailed_t *f)
{
	TEXT(SteamAPI_SteamNetworkingIdentity_GetGenericString(&f->m_info.m_identityRemote), "bob");
	CHECK(f->m_info.m_eEndReason == k_ESteamNetConnectionEnd_Misc_Timeout && strlen(f->m_info.m_szEndDebug) > 0);
	sessionFailures++;
}

static void talk()
{
	SteamNetworkingIdentity bob = named("bob");
	SteamNetConnectionInfo_t info;
	SteamNetConnectionRealTimeStatus_t status;
	NUMBER(M->SendMessageToUser(bob, "hello", 5, k_nSteamNetworkingSend_Reliable, 3), k_EResultOK);
	NUMBER(M->GetSessionConnectionInfo(bob, &info, &status), k_ESteamNetworkingConnectionState_Connecting);
	NUMBER(info.m_eState, k_ESteamNetworkingConnectionState_Connecting);
	CHECK(status.m_cbPendingReliable > 5);
}

static int state()
{
	SteamNetConnectionInfo_t info;
	return conn && S->GetConnectionInfo(conn, &info) ? info.m_eState : 0;
}

// until takes signals until there is nothing more to wait for.
template <class F> static void until(const char *name, F condition)
{
	int64_t deadline = milliseconds() + 60000;
	while (!condition()) {
		MUST(takeSignals());
		S->RunCallbacks();
		if (milliseconds() > deadline) {
			failed(__FILE__, __LINE__, name);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	MUST(argc == 3);
	setvbuf(stdout, nullptr, _IOLBF, 0);
	what = argv[1];
	withFunctions = strcmp(argv[2], "functions") == 0;
	bool caller = what.rfind("call", 0) == 0;
	initAs(caller || what == "talkInVain" ? "alice" : "bob");
	UTILS(SetGlobalCallback_MessagesSessionRequest)(U, onRequest);
	UTILS(SetGlobalCallback_MessagesSessionFailed)(U, onFailed);
	UTILS(SetGlobalConfigValuePtr)(U, k_ESteamNetworkingConfig_Callback_CreateConnectionSignaling, reinterpret_cast<void *>(create));
	if (what == "talkInVain" || what == "hear") {
		UTILS(SetGlobalConfigValueInt32)(U, k_ESteamNetworkingConfig_TimeoutInitial, getenv("LIBGNS_SLOW") ? 20000 : 1500);
		MUST(M);
	}
	if (what == "talkInVain")
		talk();
	if (caller) {
		SteamNetworkingIdentity bob = named("bob");
		conn = S->ConnectP2PCustomSignaling(newSignaling(), &bob, 7, 0, nullptr);
		MUST(conn);
	}
	if (what == "call" || what == "answer") {
		// Whether there is a route depends on what addresses this machine has.
		until("finding a route", [] { return state() == k_ESteamNetworkingConnectionState_FindingRoute || state() == k_ESteamNetworkingConnectionState_Connected; });
	} else if (what == "callInVain") {
		until("rejected", [] { return state() == k_ESteamNetworkingConnectionState_ClosedByPeer; });
		SteamNetConnectionInfo_t info;
		CHECK(S->GetConnectionInfo(conn, &info));
		NUMBER(info.m_eEndReason, 1234);
		TEXT(info.m_szEndDebug, "not today");
	} else if (what == "callNobody") {
		SteamNetConnectionInfo_t info;
		int64_t end = milliseconds() + 1500;
		until("1.5 s", [&] { return milliseconds() > end; });
		NUMBER(state(), k_ESteamNetworkingConnectionState_Connecting);
		CHECK(S->GetConnectionInfo(conn, &info));
	} else if (what == "reject") {
		until("a rejection", [] { return rejections > 0; });
	} else if (what == "ignore") {
		until("asked again", [] { return requests >= 2; });
		NUMBER(rejections, 0);
	} else if (what == "talkInVain") {
		until("failed", [] { return sessionFailures > 0; });
		NUMBER(M->SendMessageToUser(named("bob"), "hello", 5, k_nSteamNetworkingSend_Reliable, 3), k_EResultConnectFailed);
		CHECK(M->CloseSessionWithUser(named("bob")));
	} else if (what == "hear") {
		until("asked", [] { return sessionRequests > 0; });
		NUMBER(M->GetSessionConnectionInfo(named("alice"), nullptr, nullptr), k_ESteamNetworkingConnectionState_Connecting);
	}
	puts("done");
	while (takeSignals()) // until the other one is done as well, which closes the standard input
		S->RunCallbacks();
	if (conn)
		CHECK(S->CloseConnection(conn, 0, nullptr, false));
	GameNetworkingSockets_Kill();
	NUMBER(releases, signalings);
	return failures > 0;
}
