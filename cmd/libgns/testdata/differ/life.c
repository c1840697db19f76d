/* The library begins and ends, calls back, and knows who this side is. */
#include "differ.h"

bool running;
SteamNetworkingIdentity self;

static int depth; /* of callbacks */

static void told(char which, SteamNetConnectionStatusChangedCallback_t *c)
{
	struct connection *k = connectionOf(c->m_hConn);
	if (!k) { /* one that came to a listen socket, from this program */
		k = newConnection(c->m_hConn);
		k->child = k->pipe = k->unordered = true;
	}
	say("  %c: %s %d -> ", which, connectionName(c->m_hConn), c->m_eOldState);
	sayInfo(&c->m_info);
	if (depth < 3 && percent(15)) {
		depth++;
		act();
		depth--;
	}
}

void onStatusA(SteamNetConnectionStatusChangedCallback_t *c) { told('A', c); }
void onStatusB(SteamNetConnectionStatusChangedCallback_t *c) { told('B', c); }

static void runCallbacks(void)
{
	say("RunCallbacks()");
	SOCKETS(RunCallbacks)(S);
}

static void begin(void)
{
	SteamNetworkingIdentity id = randomIdentity();
	SteamNetworkingErrMsg err;
	if (depth > 0 || (running && percent(80)))
		return;
	bool with = percent(50);
	say("Init(");
	if (with)
		sayIdentity(&id);
	bool ok = GameNetworkingSockets_Init(with ? &id : NULL, err);
	more(") = %d", ok);
	running |= ok;
	if (ok)
		SOCKETS(GetIdentity)(S, &self);
}

static void end(void)
{
	if (depth > 0 || percent(80))
		return;
	say("Kill(), interfaces");
	GameNetworkingSockets_Kill();
	settle();
	more(" %d %d %d", S != NULL, M != NULL, U != NULL);
	running = false;
	forgetAll();
}

static void identity(void)
{
	SteamNetworkingIdentity id;
	say("GetIdentity = %d %d", SOCKETS(GetIdentity)(S, &id), SOCKETS(GetIdentity)(S, NULL));
	sayIdentity(&id);
}

static void authentication(void)
{
	SteamNetAuthenticationStatus_t st;
	say("InitAuthentication = %d, ", percent(50) ? SOCKETS(InitAuthentication)(S) : 0);
	more("GetAuthenticationStatus = %d %d", SOCKETS(GetAuthenticationStatus)(S, NULL), SOCKETS(GetAuthenticationStatus)(S, &st));
	more(" %d", st.m_eAvail);
}

static void certificate(void)
{
	SteamNetworkingErrMsg err;
	uint8_t blob[300];
	int n = below(100);
	const char *s = randomText();
	say("GetCertificateRequest(%d) = ", n);
	err[0] = 0;
	bool with = percent(70), ok = SOCKETS(GetCertificateRequest)(S, &n, with ? blob : NULL, err);
	more("%d, size %d, %d", ok, n, err[0] != 0);
	err[0] = 0;
	ok = SOCKETS(SetCertificate)(S, s, (int)strlen(s), err);
	more(", SetCertificate = %d, %d", ok, err[0] != 0);
}

/* Sessions with nobody, since there is no signaling. Those with oneself do not work in Valve's library, and those of nobody in particular do not
 * here. */
static void sessions(void)
{
	SteamNetworkingIdentity id = randomIdentity();
	SteamNetConnectionInfo_t info;
	SteamNetConnectionRealTimeStatus_t st;
	SteamNetworkingMessage_t *m[2];
	static char data[1000];
	if (SteamAPI_SteamNetworkingIdentity_IsEqualTo(&id, &self) || SteamAPI_SteamNetworkingIdentity_IsLocalHost(&self))
		return;
	say("Messages");
	sayIdentity(&id);
	memset(&info, 0x55, sizeof info);
	memset(&st, 0x55, sizeof st);
	int n = below(sizeof data), flags = percent(50) ? 8 : below(64), channel = below(5) - 2;
	switch (below(6)) {
	case 0:
		more(" SendMessageToUser(%d, %d, %d) = %d", n, flags, channel, MESSAGES(SendMessageToUser)(M, &id, data, (uint32_t)n, flags, channel));
		break;
	case 1:
		more(" ReceiveMessagesOnChannel(%d) = %d", channel, MESSAGES(ReceiveMessagesOnChannel)(M, channel, m, below(3)));
		break;
	case 2:
		more(" AcceptSessionWithUser = %d", MESSAGES(AcceptSessionWithUser)(M, &id));
		break;
	case 3:
		MESSAGES(CloseSessionWithUser)(M, &id); /* Valve's library keeps a session that could not be sent for */
		more(" CloseSessionWithUser");
		break;
	case 4:
		more(" CloseChannelWithUser(%d) = %d", channel, MESSAGES(CloseChannelWithUser)(M, &id, channel));
		break;
	case 5:
		more(" GetSessionConnectionInfo = %d, ", MESSAGES(GetSessionConnectionInfo)(M, &id, percent(80) ? &info : NULL, percent(80) ? &st : NULL));
		if (info.m_eState != 0x55555555)
			sayInfo(&info);
		if (st.m_eState != 0x55555555)
			more(", state %d", st.m_eState);
	}
}

static void timestamp(void)
{
	static SteamNetworkingMicroseconds before;
	SteamNetworkingMicroseconds now = UTILS(GetLocalTimestamp)(U);
	say("GetLocalTimestamp went on %d", now > 0 && now >= before);
	before = now;
}

const struct action lifeActions[] = {{"runCallbacks", runCallbacks, 8, false}, {"begin", begin, 3, true}, {"end", end, 1, false}, {"identity", identity, 1, false},
	{"authentication", authentication, 1, false}, {"certificate", certificate, 1, false}, {"sessions", sessions, 1, false}, {"timestamp", timestamp, 1, true}, {0}};
