/* Texts are cut at their limits, end, and have nothing written behind them. */
#include "check.h"

#include <limits.h>

static char big[70000];

static bool ends(const char *s, size_t size) { return memchr(s, 0, size) != NULL; }

static void closeReasons(void)
{
	init();
	memset(big, 'x', sizeof big - 1);
	HSteamNetConnection pair[2];
	SteamNetConnectionInfo_t info;
	static const int lengths[] = {0, 1, 126, 127, 128, 129, sizeof big - 1};
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		MUST(SOCKETS(CreateSocketPair)(S, &pair[0], &pair[1], i % 2, NULL, NULL));
		CHECK(SOCKETS(CloseConnection)(S, pair[0], 1234, big + sizeof big - 1 - lengths[i], false));
		UNTIL(SOCKETS(GetConnectionInfo)(S, pair[1], &info) && info.m_eState == k_ESteamNetworkingConnectionState_ClosedByPeer);
		MUST(ends(info.m_szEndDebug, sizeof info.m_szEndDebug));
		NUMBER(info.m_eEndReason, 1234);
		if (lengths[i] > 0)
			NUMBER(strlen(info.m_szEndDebug), lengths[i] < 127 ? lengths[i] : 127);
		CHECK(SOCKETS(CloseConnection)(S, pair[1], 0, NULL, false));
	}
	GameNetworkingSockets_Kill();
}

