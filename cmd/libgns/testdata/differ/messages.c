/* Sending and receiving. */
#include "differ.h"

static char data[600 << 10];

static void fill(void)
{
	if (data[0] == 0)
		for (size_t i = 0; i < sizeof data; i++)
			data[i] = (char)(i * 7 + i / 251 + 1);
}

static uint32_t checksum(const uint8_t *p, size_t n)
{
	uint32_t h = 2166136261;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 16777619;
	return h;
}

static int randomSize(void)
{
	static const int sizes[] = {0, 1, 2, 100, 1200, 16500, 16501, 63, 64, 65};
	return percent(50) ? below(300) : percent(85) ? PICK(sizes) : percent(50) ? 524288 : 524289;
}

static int randomFlags(void)
{
	return percent(50) ? 8 : percent(80) ? below(64) : (int)(draw() & 0x7fffffff);
}

static void send(void)
{
	fill();
	HSteamNetConnection h = anyConnection(true);
	uint32_t n = (uint32_t)randomSize();
	const char *p = data + below(1000);
	if (percent(2))
		n = percent(50) ? 0xffffffff : 0x80000000 | (uint32_t)below(1000);
	int flags = randomFlags();
	int64_t number = 77;
	bool with = percent(80);
	int r = SOCKETS(SendMessageToConnection)(S, h, n == 0 && percent(50) ? NULL : p, n, flags, with ? &number : NULL);
	say("SendMessageToConnection(%s, %u, %d) = %d", connectionName(h), n, flags, r);
	/* Valve's library does not touch the number if there is no such connection, this one says that there is none. */
	more(" number %lld", number == 77 ? -1LL : (long long)number);
}

static int freed, toFree;

static void countFree(SteamNetworkingMessage_t *m)
{
	MUST(m->m_pData != NULL);
	freed++;
}

void sayFreed(void) { say("freed %d of %d", freed, toFree); }

static SteamNetworkingMessage_t *outgoing(HSteamNetConnection h)
{
	int n = randomSize();
	SteamNetworkingMessage_t *m;
	if (percent(50)) {
		m = UTILS(AllocateMessage)(U, n);
		if (n > 0)
			memcpy(m->m_pData, data, (size_t)n);
	} else {
		m = UTILS(AllocateMessage)(U, 0);
		m->m_pData = data + below(1000);
		m->m_cbSize = n;
		m->m_pfnFreeData = countFree;
		toFree++;
	}
	if (percent(2))
		m->m_cbSize = -1 - below(1000);
	m->m_conn = h;
	m->m_nFlags = randomFlags();
	m->m_idxLane = (uint16_t)(percent(60) ? 0 : percent(90) ? below(4) : below(65536));
	m->m_nUserData = (int64_t)draw();
	return m;
}

/* disorder notes that messages from the other end of a connection may stand in any order among those of others: Valve's library
 * serves the connections of a batch in the order of their handles, and has messages of a pipe in their queue before it is accepted. */
void disorder(HSteamNetConnection h)
{
	struct connection *c = connectionOf(h), *partner = NULL;
	for (int i = 0; c && i < nConnections; i++)
		if (connections[i].number == c->partner)
			partner = &connections[i];
	for (int i = 0; i < nGroups; i++)
		if (partner ? groups[i].number == partner->group : c && c->pipe)
			groups[i].unordered = true;
}

static void batch(void)
{
	fill();
	enum { room = 12 };
	SteamNetworkingMessage_t *m[room], *before[room];
	int64_t results[room];
	int n = below(room + 1);
	HSteamNetConnection few[3] = {anyConnection(true), anyConnection(true), anyConnection(true)};
	bool deleteFailed = percent(50), with = percent(80);
	say("SendMessages(%d, %d):", n, deleteFailed);
	for (int i = 0; i < n; i++) {
		results[i] = 77;
		m[i] = percent(6) ? NULL : outgoing(percent(60) ? few[0] : PICK(few));
		before[i] = m[i];
		if (m[i]) {
			more(" [%s %d %d %d]", connectionName(m[i]->m_conn), m[i]->m_cbSize, m[i]->m_nFlags, m[i]->m_idxLane);
			disorder(m[i]->m_conn);
		} else
			more(" [NULL]");
	}
	SOCKETS(SendMessages)(S, n, m, with ? results : NULL, deleteFailed);
	more(" =");
	for (int i = 0; i < n; i++) {
		if (with)
			more(" %lld", (long long)results[i]);
		more("%s", m[i] == before[i] ? "" : m[i] ? "!" : "-");
		if (!deleteFailed && m[i])
			SteamAPI_SteamNetworkingMessage_t_Release(m[i]);
	}
}

/* What was received may be kept, whatever becomes of the connection. */
static struct {
	SteamNetworkingMessage_t *m;
	uint32_t sum;
} held[8];

static uint32_t sumOf(const SteamNetworkingMessage_t *m) { return checksum(m->m_pData, (size_t)m->m_cbSize); }

