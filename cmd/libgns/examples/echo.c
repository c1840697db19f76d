/* A server and a client in one program, over UDP: the client says five words, the server says them back. */
#include "gns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static ISteamNetworkingSockets *sockets;
static HSteamNetPollGroup clients;
static bool gone;

static void fail(const char *what)
{
	fprintf(stderr, "echo: %s\n", what);
	exit(1);
}

/* Runs within RunCallbacks, in the thread that called it. */
static void statusChanged(SteamNetConnectionStatusChangedCallback_t *change)
{
	if (change->m_info.m_eState == k_ESteamNetworkingConnectionState_Connecting && change->m_info.m_hListenSocket) {
		SteamAPI_ISteamNetworkingSockets_AcceptConnection(sockets, change->m_hConn);
		SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup(sockets, change->m_hConn, clients);
	} else if (change->m_info.m_eState == k_ESteamNetworkingConnectionState_ClosedByPeer) {
		printf("the client has gone: %d, %s\n", change->m_info.m_eEndReason, change->m_info.m_szEndDebug);
		SteamAPI_ISteamNetworkingSockets_CloseConnection(sockets, change->m_hConn, 0, NULL, false);
		gone = true;
	} else if (change->m_info.m_eState == k_ESteamNetworkingConnectionState_ProblemDetectedLocally) {
		fail(change->m_info.m_szEndDebug);
	}
}

/* Runs at any time, in any thread. */
static void debugOutput(ESteamNetworkingSocketsDebugOutputType type, const char *text)
{
	fprintf(stderr, "%d %s\n", type, text);
}

/* A game would do its own work here instead. */
static void wait(int *turns)
{
	if (++*turns == 1000)
		fail("nothing happens");
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* What the server does: everything that arrives goes back. */
static void serve(void)
{
	SteamNetworkingMessage_t *messages[16];
	int n = SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup(sockets, clients, messages, 16);
	for (int i = 0; i < n; i++) {
		SteamNetworkingMessage_t *m = messages[i];
		SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(sockets, m->m_conn, m->m_pData, (uint32_t)m->m_cbSize,
			k_nSteamNetworkingSend_Reliable, NULL);
		SteamAPI_SteamNetworkingMessage_t_Release(m);
	}
}

int main(int argc, char **argv)
{
	static const char *const words[] = {"every", "word", "comes", "back", "again"};
	uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 27015;
	SteamNetworkingErrMsg error;
	if (!GameNetworkingSockets_Init(NULL, error))
		fail(error);
	sockets = SteamAPI_SteamNetworkingSockets_v009();
	ISteamNetworkingUtils *utils = SteamAPI_SteamNetworkingUtils_v003();
	SteamAPI_ISteamNetworkingUtils_SetDebugOutputFunction(utils, k_ESteamNetworkingSocketsDebugOutputType_Warning, debugOutput);
	SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(utils, statusChanged);
	clients = SteamAPI_ISteamNetworkingSockets_CreatePollGroup(sockets);

	SteamNetworkingIPAddr address;
	SteamAPI_SteamNetworkingIPAddr_Clear(&address);
	SteamAPI_SteamNetworkingIPAddr_SetIPv4(&address, 0x7f000001, port);
	if (!SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP(sockets, &address, 0, NULL))
		fail("cannot listen");
	HSteamNetConnection server = SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress(sockets, &address, 0, NULL);
	if (!server)
		fail("cannot connect");
	for (int i = 0; i < 5; i++) /* they wait until the connection is there */
		if (SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(sockets, server, words[i], (uint32_t)strlen(words[i]),
			k_nSteamNetworkingSend_Reliable, NULL) != k_EResultOK)
			fail("cannot send");

	int turns = 0;
	for (int back = 0; back < 5; wait(&turns)) {
		SteamAPI_ISteamNetworkingSockets_RunCallbacks(sockets);
		serve();
		SteamNetworkingMessage_t *m;
		while (SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnConnection(sockets, server, &m, 1) > 0) {
			printf("%.*s\n", (int)m->m_cbSize, (const char *)m->m_pData);
			if ((size_t)m->m_cbSize != strlen(words[back]) || memcmp(m->m_pData, words[back], (size_t)m->m_cbSize))
				fail("another word came back");
			back++;
			SteamAPI_SteamNetworkingMessage_t_Release(m);
		}
	}
	SteamAPI_ISteamNetworkingSockets_CloseConnection(sockets, server, 1001, "done", true);
	for (; !gone; wait(&turns))
		SteamAPI_ISteamNetworkingSockets_RunCallbacks(sockets);
	GameNetworkingSockets_Kill();
	return 0;
}