static void names(void)
{
	init();
	memset(big, 'n', sizeof big - 1);
	HSteamNetConnection pair[2];
	SteamNetConnectionInfo_t info;
	char name[64];
	SteamNetworkingIdentity id = named("0123456789012345678901234567890");
	MUST(SOCKETS(CreateSocketPair)(S, &pair[0], &pair[1], true, &id, &id));
	char *exact = strdup("exact"); /* whoever reads behind its end is seen by Valgrind */
	SOCKETS(SetConnectionName)(S, pair[0], exact);
	free(exact);
	SOCKETS(SetConnectionName)(S, pair[0], big);
	for (int size = 0; size < (int)sizeof name; size++) {
		memset(name, '#', sizeof name);
		CHECK(SOCKETS(GetConnectionName)(S, pair[0], name, size));
		CHECK(name[size] == '#');
		if (size > 0)
			NUMBER(strnlen(name, (size_t)size), size - 1 < 31 ? size - 1 : 31);
	}
	CHECK(SOCKETS(GetConnectionInfo)(S, pair[0], &info));
	CHECK(ends(info.m_szConnectionDescription, sizeof info.m_szConnectionDescription));
	CHECK(strstr(info.m_szConnectionDescription, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn") != NULL);
	/* The detailed status, into buffers of all sizes. */
	static char text[16384];
	int whole = SOCKETS(GetDetailedConnectionStatus)(S, pair[0], text, sizeof text);
	NUMBER(whole, 0);
	int length = (int)strlen(text);
	CHECK(length > 100);
	for (int size = 1; size < length + 100; size += 7) {
		memset(text, '#', sizeof text);
		int r = SOCKETS(GetDetailedConnectionStatus)(S, pair[0], text, size);
		CHECK(ends(text, (size_t)size) && text[size] == '#');
		CHECK(r == 0 || r > size);
	}
	GameNetworkingSockets_Kill();
}

/* What is said in a SteamNetworkingErrMsg ends within it, and is never empty. */
static void errors(void)
{
	struct {
		SteamNetworkingErrMsg text;
		char behind[8];
	} err;
	memset(&err, '#', sizeof err);
	SteamNetworkingIdentity id;
	memset(&id, 0, sizeof id);
	id.m_eType = 99;
	CHECK(!GameNetworkingSockets_Init(&id, err.text));
	CHECK(ends(err.text, sizeof err.text) && strlen(err.text) > 0 && err.behind[0] == '#');
	init();
	memset(big, 'c', sizeof big - 1);
	static const int sizes[] = {0, 1, 100, sizeof big - 1};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		memset(&err, '#', sizeof err);
		CHECK(!SOCKETS(SetCertificate)(S, big, sizes[i], err.text));
		CHECK(ends(err.text, sizeof err.text) && strlen(err.text) > 0 && err.behind[0] == '#');
	}
	int n = 3;
	uint8_t small[4] = {0, 0, 0, '#'};
	memset(&err, '#', sizeof err);
	CHECK(!SOCKETS(GetCertificateRequest)(S, &n, small, err.text));
	CHECK(ends(err.text, sizeof err.text) && strlen(err.text) > 0 && small[3] == '#');
	CHECK(n > 3); /* so much is needed */
	SteamNetAuthenticationStatus_t auth;
	memset(&auth, '#', sizeof auth);
	SOCKETS(GetAuthenticationStatus)(S, &auth);
	CHECK(ends(auth.m_debugMsg, sizeof auth.m_debugMsg) && strlen(auth.m_debugMsg) > 0);
	memset(&err, '#', sizeof err);
	CHECK(!GameNetworkingSockets_AddTrustedCA("nonsense", err.text));
	CHECK(ends(err.text, sizeof err.text) && strlen(err.text) > 0);
	CHECK(!GameNetworkingSockets_AddTrustedCA(big, err.text));
	CHECK(ends(err.text, sizeof err.text) && strlen(err.text) > 0);
	CHECK(!GameNetworkingSockets_AddTrustedCA(NULL, NULL));
	GameNetworkingSockets_Kill();
}

/* Values that are texts, and those that no number can be read from. */
static void values(void)
{
	static const ESteamNetworkingConfigValue list = k_ESteamNetworkingConfig_P2P_STUN_ServerList;
	static char got[sizeof big + 8];
	memset(big, 's', sizeof big - 1);
	CHECK(UTILS(SetGlobalConfigValueString)(U, list, big));
	size_t n = 0;
	NUMBER(UTILS(GetConfigValue)(U, list, k_ESteamNetworkingConfig_Global, 0, NULL, NULL, &n), k_ESteamNetworkingGetConfigValue_BufferTooSmall);
	NUMBER(n, sizeof big);
	n = sizeof got;
	NUMBER(UTILS(GetConfigValue)(U, list, k_ESteamNetworkingConfig_Global, 0, NULL, got, &n), k_ESteamNetworkingGetConfigValue_OK);
	NUMBER(n, sizeof big);
	CHECK(memcmp(big, got, sizeof big) == 0);
	n = SIZE_MAX; /* as some say who know that there is room */
	NUMBER(UTILS(GetConfigValue)(U, list, k_ESteamNetworkingConfig_Global, 0, NULL, got, &n), k_ESteamNetworkingGetConfigValue_OK);
	NUMBER(n, sizeof big);
	static const char *const bad[] = {"3000000000", "99999999999999999999", "-99999999999999999999", "abc", ""};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK(!UTILS(SetGlobalConfigValueString)(U, k_ESteamNetworkingConfig_NagleTime, bad[i]));
	CHECK(!UTILS(SetGlobalConfigValueFloat)(U, k_ESteamNetworkingConfig_NagleTime, 3e9f));
	CHECK(!UTILS(SetGlobalConfigValueFloat)(U, k_ESteamNetworkingConfig_NagleTime, -1e30f));
	CHECK(!UTILS(SetGlobalCallback_SteamRelayNetworkStatusChanged)(U, NULL));
	CHECK(UTILS(SetGlobalCallback_MessagesSessionRequest)(U, NULL));
	CHECK(UTILS(SetGlobalCallback_MessagesSessionFailed)(U, NULL));
	/* Interfaces and sockets are there between Init and Kill. */
	int32_t v = 1;
	for (int scope = k_ESteamNetworkingConfig_SocketsInterface; scope <= k_ESteamNetworkingConfig_Connection; scope++) {
		n = sizeof v;
		CHECK(!UTILS(SetConfigValue)(U, k_ESteamNetworkingConfig_NagleTime, (ESteamNetworkingConfigScope)scope, 1, k_ESteamNetworkingConfig_Int32, &v));
		NUMBER(UTILS(GetConfigValue)(U, k_ESteamNetworkingConfig_NagleTime, (ESteamNetworkingConfigScope)scope, 1, NULL, &v, &n), k_ESteamNetworkingGetConfigValue_BadScopeObj);
		NUMBER(n, 0);
	}
}

TESTS({"closeReasons", closeReasons}, {"names", names}, {"errors", errors}, {"values", values})
