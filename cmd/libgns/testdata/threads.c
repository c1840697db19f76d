/* Many threads, and such as end. */
#include "check.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static HSteamNetConnection ends[2];
static HSteamNetPollGroup group;
static atomic_int received, sent;
static atomic_bool stop;

static int duration(void)
{
	const char *ms = getenv("LIBGNS_MILLISECONDS");
	return ms ? atoi(ms) : 700;
}

static void onStatus(SteamNetConnectionStatusChangedCallback_t *c)
{
	if (c->m_info.m_eState == k_ESteamNetworkingConnectionState_Connecting && c->m_info.m_hListenSocket)
		SOCKETS(AcceptConnection)(S, c->m_hConn);
	else if (c->m_info.m_eState >= k_ESteamNetworkingConnectionState_ClosedByPeer)
		SOCKETS(CloseConnection)(S, c->m_hConn, 0, NULL, false);
}

static void onOutput(ESteamNetworkingSocketsDebugOutputType type, const char *text) { (void)type, (void)text; }

static SteamNetworkingIPAddr address;

/* once does a little of everything. */
static void once(unsigned *seed)
{
	SteamNetConnectionInfo_t info;
	SteamNetConnectionRealTimeStatus_t status;
	SteamNetworkingMessage_t *m[8];
	char text[2000];
	int n = rand_r(seed) % 16, k;
	switch (n) {
	case 0:
	case 1:
		if (SOCKETS(SendMessageToConnection)(S, ends[n], "hello", 5, rand_r(seed) % 2 ? k_nSteamNetworkingSend_Reliable : k_nSteamNetworkingSend_Unreliable, NULL) == k_EResultOK)
			atomic_fetch_add(&sent, 1);
		break;
	case 2:
		for (int i = 0; i < 8; i++) {
			m[i] = UTILS(AllocateMessage)(U, 100);
			memset(m[i]->m_pData, i, 100);
			m[i]->m_conn = ends[i % 2];
			m[i]->m_nFlags = k_nSteamNetworkingSend_Reliable;
		}
		SOCKETS(SendMessages)(S, 8, m, NULL, true);
		break;
	case 3:
	case 4:
		k = SOCKETS(ReceiveMessagesOnConnection)(S, ends[n - 3], m, 8);
		for (int i = 0; i < k; i++)
			m[i]->m_pfnRelease(m[i]);
		if (k > 0)
			atomic_fetch_add(&received, k);
		break;
	case 5:
		k = SOCKETS(ReceiveMessagesOnPollGroup)(S, group, m, 8);
		for (int i = 0; i < k; i++)
			m[i]->m_pfnRelease(m[i]);
		if (k > 0)
			atomic_fetch_add(&received, k);
		break;
	case 6:
		SOCKETS(RunCallbacks)(S);
		break;
	case 7:
		SOCKETS(GetConnectionInfo)(S, ends[0], &info);
		SOCKETS(GetConnectionRealTimeStatus)(S, ends[0], &status, 0, NULL);
		SOCKETS(GetDetailedConnectionStatus)(S, ends[0], text, sizeof text);
		break;
	case 8:
		SOCKETS(CloseConnection)(S, SOCKETS(ConnectByIPAddress)(S, &address, 0, NULL), 0, NULL, rand_r(seed) % 2);
		break;
	case 9:
		UTILS(SetGlobalConfigValueInt32)(U, k_ESteamNetworkingConfig_NagleTime, rand_r(seed) % 5000);
		UTILS(SetConnectionConfigValueInt32)(U, ends[1], k_ESteamNetworkingConfig_NagleTime, rand_r(seed) % 5000);
		break;
	case 10:
		SOCKETS(SetConnectionUserData)(S, ends[0], n);
		SOCKETS(SetConnectionName)(S, ends[0], "name");
		SOCKETS(GetConnectionName)(S, ends[0], text, sizeof text);
		break;
	case 11:
		SOCKETS(SetConnectionPollGroup)(S, ends[rand_r(seed) % 2], rand_r(seed) % 2 ? group : 0);
		break;
	case 12:
		SOCKETS(DestroyPollGroup)(S, SOCKETS(CreatePollGroup)(S));
		break;
	case 13:
		UTILS(SetDebugOutputFunction)(U, (ESteamNetworkingSocketsDebugOutputType)(rand_r(seed) % 9), rand_r(seed) % 3 ? onOutput : NULL);
		break;
	case 14:
		SOCKETS(FlushMessagesOnConnection)(S, ends[0]);
		UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, onStatus);
		break;
	case 15:
		SteamNetworkingSockets_Poll(0);
		MESSAGES(ReceiveMessagesOnChannel)(M, 0, m, 8);
		break;
	}
}

