/* Init and Kill, and what must not be left behind. */
#include "check.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* Resources that a process has. */
static int entries(const char *dir)
{
	int n = 0;
	DIR *d = opendir(dir);
	MUST(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int descriptors(void) { return entries("/proc/self/fd"); }
static int threads(void) { return entries("/proc/self/task"); }

static long residentKiB(void)
{
	long pages = 0, unused = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	MUST(f && fscanf(f, "%ld %ld", &unused, &pages) == 2);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static HSteamNetConnection accepted;
static int calls;

static void onStatus(SteamNetConnectionStatusChangedCallback_t *c)
{
	calls++;
	if (c->m_info.m_hListenSocket && c->m_info.m_eState == k_ESteamNetworkingConnectionState_Connecting) {
		accepted = c->m_hConn;
		NUMBER(SOCKETS(AcceptConnection)(S, c->m_hConn), k_EResultOK);
	}
}

static void onRequest(SteamNetworkingMessagesSessionRequest_t *r) { (void)r; }

static atomic_int lines;

static void onOutput(ESteamNetworkingSocketsDebugOutputType type, const char *text)
{
	(void)type;
	CHECK(strlen(text) <= 2047);
	atomic_fetch_add(&lines, 1);
}

/* What a program does, in short. */
static void life(void)
{
	SteamNetworkingIdentity id = named("alice");
	initWith(&id);
	UTILS(SetDebugOutputFunction)(U, k_ESteamNetworkingSocketsDebugOutputType_Everything, onOutput);
	UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, onStatus);
	UTILS(SetGlobalCallback_MessagesSessionRequest)(U, onRequest);
	MUST(M);
	SteamNetworkingIPAddr a;
	listenAnywhere(&a, 0, NULL);
	MUST(SOCKETS(CreateListenSocketP2P)(S, 1, 0, NULL));
	HSteamNetPollGroup g = SOCKETS(CreatePollGroup)(S);
	HSteamNetConnection c = SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
	MUST(SOCKETS(SetConnectionPollGroup)(S, c, g));
	accepted = 0;
	UNTIL(accepted != 0);
	NUMBER(SOCKETS(SendMessageToConnection)(S, accepted, "hello", 5, k_nSteamNetworkingSend_ReliableNoNagle, NULL), k_EResultOK);
	SteamNetworkingMessage_t *m = NULL;
	UNTIL(SOCKETS(ReceiveMessagesOnPollGroup)(S, g, &m, 1) == 1);
	m->m_pfnRelease(m);
	for (int i = 0; i < 10; i++) /* they are not received */
		SOCKETS(SendMessageToConnection)(S, accepted, "hello", 5, k_nSteamNetworkingSend_ReliableNoNagle, NULL);
	HSteamNetConnection ends[2];
	MUST(SOCKETS(CreateSocketPair)(S, &ends[0], &ends[1], false, NULL, NULL));
	SOCKETS(SendMessageToConnection)(S, ends[0], "hello", 5, k_nSteamNetworkingSend_Reliable, NULL);
	GameNetworkingSockets_Kill();
	int after = atomic_load(&lines);
	CHECK(S == NULL && M == NULL);
	NUMBER(lines, after);
}

/* cycles lives n times and tells what that took for good, once everything is there that is made only once. */
static void cycles(void)
{
	const char *times = getenv("LIBGNS_CYCLES");
	int n = times ? atoi(times) : 1000;
	long before = 0;
	int fds = 0, tasks = 0;
	for (int i = 0; i < n; i++) {
		if (i == n / 4) {
			before = residentKiB();
			fds = descriptors();
			tasks = threads();
		}
		life();
	}
	MUST(n >= 4);
	printf("%d cycles: resident memory %ld KiB, then %ld KiB; descriptors %d, then %d; threads %d, then %d\n", n, before, residentKiB(), fds, descriptors(), tasks, threads());
	CHECK(residentKiB() < before + before / 4 + 4096);
	CHECK(descriptors() <= fds);
	CHECK(threads() <= tasks + 4); /* Go's are never given back, and it may take some for a while */
	CHECK(calls > n);
	CHECK(atomic_load(&lines) > n);
}

static void twice(void)
{
	SteamNetworkingErrMsg err;
	GameNetworkingSockets_Kill(); /* before Init */
	SteamNetworkingIdentity alice = named("alice"), id;
	CHECK(GameNetworkingSockets_Init(&alice, err));
	SteamNetworkingIPAddr a;
	HSteamListenSocket l = listenAnywhere(&a, 0, NULL);
	CHECK(GameNetworkingSockets_Init(NULL, err));
	CHECK(GameNetworkingSockets_Init(&alice, NULL)); /* without a place for the message */
	CHECK(SOCKETS(GetIdentity)(S, &id));
	CHECK(SteamAPI_SteamNetworkingIdentity_IsEqualTo(&id, &alice));
	CHECK(SOCKETS(GetListenSocketAddress)(S, l, &a)); /* nothing has changed */
	GameNetworkingSockets_Kill();
	CHECK(S == NULL);
	GameNetworkingSockets_Kill();
	CHECK(S == NULL);
	init();
	CHECK(S != NULL);
	CHECK(!SOCKETS(GetListenSocketAddress)(S, l, &a));
	GameNetworkingSockets_Kill();
}

static void badIdentities(void)
{
	SteamNetworkingIdentity id;
	SteamNetworkingErrMsg err;
	for (int i = 0; i < 6; i++) {
		memset(&id, 0, sizeof id);
		switch (i) {
		case 0:
			id.m_eType = 99;
			break;
		case 1:
			SteamAPI_SteamNetworkingIdentity_SetSteamID64(&id, 5);
			break;
		case 2:
			id.m_eType = k_ESteamNetworkingIdentityType_GenericString;
			id.m_cbSize = -1;
			break;
		case 3:
			id.m_eType = k_ESteamNetworkingIdentityType_GenericString;
			id.m_cbSize = INT32_MAX;
			break;
		case 4: /* it does not end */
			id.m_eType = k_ESteamNetworkingIdentityType_GenericString;
			id.m_cbSize = 128;
			memset(&id.m_value, 'x', sizeof id.m_value);
			break;
		case 5:
			id.m_eType = k_ESteamNetworkingIdentityType_GenericBytes;
			id.m_cbSize = 33;
			break;
		}
		memset(err, '#', sizeof err);
		CHECK(!GameNetworkingSockets_Init(&id, err));
		CHECK(S == NULL);
		CHECK(memchr(err, 0, sizeof err) != NULL && strlen(err) > 10);
		printf("%s\n", err);
		init(); /* for there is nothing in its way */
		HSteamNetConnection ends[2] = {1, 1};
		CHECK(!SOCKETS(CreateSocketPair)(S, &ends[0], &ends[1], false, &id, NULL));
		CHECK(ends[0] == 0 && ends[1] == 0);
		CHECK(!SOCKETS(ConnectP2P)(S, &id, 0, 0, NULL));
		NUMBER(MESSAGES(SendMessageToUser)(M, &id, "x", 1, 0, 0), k_EResultInvalidParam);
		char text[k_cchMaxSteamNetworkingIdentityString];
		SteamNetworkingIdentity_ToString(&id, text, sizeof text);
		CHECK(strlen(text) > 0);
		GameNetworkingSockets_Kill();
	}
}

/* Every function has an answer when there is no library, even to those who have kept its objects. */
static void withoutLibrary(void)
{
	for (int i = 0; i < 2; i++) {
		HSteamNetConnection h = 12345, a = 1, b = 1;
		SteamNetworkingIPAddr addr = localAddress();
		SteamNetworkingIdentity bob = named("bob"), id;
		SteamNetConnectionInfo_t info;
		SteamNetConnectionRealTimeStatus_t status;
		SteamNetAuthenticationStatus_t auth;
		SteamNetworkingMessage_t *m[1];
		SteamNetworkingErrMsg err;
		char text[64] = "unchanged";
		int64_t number = 77;
		int n = 0;
		CHECK(S == NULL && M == NULL && U != NULL);
		NUMBER(SOCKETS(CreateListenSocketIP)(NULL, &addr, 0, NULL), 0);
		NUMBER(SOCKETS(ConnectByIPAddress)(NULL, &addr, 0, NULL), 0);
		NUMBER(SOCKETS(CreateListenSocketP2P)(NULL, 0, 0, NULL), 0);
		NUMBER(SOCKETS(ConnectP2P)(NULL, &bob, 0, 0, NULL), 0);
		NUMBER(SOCKETS(AcceptConnection)(NULL, h), k_EResultInvalidParam);
		CHECK(!SOCKETS(CloseConnection)(NULL, h, 0, NULL, false));
		CHECK(!SOCKETS(CloseListenSocket)(NULL, h));
		CHECK(!SOCKETS(GetListenSocketAddress)(NULL, h, &addr));
		CHECK(!SOCKETS(CreateSocketPair)(NULL, &a, &b, false, NULL, NULL));
		CHECK(!SOCKETS(SetConnectionUserData)(NULL, h, 1));
		NUMBER(SOCKETS(GetConnectionUserData)(NULL, h), -1);
		SOCKETS(SetConnectionName)(NULL, h, "x");
		CHECK(!SOCKETS(GetConnectionName)(NULL, h, text, sizeof text));
		CHECK(!SOCKETS(GetConnectionInfo)(NULL, h, &info));
		NUMBER(SOCKETS(GetConnectionRealTimeStatus)(NULL, h, &status, 0, NULL), k_EResultNoConnection);
		NUMBER(SOCKETS(GetDetailedConnectionStatus)(NULL, h, text, sizeof text), -1);
		NUMBER(SOCKETS(ConfigureConnectionLanes)(NULL, h, 1, NULL, NULL), k_EResultNoConnection);
		NUMBER(SOCKETS(SendMessageToConnection)(NULL, h, "x", 1, 0, &number), k_EResultInvalidParam);
		NUMBER(SOCKETS(FlushMessagesOnConnection)(NULL, h), k_EResultInvalidParam);
		NUMBER(SOCKETS(ReceiveMessagesOnConnection)(NULL, h, m, 1), -1);
		NUMBER(SOCKETS(ReceiveMessagesOnPollGroup)(NULL, h, m, 1), -1);
		NUMBER(SOCKETS(CreatePollGroup)(NULL), 0);
		CHECK(!SOCKETS(DestroyPollGroup)(NULL, h));
		CHECK(!SOCKETS(SetConnectionPollGroup)(NULL, h, h));
		CHECK(!SOCKETS(GetIdentity)(NULL, &id));
		SOCKETS(ResetIdentity)(NULL, &bob);
		NUMBER(SOCKETS(InitAuthentication)(NULL), k_ESteamNetworkingAvailability_CannotTry);
		NUMBER(SOCKETS(GetAuthenticationStatus)(NULL, &auth), k_ESteamNetworkingAvailability_CannotTry);
		CHECK(auth.m_eAvail == k_ESteamNetworkingAvailability_CannotTry && strlen(auth.m_debugMsg) > 0);
		CHECK(!SOCKETS(GetCertificateRequest)(NULL, &n, NULL, err));
		CHECK(strlen(err) > 0);
		CHECK(!SOCKETS(SetCertificate)(NULL, "x", 1, err));
		CHECK(strlen(err) > 0);
		SOCKETS(RunCallbacks)(NULL);
		CHECK(!SOCKETS(ReceivedP2PCustomSignal2)(NULL, "x", 1, NULL, NULL, NULL));
		NUMBER(MESSAGES(SendMessageToUser)(NULL, &bob, "x", 1, 0, 0), k_EResultFail);
		NUMBER(MESSAGES(ReceiveMessagesOnChannel)(NULL, 0, m, 1), 0);
		CHECK(!MESSAGES(AcceptSessionWithUser)(NULL, &bob));
		CHECK(!MESSAGES(CloseSessionWithUser)(NULL, &bob));
		CHECK(!MESSAGES(CloseChannelWithUser)(NULL, &bob, 0));
		NUMBER(MESSAGES(GetSessionConnectionInfo)(NULL, &bob, &info, &status), k_ESteamNetworkingConnectionState_None);
		SteamNetworkingSockets_Poll(1);
		CHECK(UTILS(GetLocalTimestamp)(U) > 0);
		TEXT(text, "unchanged");
		NUMBER(number, -1);
		init();
		GameNetworkingSockets_Kill();
	}
}

/* Pointers that may be NULL, of functions that have an object to work on. */
static void nullArguments(void)
{
	init();
	HSteamNetConnection ends[2] = {0, 0};
	SteamNetworkingIdentity bob = named("bob");
	CHECK(SOCKETS(CreateSocketPair)(S, &ends[0], &ends[1], false, NULL, NULL));
	CHECK(!SOCKETS(CreateSocketPair)(S, NULL, &ends[1], false, NULL, NULL));
	CHECK(!SOCKETS(CreateSocketPair)(S, &ends[0], NULL, false, NULL, NULL));
	CHECK(SOCKETS(CreateSocketPair)(S, &ends[0], &ends[1], false, NULL, NULL));
	HSteamNetConnection c = ends[0];
	CHECK(!SOCKETS(CreateListenSocketIP)(S, NULL, 0, NULL));
	CHECK(!SOCKETS(ConnectByIPAddress)(S, NULL, 0, NULL));
	CHECK(!SOCKETS(ConnectP2P)(S, NULL, 0, 0, NULL));
	CHECK(!SOCKETS(CreateListenSocketP2P)(S, 0, -1, NULL));
	CHECK(SOCKETS(GetConnectionInfo)(S, c, NULL));
	NUMBER(SOCKETS(GetConnectionRealTimeStatus)(S, c, NULL, 0, NULL), k_EResultOK);
	CHECK(SOCKETS(GetConnectionName)(S, c, NULL, 10));
	CHECK(SOCKETS(GetDetailedConnectionStatus)(S, c, NULL, 100) > 0);
	CHECK(SOCKETS(GetDetailedConnectionStatus)(S, c, NULL, -1) > 0);
	NUMBER(SOCKETS(SendMessageToConnection)(S, c, NULL, 0, 8, NULL), k_EResultOK);
	NUMBER(SOCKETS(SendMessageToConnection)(S, c, NULL, 5, 8, NULL), k_EResultInvalidParam);
	NUMBER(SOCKETS(SendMessageToConnection)(S, c, NULL, 0xffffffff, 8, NULL), k_EResultInvalidParam);
	NUMBER(SOCKETS(ReceiveMessagesOnConnection)(S, c, NULL, 5), 0);
	NUMBER(SOCKETS(ReceiveMessagesOnConnection)(S, c, NULL, -5), 0);
	SOCKETS(SendMessages)(S, 5, NULL, NULL, true);
	CHECK(SOCKETS(GetIdentity)(S, NULL));
	SOCKETS(GetAuthenticationStatus)(S, NULL);
	CHECK(!SOCKETS(GetCertificateRequest)(S, NULL, NULL, NULL));
	CHECK(!SOCKETS(SetCertificate)(S, NULL, 5, NULL));
	CHECK(!SOCKETS(SetCertificate)(S, "x", -5, NULL));
	CHECK(!SOCKETS(ReceivedP2PCustomSignal)(S, NULL, 5, NULL));
	CHECK(!SOCKETS(ReceivedP2PCustomSignal)(S, "x", -5, NULL));
	CHECK(!SOCKETS(ConnectP2PCustomSignaling)(S, NULL, NULL, 0, 0, NULL));
	CHECK(!SOCKETS(CreateCustomSignaling)(NULL, NULL, NULL));
	NUMBER(MESSAGES(SendMessageToUser)(M, NULL, "x", 1, 0, 0), k_EResultInvalidParam);
	NUMBER(MESSAGES(SendMessageToUser)(M, &bob, NULL, 5, 0, 0), k_EResultInvalidParam);
	NUMBER(MESSAGES(ReceiveMessagesOnChannel)(M, 0, NULL, 5), 0);
	CHECK(!MESSAGES(AcceptSessionWithUser)(M, NULL));
	NUMBER(MESSAGES(GetSessionConnectionInfo)(M, NULL, NULL, NULL), 0);
	SteamAPI_SteamNetworkingMessage_t_Release(NULL);
	NUMBER(UTILS(GetConfigValue)(U, k_ESteamNetworkingConfig_NagleTime, k_ESteamNetworkingConfig_Global, 0, NULL, NULL, NULL), k_ESteamNetworkingGetConfigValue_BufferTooSmall);
	CHECK(UTILS(GetConfigValueInfo)(U, k_ESteamNetworkingConfig_NagleTime, NULL, NULL) != NULL);
	SteamNetworkingIPAddr_ToString(NULL, NULL, 0, true);
	SteamNetworkingIdentity_ToString(NULL, NULL, 0);
	CHECK(!SteamNetworkingIPAddr_ParseString(NULL, "1.2.3.4"));
	CHECK(!SteamNetworkingIdentity_ParseString(NULL, 136, "str:x"));
	CHECK(!SteamNetworkingIdentity_ParseString(&bob, 135, "str:x")); /* a structure that could not hold it */
	CHECK(!SteamNetworkingIdentity_ParseString(&bob, sizeof bob, NULL));
	CHECK(!SteamAPI_SteamNetworkingIdentity_SetGenericString(&bob, NULL));
	SOCKETS(ResetIdentity)(S, NULL);
	CHECK(SOCKETS(GetIdentity)(S, &bob));
	CHECK(SteamAPI_SteamNetworkingIdentity_IsLocalHost(&bob));
	SteamNetworkingSockets_SetLockAcquiredCallback(NULL);
	SteamNetworkingSockets_SetLockHeldCallback(NULL);
	SteamNetworkingSockets_SetLockWaitWarningThreshold(5000);
	SteamNetworkingSockets_SetManualPollMode(true);
	SteamNetworkingSockets_SetServiceThreadInitCallback(NULL);
	GameNetworkingSockets_Kill();
}

/* Nothing is at address 8, and there Rust's empty slices are. */
static void emptySlices(void)
{
	void *nowhere = (void *)8;
	init();
	SteamNetworkingErrMsg err;
	SteamNetworkingIPAddr a = localAddress();
	SteamNetworkingIdentity bob = named("bob");
	HSteamNetConnection c = SOCKETS(ConnectByIPAddress)(S, &a, 0, (const SteamNetworkingConfigValue_t *)nowhere);
	CHECK(c != 0);
	NUMBER(SOCKETS(SendMessageToConnection)(S, c, nowhere, 0, 8, NULL), k_EResultOK);
	SteamNetworkingMessage_t *m = UTILS(AllocateMessage)(U, 0);
	m->m_pData = nowhere;
	m->m_conn = c;
	m->m_nFlags = 8;
	int64_t number = 0;
	SOCKETS(SendMessages)(S, 1, &m, &number, true);
	NUMBER(number, 2);
	SOCKETS(SendMessages)(S, 0, (SteamNetworkingMessage_t **)nowhere, (int64_t *)nowhere, true);
	NUMBER(SOCKETS(ReceiveMessagesOnConnection)(S, c, (SteamNetworkingMessage_t **)nowhere, 0), 0);
	CHECK(!SOCKETS(SetCertificate)(S, nowhere, 0, err));
	CHECK(!SOCKETS(ReceivedP2PCustomSignal2)(S, nowhere, 0, nowhere, NULL, NULL));
	NUMBER(MESSAGES(SendMessageToUser)(M, &bob, nowhere, 0, 0, 0), k_EResultFail); /* for want of signaling */
	GameNetworkingSockets_Kill();
}

static pthread_t main_thread;
static atomic_int inits;

static void threadStarted(void)
{
	CHECK(!pthread_equal(pthread_self(), main_thread));
	atomic_fetch_add(&inits, 1);
}

static void threadInit(void)
{
	main_thread = pthread_self();
	SteamNetworkingSockets_SetServiceThreadInitCallback(threadStarted);
	init();
	NUMBER(inits, 1);
	GameNetworkingSockets_Kill();
	init();
	NUMBER(inits, 2);
	GameNetworkingSockets_Kill();
}

TESTS({"cycles", cycles}, {"twice", twice}, {"badIdentities", badIdentities}, {"withoutLibrary", withoutLibrary}, {"nullArguments", nullArguments},
	{"emptySlices", emptySlices}, {"threadInit", threadInit})
