#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum {
	fullMicroseconds = 200,    /* how long is waited for room in the send buffer, since the C API cannot tell when there is some */
	refusedMicroseconds = 100, /* and after a message was refused because it would have waited too long */
	settleMs = 100             /* how long the peer has time to confirm the close */
};

static struct {
	HSteamNetConnection conn;
	bool connected;
} client;

static void statusChanged(SteamNetConnectionStatusChangedCallback_t *c)
{
	switch (c->m_info.m_eState) {
	case k_ESteamNetworkingConnectionState_Connected:
		client.connected = true;
		break;
	case k_ESteamNetworkingConnectionState_ClosedByPeer:
	case k_ESteamNetworkingConnectionState_ProblemDetectedLocally:
		fail("connection ended: %d: %s", c->m_info.m_eEndReason, c->m_info.m_szEndDebug);
	}
}

/* pending returns how many bytes are yet to be sent or, if they are reliable, to be acknowledged. */
static int64_t pending(void)
{
	SteamNetConnectionRealTimeStatus_t st;
	if (SteamAPI_ISteamNetworkingSockets_GetConnectionRealTimeStatus(sockets, client.conn, &st, 0, NULL) != k_EResultOK)
		fail("no status");
	return (int64_t)st.m_cbPendingUnreliable + st.m_cbPendingReliable + st.m_cbSentUnackedReliable;
}

/* finish sends the message that ends the run, and waits until it was acknowledged. */
static void finish(int lane, uint64_t count)
{
	for (;;) {
		int64_t number;
		SteamNetworkingMessage_t *m = SteamAPI_ISteamNetworkingUtils_AllocateMessage(utils, endSize);
		fillEnd(m->m_pData, count);
		m->m_conn = client.conn;
		m->m_nFlags = k_nSteamNetworkingSend_ReliableNoNagle;
		m->m_idxLane = (uint16_t)lane;
		SteamAPI_ISteamNetworkingSockets_SendMessages(sockets, 1, &m, &number, true);
		if (number > 0)
			break;
		if (number != -k_EResultLimitExceeded)
			fail("sending the last message: result %lld", (long long)-number);
		sleepMicroseconds(fullMicroseconds);
	}
	while (pending() > 0)
		sleepMicroseconds(fullMicroseconds);
}

/* finishUnreliable does so with a lane for it alone: after a million unreliable messages on its lane Valve's library would take it for
 * nonsense. */
static void finishUnreliable(uint64_t count)
{
	int priorities[2] = {0, 0};
	while (pending() > 0)
		sleepMicroseconds(1000);
	if (SteamAPI_ISteamNetworkingSockets_ConfigureConnectionLanes(sockets, client.conn, 2, priorities, NULL) != k_EResultOK)
		fail("no second lane");
	finish(1, count);
}

/* refused waits for a moment if that helps after a message was refused, and fails if not. */
static void refused(EResult why, struct result *r)
{
	switch (why) {
	case k_EResultLimitExceeded:
		sleepMicroseconds(fullMicroseconds);
		break;
	case k_EResultIgnored:
		r->refused++;
		sleepMicroseconds(refusedMicroseconds);
		break;
	default:
		fail("sending: result %d", why);
	}
}

/* sendOne sends with a call for each message. */
static void sendOne(const struct options *o, int flags, int64_t until, struct result *r)
{
	uint8_t *data = malloc((size_t)o->size);
	while (data && now() < until) {
		EResult sent;
		fill(data, (size_t)o->size, (uint64_t)r->messages);
		while ((sent = SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(sockets, client.conn, data, (uint32_t)o->size, flags, NULL)) ==
			k_EResultLimitExceeded)
			refused(sent, r);
		if (sent == k_EResultOK)
			r->messages++;
		else
			refused(sent, r);
	}
	free(data);
}