static void *work(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	while (!atomic_load(&stop))
		once(&seed);
	return NULL;
}

static void *workOnce(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	once(&seed);
	return NULL;
}

static void begin(void)
{
	init();
	UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, onStatus);
	listenAnywhere(&address, 0, NULL);
	MUST(SOCKETS(CreateSocketPair)(S, &ends[0], &ends[1], true, NULL, NULL));
	group = SOCKETS(CreatePollGroup)(S);
	MUST(M);
}

static void together(void)
{
	begin();
	pthread_t t[8];
	for (uintptr_t i = 0; i < 8; i++)
		MUST(pthread_create(&t[i], NULL, work, (void *)(i + 1)) == 0);
	pause_ms(duration());
	atomic_store(&stop, true);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	GameNetworkingSockets_Kill();
	CHECK(atomic_load(&sent) > 0);
	CHECK(atomic_load(&received) > 0);
}

/* Threads that call the library once and end, with as little stack as threads may have in practice. */
static void shortLived(void)
{
	begin();
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	MUST(pthread_attr_setstacksize(&attr, 128 << 10) == 0);
	int64_t end = milliseconds() + duration();
	uintptr_t n = 0;
	while (milliseconds() < end) {
		pthread_t t[4];
		for (int i = 0; i < 4; i++)
			MUST(pthread_create(&t[i], &attr, workOnce, (void *)n++) == 0);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
	}
	GameNetworkingSockets_Kill();
	CHECK(n > 0);
}

/* Init and Kill in one thread, everything in others: what they have is stale at any time. */
static void *workAlways(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	while (!atomic_load(&stop)) {
		once(&seed);
		if (seed % 64 == 0)
			GameNetworkingSockets_Init(NULL, NULL);
		if (seed % 128 == 1)
			GameNetworkingSockets_Kill();
	}
	return NULL;
}

static void killAmidst(void)
{
	address = localAddress();
	pthread_t t[6];
	for (uintptr_t i = 0; i < 6; i++)
		MUST(pthread_create(&t[i], NULL, workAlways, (void *)(i + 1)) == 0);
	int64_t end = milliseconds() + duration();
	while (milliseconds() < end) {
		GameNetworkingSockets_Init(NULL, NULL);
		HSteamNetConnection pair[2];
		if (SOCKETS(CreateSocketPair)(NULL, &pair[0], &pair[1], true, NULL, NULL))
			ends[0] = pair[0], ends[1] = pair[1];
		pause_ms(5);
		GameNetworkingSockets_Kill();
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	GameNetworkingSockets_Kill();
	CHECK(S == NULL);
}

/* A thread that waits in Poll goes on when the library ends. */
static void *pollForever(void *arg)
{
	(void)arg;
	SteamNetworkingSockets_Poll(-1);
	return NULL;
}

static void killWakesPoll(void)
{
	init();
	pthread_t t;
	MUST(pthread_create(&t, NULL, pollForever, NULL) == 0);
	pause_ms(20);
	GameNetworkingSockets_Kill();
	pthread_join(t, NULL);
}

TESTS({"together", together}, {"shortLived", shortLived}, {"killAmidst", killAmidst}, {"killWakesPoll", killWakesPoll})