static void release(int i)
{
	if (!held[i].m)
		return;
	MUST(sumOf(held[i].m) == held[i].sum);
	held[i].m->m_pfnRelease(held[i].m);
	held[i].m = NULL;
}

void releaseHeld(void)
{
	for (int i = 0; i < 8; i++)
		release(i);
}

static void sayMessage(SteamNetworkingMessage_t *m)
{
	/* Flags and data of the sender's own come through a pipe in Valve's library, as does whose memory it is. */
	more(" [%s size %d, %08x, number %lld, lane %d, flags %d, channel %d, user data %lld, time %d, peer", connectionName(m->m_conn), m->m_cbSize, sumOf(m), (long long)m->m_nMessageNumber,
		m->m_idxLane, m->m_nFlags & 8, m->m_nChannel, (long long)m->m_nConnUserData, m->m_usecTimeReceived > 0);
	sayIdentity(&m->m_identityPeer);
	more("]");
}

static void done(SteamNetworkingMessage_t *m)
{
	if (percent(20)) {
		int i = below(8);
		release(i);
		held[i].m = m;
		held[i].sum = sumOf(m);
	} else
		SteamAPI_SteamNetworkingMessage_t_Release(m);
}

static int byPlace(const void *a, const void *b)
{
	const SteamNetworkingMessage_t *m = *(SteamNetworkingMessage_t *const *)a, *n = *(SteamNetworkingMessage_t *const *)b;
	const struct connection *c = connectionOf(m->m_conn), *d = connectionOf(n->m_conn);
	int x = c ? c->number : 0, y = d ? d->number : 0;
	if (x != y)
		return x < y ? -1 : 1;
	if (m->m_idxLane != n->m_idxLane)
		return m->m_idxLane < n->m_idxLane ? -1 : 1;
	return m->m_nMessageNumber < n->m_nMessageNumber ? -1 : 1;
}

static int take(uint32_t h, bool fromGroup, SteamNetworkingMessage_t **m, int n)
{
	return fromGroup ? SOCKETS(ReceiveMessagesOnPollGroup)(S, h, m, n) : SOCKETS(ReceiveMessagesOnConnection)(S, h, m, n);
}

static void receive(uint32_t h, bool fromGroup, bool unordered)
{
	static const int numbers[] = {0, -1, 1, 1, 2, 3, 5, 20, 100};
	static SteamNetworkingMessage_t *m[20000];
	int n = PICK(numbers), got = 0, k = 0;
	say("ReceiveMessagesOn%s(%s, %d%s) = ", fromGroup ? "PollGroup" : "Connection", fromGroup ? groupName(h) : connectionName(h), n, unordered ? ", all" : "");
	if (!unordered)
		got = take(h, fromGroup, m, n);
	else {
		do {
			k = take(h, fromGroup, m + got, 50);
			MUST(k >= 0 && k <= 50);
			got += k;
		} while (k == 50 && got < 19000);
		qsort(m, (size_t)got, sizeof m[0], byPlace);
	}
	more("%d", got);
	for (int i = 0; i < got; i++) {
		sayMessage(m[i]);
		done(m[i]);
	}
}

/* waits tells a pipe that is not accepted yet, of which messages can be received in Valve's library already. */
static bool waits(const struct connection *c)
{
	SteamNetConnectionInfo_t info;
	return c && c->pipe && SOCKETS(GetConnectionInfo)(S, c->h, &info) && info.m_eState == k_ESteamNetworkingConnectionState_Connecting;
}

static void receiveOnConnection(void)
{
	HSteamNetConnection h = anyConnection(true);
	struct connection *c = connectionOf(h);
	if (waits(c))
		return;
	receive(h, false, c && !c->closed && c->unordered);
}

static void receiveOnGroup(void)
{
	HSteamNetPollGroup h = anyGroup();
	struct group *g = groupOf(h);
	bool unordered = g && g->unordered;
	for (int i = 0; g && i < nConnections; i++) {
		if (connections[i].group != g->number)
			continue;
		if (waits(&connections[i]))
			return;
		unordered |= connections[i].unordered;
	}
	if (g && g->closed)
		unordered = false;
	receive(h, true, unordered);
	if (unordered)
		g->unordered = false;
}

static void allocate(void)
{
	int n = randomSize();
	SteamNetworkingMessage_t *m = UTILS(AllocateMessage)(U, n);
	say("AllocateMessage(%d): size %d, data %d, free %d, conn %u, channel %d, flags %d, lane %d, number %lld, user data %lld", n, m->m_cbSize, m->m_pData != NULL, m->m_pfnFreeData != NULL,
		m->m_conn, m->m_nChannel, m->m_nFlags, m->m_idxLane, (long long)m->m_nMessageNumber, (long long)m->m_nConnUserData);
	SteamAPI_SteamNetworkingMessage_t_Release(m);
}

const struct action messageActions[] = {{"send", send, 10, false}, {"batch", batch, 5, false}, {"receiveOnConnection", receiveOnConnection, 6, false},
	{"receiveOnGroup", receiveOnGroup, 5, false}, {"allocate", allocate, 1, true}, {0}};
