/* Who owns messages, and when their data is freed. */
#include "check.h"

#include <stdatomic.h>

static HSteamNetConnection ends[2];
static atomic_int freed;
static char elsewhere[] = "data that is somewhere else";

static void pairUp(bool network)
{
	MUST(SOCKETS(CreateSocketPair)(S, &ends[0], &ends[1], network, NULL, NULL));
}

static void freeData(SteamNetworkingMessage_t *m)
{
	CHECK(m->m_pData == elsewhere);
	CHECK(m->m_nUserData == 4711); /* what the application left there is still there */
	atomic_fetch_add(&freed, 1);
}

static SteamNetworkingMessage_t *message(HSteamNetConnection h)
{
	SteamNetworkingMessage_t *m = UTILS(AllocateMessage)(U, 0);
	m->m_pData = elsewhere;
	m->m_cbSize = sizeof elsewhere;
	m->m_pfnFreeData = freeData;
	m->m_nUserData = 4711;
	m->m_conn = h;
	m->m_nFlags = k_nSteamNetworkingSend_Reliable;
	return m;
}

static void drain(HSteamNetConnection h, int n)
{
	while (n > 0) {
		SteamNetworkingMessage_t *m[8];
		int k = 0;
		UNTIL((k = SOCKETS(ReceiveMessagesOnConnection)(S, h, m, 8)) != 0);
		MUST(k > 0);
		for (int i = 0; i < k; i++) {
			NUMBER(m[i]->m_cbSize, sizeof elsewhere);
			CHECK(memcmp(m[i]->m_pData, elsewhere, sizeof elsewhere) == 0);
			m[i]->m_pfnRelease(m[i]);
		}
		n -= k;
	}
}

static void releaseFrees(void)
{
	SteamNetworkingMessage_t *m = message(0);
	m->m_pfnRelease(m);
	NUMBER(freed, 1);
	m = message(0);
	SteamAPI_SteamNetworkingMessage_t_Release(m);
	NUMBER(freed, 2);
}

static void sizes(void)
{
	SteamNetworkingMessage_t *m = UTILS(AllocateMessage)(U, 0);
	MUST(m);
	CHECK(!m->m_pData && !m->m_pfnFreeData && m->m_cbSize == 0);
	m->m_pfnRelease(m);
	CHECK(!UTILS(AllocateMessage)(U, -1));
	CHECK(!UTILS(AllocateMessage)(U, INT32_MIN));
	for (int size = 1; size <= 1 << 20; size *= 4) {
		m = UTILS(AllocateMessage)(U, size);
		MUST(m);
		CHECK((uintptr_t)m->m_pData % 16 == 0);
		memset(m->m_pData, 0x5a, (size_t)size);
		NUMBER(m->m_cbSize, size);
		m->m_pfnRelease(m);
	}
	/* The buffer may be larger than what is sent of it. */
	init();
	pairUp(false);
	m = UTILS(AllocateMessage)(U, 1000);
	memcpy(m->m_pData, elsewhere, sizeof elsewhere);
	m->m_cbSize = sizeof elsewhere;
	m->m_conn = ends[0];
	m->m_nFlags = k_nSteamNetworkingSend_Reliable;
	SOCKETS(SendMessages)(S, 1, &m, NULL, true);
	drain(ends[1], 1);
	/* Data of the application's instead of the buffer. */
	m = UTILS(AllocateMessage)(U, 10);
	void (*own)(SteamNetworkingMessage_t *) = m->m_pfnFreeData;
	CHECK(own != NULL);
	m->m_pfnRelease(m);
	GameNetworkingSockets_Kill();
}

