#include "bench.h"

#include <stdio.h>

enum {
	atOnce = 256,   /* messages that are received with one call */
	graceMs = 3000, /* how long connections have time to go after the end of the run */
	mostConns = 64
};

static struct {
	const struct options *o;
	struct result *r;
	HSteamNetPollGroup group;        /* for ping-pong, 0 for streams: snpcat has none there either */
	HSteamNetConnection handles[mostConns];
	uint64_t next[mostConns];        /* expected sequence numbers, by user data of the connection */
	int live, conns;
	int64_t endedAt;                 /* 0: not yet */
} server;

/* judge checks and counts a message. */
static void judge(const SteamNetworkingMessage_t *m)
{
	struct result *r = server.r;
	const uint8_t *data = m->m_pData;
	size_t size = (size_t)m->m_cbSize;
	spanBegin(&r->span);
	r->messages++;
	r->bytes += m->m_cbSize;
	if (!intact(data, size))
		r->bad++;
	if (m->m_nFlags & k_nSteamNetworkingSend_Reliable) {
		uint64_t *next = &server.next[m->m_nConnUserData];
		if (word(data, size, 0) != *next)
			r->orderErr++;
		(*next)++;
	}
}

static void take(SteamNetworkingMessage_t *m)
{
	struct result *r = server.r;
	if (isEnd(m->m_pData, (size_t)m->m_cbSize)) {
		spanFinish(&r->span);
		r->sent += (int64_t)word(m->m_pData, (size_t)m->m_cbSize, 1);
		server.endedAt = now();
	} else {
		judge(m);
		if (server.o->pingPong)
			SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(sockets, m->m_conn, m->m_pData, (uint32_t)m->m_cbSize,
				m->m_nFlags | k_nSteamNetworkingSend_NoNagle, NULL); /* fails only if the connection has ended */
	}
	SteamAPI_SteamNetworkingMessage_t_Release(m);
}

/* receive takes up to atOnce messages: those of the poll group, or of a connection. */
static int receive(int conn, SteamNetworkingMessage_t **received)
{
	if (server.group)
		return SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup(sockets, server.group, received, atOnce);
	return SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnConnection(sockets, server.handles[conn], received, atOnce);
}

static void receiveAll(void)
{
	SteamNetworkingMessage_t *received[atOnce];
	int sources = server.group ? 1 : server.conns;
	for (int conn = 0; conn < sources; conn++) {
		int n;
		do {
			n = receive(conn, received); /* -1 of a connection that has been closed */
			for (int i = 0; i < n; i++)
				take(received[i]);
		} while (n == atOnce);
	}
}

static void statusChanged(SteamNetConnectionStatusChangedCallback_t *c)
{
	switch (c->m_info.m_eState) {
	case k_ESteamNetworkingConnectionState_Connecting:
		if (server.conns == mostConns)
			fail("more than %d connections", mostConns);
		if (server.group)
			SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup(sockets, c->m_hConn, server.group);
		SteamAPI_ISteamNetworkingSockets_SetConnectionUserData(sockets, c->m_hConn, server.conns);
		if (SteamAPI_ISteamNetworkingSockets_AcceptConnection(sockets, c->m_hConn) == k_EResultOK) /* else the client has given up */
			server.handles[server.conns++] = c->m_hConn, server.live++;
		break;
	case k_ESteamNetworkingConnectionState_ClosedByPeer:
	case k_ESteamNetworkingConnectionState_ProblemDetectedLocally:
		receiveAll(); /* what it has sent before is gone when it is closed */
		SteamAPI_ISteamNetworkingSockets_CloseConnection(sockets, c->m_hConn, k_ESteamNetConnectionEnd_App_Generic, "", false);
		if (c->m_eOldState == k_ESteamNetworkingConnectionState_Connected)
			server.live--;
		break;
	}
}

/* patience is how many milliseconds may be waited now. */
static int patience(void)
{
	return server.endedAt ? (int)(graceMs - (now() - server.endedAt) / 1000000) : -1;
}

void serve(const struct options *o, SteamNetworkingIPAddr *addr, struct result *r)
{
	char text[k_cchMaxSteamNetworkingIPAddrString];
	server.o = o, server.r = r;
	if (o->pingPong)
		server.group = SteamAPI_ISteamNetworkingSockets_CreatePollGroup(sockets);
	SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(utils, statusChanged);
	if (!SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP(sockets, addr, 0, NULL))
		fail("cannot listen");
	SteamAPI_SteamNetworkingIPAddr_ToString(addr, text, sizeof text, true);
	printf("{\"listening\":\"%s\"}\n", text);
	fflush(stdout);
	while (!server.endedAt || (server.live > 0 && patience() > 0)) {
		SteamNetworkingSockets_Poll(patience());
		SteamAPI_ISteamNetworkingSockets_RunCallbacks(sockets);
		receiveAll();
	}
}