/* sendBatches sends many messages with a call. */
static void sendBatches(const struct options *o, int flags, int64_t until, struct result *r)
{
	int n = o->batch;
	SteamNetworkingMessage_t **batch = calloc((size_t)n, sizeof *batch);
	int64_t *results = calloc((size_t)n, sizeof *results);
	if (!batch || !results)
		fail("no memory");
	while (now() < until) {
		for (int i = 0; i < n; i++) {
			SteamNetworkingMessage_t *m = batch[i];
			if (!m) {
				m = batch[i] = SteamAPI_ISteamNetworkingUtils_AllocateMessage(utils, o->size);
				m->m_conn = client.conn;
				m->m_nFlags = flags;
			}
			fill(m->m_pData, (size_t)o->size, (uint64_t)(r->messages + i));
		}
		for (int sent = 0; sent < n;) {
			SteamAPI_ISteamNetworkingSockets_SendMessages(sockets, n - sent, batch + sent, results + sent, false);
			while (sent < n && results[sent] > 0)
				sent++, r->messages++;
			if (sent == n)
				break;
			EResult why = (EResult)-results[sent];
			refused(why, r);
			if (why == k_EResultIgnored)
				break; /* numbers that have not been used are used again */
		}
	}
	for (int i = 0; i < n; i++)
		SteamAPI_SteamNetworkingMessage_t_Release(batch[i]);
	free(batch);
	free(results);
}

static void stream(const struct options *o, struct result *r)
{
	int flags = o->unreliable ? k_nSteamNetworkingSend_UnreliableNoDelay : k_nSteamNetworkingSend_Reliable;
	spanBegin(&r->span);
	int64_t until = r->span.start + (int64_t)(o->duration * 1e9);
	(o->batch == 1 ? sendOne : sendBatches)(o, flags, until, r);
	if (o->unreliable)
		finishUnreliable((uint64_t)r->messages);
	else
		finish(0, (uint64_t)r->messages);
	spanFinish(&r->span);
	r->bytes = r->messages * o->size;
}

/* receive waits for a message. */
static SteamNetworkingMessage_t *receive(HSteamNetPollGroup group)
{
	SteamNetworkingMessage_t *m;
	for (;;) {
		SteamNetworkingSockets_Poll(-1);
		SteamAPI_ISteamNetworkingSockets_RunCallbacks(sockets);
		if (SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup(sockets, group, &m, 1) > 0)
			return m;
	}
}

static void pingPong(const struct options *o, struct result *r)
{
	HSteamNetPollGroup group = SteamAPI_ISteamNetworkingSockets_CreatePollGroup(sockets);
	uint8_t *data = malloc((size_t)o->size);
	if (!data || !SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup(sockets, client.conn, group))
		fail("no poll group");
	spanBegin(&r->span);
	int64_t sent = r->span.start, until = sent + (int64_t)(o->duration * 1e9);
	while (sent < until) {
		fill(data, (size_t)o->size, (uint64_t)r->messages);
		EResult result = SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(sockets, client.conn, data, (uint32_t)o->size,
			k_nSteamNetworkingSend_ReliableNoNagle, NULL);
		if (result != k_EResultOK)
			fail("sending: result %d", result);
		SteamNetworkingMessage_t *m = receive(group);
		int64_t arrived = now();
		if (!intact(m->m_pData, (size_t)m->m_cbSize))
			r->bad++;
		else if (word(m->m_pData, (size_t)m->m_cbSize, 0) != (uint64_t)r->messages)
			r->orderErr++;
		SteamAPI_SteamNetworkingMessage_t_Release(m);
		addRound(r, (double)(arrived - sent) / 1e3);
		r->messages++;
		sent = arrived;
	}
	spanFinish(&r->span);
	free(data);
	finish(0, (uint64_t)r->messages);
}

void connectTo(const struct options *o, const SteamNetworkingIPAddr *addr, struct result *r)
{
	SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(utils, statusChanged);
	client.conn = SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress(sockets, addr, 0, NULL);
	if (!client.conn)
		fail("cannot connect");
	while (!client.connected) {
		SteamNetworkingSockets_Poll(-1);
		SteamAPI_ISteamNetworkingSockets_RunCallbacks(sockets);
	}
	if (o->pingPong)
		pingPong(o, r);
	else
		stream(o, r);
	SteamAPI_ISteamNetworkingSockets_CloseConnection(sockets, client.conn, k_ESteamNetConnectionEnd_App_Generic, "", true);
	sleepMicroseconds(settleMs * 1000);
}