/* Everything that can be wrong with a message, and whether the application gets it back. */
static void batch(bool deleteFailed, bool withResults)
{
	SteamNetworkingMessage_t *m[10] = {message(ends[0]), message(0), NULL, message(12345), message(12345), message(ends[0]), message(ends[0]), message(ends[0]), message(ends[1]), message(ends[1])};
	m[6]->m_idxLane = 9;
	m[9]->m_cbSize = -1;
	SteamNetworkingMessage_t *before[10];
	int64_t results[10];
	memcpy(before, m, sizeof m);
	memset(results, 0x55, sizeof results);
	atomic_store(&freed, 0);
	SOCKETS(SendMessages)(S, 10, m, withResults ? results : NULL, deleteFailed);
	if (withResults) {
		CHECK(results[0] > 0 && results[5] == results[0] + 1 && results[8] > 0);
		NUMBER(results[1], -k_EResultInvalidParam);
		NUMBER(results[2], -k_EResultInvalidParam);
		NUMBER(results[3], -k_EResultInvalidParam);
		NUMBER(results[4], 0);
		NUMBER(results[6], -k_EResultInvalidParam);
		NUMBER(results[7], 0); /* after a failure on the same connection */
		NUMBER(results[9], -k_EResultInvalidParam);
	}
	drain(ends[1], 2);
	drain(ends[0], 1);
	for (int i = 0; i < 10; i++) {
		bool sent = i == 0 || i == 5 || i == 8;
		if (deleteFailed)
			CHECK(m[i] == before[i]); /* the array is as it was, and what it led to is gone */
		else if (sent)
			CHECK(m[i] == NULL);
		else {
			CHECK(m[i] == before[i]);
			if (m[i])
				m[i]->m_pfnRelease(m[i]);
		}
	}
	UNTIL(atomic_load(&freed) >= 9);
	pause_ms(20);
	NUMBER(freed, 9); /* once each */
}

static void batches(void)
{
	init();
	for (int i = 0; i < 8; i++) {
		pairUp(i & 4);
		batch(i & 1, i & 2);
	}
	SOCKETS(SendMessages)(S, 0, NULL, NULL, true);
	SOCKETS(SendMessages)(S, -1, NULL, NULL, true);
	GameNetworkingSockets_Kill();
}

/* More messages than the library handles at a time. */
static void manyAtOnce(void)
{
	enum { n = 1000 };
	init();
	pairUp(false);
	static SteamNetworkingMessage_t *m[n];
	static int64_t results[n];
	for (int withResults = 0; withResults < 2; withResults++) {
		atomic_store(&freed, 0);
		for (int i = 0; i < n; i++)
			m[i] = message(ends[0]);
		SOCKETS(SendMessages)(S, n, m, withResults ? results : NULL, false);
		for (int i = 0; i < n; i++) {
			CHECK(m[i] == NULL);
			if (withResults)
				NUMBER(results[i], n + i + 1);
		}
		static SteamNetworkingMessage_t *in[n + 1];
		NUMBER(SOCKETS(ReceiveMessagesOnConnection)(S, ends[1], in, n + 1), n);
		for (int i = 0; i < n; i++) {
			NUMBER(in[i]->m_nMessageNumber, withResults * n + i + 1);
			in[i]->m_pfnRelease(in[i]);
		}
		NUMBER(freed, n);
	}
	GameNetworkingSockets_Kill();
}

/* Before Init and after Kill there is no connection, but there are messages. */
static void withoutLibrary(void)
{
	for (int i = 0; i < 2; i++) {
		SteamNetworkingMessage_t *m[2] = {message(5), NULL};
		int64_t results[2] = {77, 77};
		atomic_store(&freed, 0);
		SOCKETS(SendMessages)(NULL, 2, m, results, false);
		NUMBER(results[0], -k_EResultInvalidParam);
		NUMBER(results[1], -k_EResultInvalidParam);
		CHECK(m[0] != NULL);
		NUMBER(freed, 0);
		SOCKETS(SendMessages)(NULL, 1, m, NULL, true);
		NUMBER(freed, 1);
		init();
		GameNetworkingSockets_Kill();
	}
}

/* What is queued when a connection is closed, and when everything ends. */
static void discarded(void)
{
	init();
	SteamNetworkingIPAddr a = localAddress();
	for (int kill = 0; kill < 2; kill++) {
		HSteamNetConnection c = SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
		atomic_store(&freed, 0);
		SteamNetworkingMessage_t *m[5];
		for (int i = 0; i < 5; i++)
			m[i] = message(c);
		int64_t results[5];
		SOCKETS(SendMessages)(S, 5, m, results, true);
		NUMBER(results[4], 5);
		if (kill)
			GameNetworkingSockets_Kill();
		else
			CHECK(SOCKETS(CloseConnection)(S, c, 0, NULL, false));
		for (int i = 0; i < 2000 && atomic_load(&freed) < 5; i++)
			pause_ms(1);
		NUMBER(freed, 5);
	}
}

static void checkReceived(SteamNetworkingMessage_t *m, char c, int n)
{
	NUMBER(m->m_cbSize, n);
	for (int i = 0; i < n; i++)
		CHECK(((char *)m->m_pData)[i] == c);
	m->m_pfnRelease(m);
}

/* What has been received is the application's, whatever becomes of the connection. */
static void keptAfterClose(void)
{
	init();
	SteamNetworkingMessage_t *m[3];
	char data[5000];
	for (int i = 0; i < 3; i++) {
		pairUp(i == 1);
		memset(data, 'a' + i, sizeof data);
		NUMBER(SOCKETS(SendMessageToConnection)(S, ends[0], data, sizeof data, k_nSteamNetworkingSend_Reliable, NULL), k_EResultOK);
		memset(data, 0, sizeof data); /* it has been copied */
		UNTIL(SOCKETS(ReceiveMessagesOnConnection)(S, ends[1], &m[i], 1) == 1);
	}
	CHECK(SOCKETS(CloseConnection)(S, ends[1], 0, NULL, false));
	CHECK(SOCKETS(CloseConnection)(S, ends[0], 0, NULL, false));
	checkReceived(m[2], 'c', 5000);
	GameNetworkingSockets_Kill();
	checkReceived(m[0], 'a', 5000);
	init();
	GameNetworkingSockets_Kill();
	checkReceived(m[1], 'b', 5000);
}

/* What was not received when the connection is closed is freed by the library; Valgrind sees whether it is. */
static void neverReceived(void)
{
	init();
	pairUp(true);
	for (int i = 0; i < 20; i++)
		SOCKETS(SendMessageToConnection)(S, ends[0], elsewhere, sizeof elsewhere, k_nSteamNetworkingSend_Reliable, NULL);
	SteamNetworkingMessage_t *m = NULL;
	UNTIL(SOCKETS(ReceiveMessagesOnConnection)(S, ends[1], &m, 1) == 1);
	m->m_pfnRelease(m);
	GameNetworkingSockets_Kill();
}

/* A message that arrived may be sent on: it is like one of the application's. */
static void sentOn(void)
{
	init();
	pairUp(false);
	SteamNetworkingMessage_t *m = NULL;
	NUMBER(SOCKETS(SendMessageToConnection)(S, ends[0], elsewhere, sizeof elsewhere, k_nSteamNetworkingSend_Reliable, NULL), k_EResultOK);
	NUMBER(SOCKETS(ReceiveMessagesOnConnection)(S, ends[1], &m, 1), 1);
	int64_t number = 0;
	SOCKETS(SendMessages)(S, 1, &m, &number, true); /* m_conn is where it came from: it goes back */
	NUMBER(number, 1);
	drain(ends[0], 1);
	GameNetworkingSockets_Kill();
}

TESTS({"releaseFrees", releaseFrees}, {"sizes", sizes}, {"batches", batches}, {"manyAtOnce", manyAtOnce}, {"withoutLibrary", withoutLibrary}, {"discarded", discarded},
	{"keptAfterClose", keptAfterClose}, {"neverReceived", neverReceived}, {"sentOn", sentOn})
