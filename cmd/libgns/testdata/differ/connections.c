/* What can be done with a connection, whoever is at the other end. */
#include "differ.h"

/* The texts of applications begin like this; others are the library's, and say the same in other words. */
static const char mark[] = "app:";

/* asciiText is for what may be cut: text that is too long ends before a character here, and also within it in Valve's library. */
static const char *asciiText(void)
{
	static char s[400];
	strcpy(s, randomText());
	for (char *p = s; *p; p++)
		*p = (char)(*p & 127 ? *p & 127 : 'x');
	return s;
}

static const char *reasonText(void)
{
	static char s[400];
	if (percent(20))
		return NULL;
	if (percent(10))
		return "";
	snprintf(s, sizeof s, "%s%s", mark, asciiText());
	return s;
}

void sayInfo(const SteamNetConnectionInfo_t *info)
{
	more("state %d, reason %d, debug ", info->m_eState, info->m_eEndReason);
	if (strncmp(info->m_szEndDebug, mark, strlen(mark)) == 0)
		quote(info->m_szEndDebug);
	else
		more("%s", info->m_szEndDebug[0] ? "other" : "none");
	more(", user data %lld, listener %s, flags %d, POPs %u %u, address ", (long long)info->m_nUserData, listenerName(info->m_hListenSocket), info->m_nFlags, info->m_idPOPRemote,
		info->m_idPOPRelay);
	sayAddress(&info->m_addrRemote);
	more(", peer");
	sayIdentity(&info->m_identityRemote);
	const char *description = strchr(info->m_szConnectionDescription, ' ');
	more(", description ");
	quote(withoutHere(description));
}

static void getInfo(void)
{
	HSteamNetConnection h = anyConnection(true);
	SteamNetConnectionInfo_t info;
	memset(&info, 0x55, sizeof info);
	if (percent(5)) {
		say("GetConnectionInfo(%s, NULL) = %d", connectionName(h), SOCKETS(GetConnectionInfo)(S, h, NULL));
		return;
	}
	bool ok = SOCKETS(GetConnectionInfo)(S, h, &info);
	say("GetConnectionInfo(%s) = %d ", connectionName(h), ok);
	if (ok)
		sayInfo(&info);
	else
		more("untouched %d", info.m_eState == 0x55555555);
}

static void userData(void)
{
	HSteamNetConnection h = anyConnection(true);
	int64_t data = percent(50) ? below(100) : (int64_t)draw();
	bool ok = SOCKETS(SetConnectionUserData)(S, h, data);
	say("SetConnectionUserData(%s, %lld) = %d, then %lld", connectionName(h), (long long)data, ok, (long long)SOCKETS(GetConnectionUserData)(S, h));
}

static void getUserData(void)
{
	HSteamNetConnection h = anyConnection(true);
	say("GetConnectionUserData(%s) = %lld", connectionName(h), (long long)SOCKETS(GetConnectionUserData)(S, h));
}

static void sayName(HSteamNetConnection h)
{
	char s[64];
	memset(s, '#', sizeof s);
	int n = 1 + below(40);
	bool ok = SOCKETS(GetConnectionName)(S, h, s, n);
	s[sizeof s - 1] = 0;
	more("GetConnectionName(%s, %d) = %d ", connectionName(h), n, ok);
	quote(ok ? s : s[0] == '#' ? "untouched" : "written");
}

static void setName(void)
{
	HSteamNetConnection h = anyConnection(true);
	const char *s = percent(10) ? NULL : asciiText();
	say("SetConnectionName(%s, ", connectionName(h));
	quote(s);
	SOCKETS(SetConnectionName)(S, h, s);
	more("), ");
	sayName(h);
}

static void getName(void)
{
	say("%s", "");
	sayName(anyConnection(true));
}

static void acceptIt(HSteamNetConnection h)
{
	disorder(h);
	say("AcceptConnection(%s) = %d", connectionName(h), SOCKETS(AcceptConnection)(S, h));
}

static void accept(void) { acceptIt(anyConnection(true)); }

/* acceptChild accepts one that waits for it. */
static void acceptChild(void)
{
	for (int i = nConnections - 1; i >= 0; i--) {
		struct connection *c = &connections[i];
		if (c->child && !c->closed && percent(60)) {
			acceptIt(c->h);
			return;
		}
	}
}

static void closeIt(void)
{
	static const int reasons[] = {0, 1000, 1001, 1999, 2000, 2999, 999, 3000, -1, 5003, INT32_MAX, INT32_MIN, 1};
	HSteamNetConnection h = anyConnection(true);
	struct connection *c = connectionOf(h);
	int reason = percent(60) ? 1000 + below(2000) : PICK(reasons);
	const char *text = reasonText();
	bool linger = percent(40);
	say("CloseConnection(%s, %d, ", connectionName(h), reason);
	quote(text);
	bool ok = SOCKETS(CloseConnection)(S, h, reason, text, linger);
	more(", %d) = %d", linger, ok);
	if (c)
		gone(c);
}

static void status(void)
{
	HSteamNetConnection h = anyConnection(true);
	SteamNetConnectionRealTimeStatus_t st;
	SteamNetConnectionRealTimeLaneStatus_t lanes[8];
	memset(&st, 0x55, sizeof st);
	memset(lanes, 0x55, sizeof lanes);
	static const int numbers[] = {0, 0, 0, 1, 1, 2, 3, 5, 8, -1};
	int n = PICK(numbers);
	bool with = percent(90), withLanes = percent(90);
	int r = SOCKETS(GetConnectionRealTimeStatus)(S, h, with ? &st : NULL, n, withLanes ? lanes : NULL);
	say("GetConnectionRealTimeStatus(%s, %d, %d, %d) = %d", connectionName(h), with, n, withLanes, r);
	if (r != k_EResultOK)
		return;
	/* The rest changes with time, and a ping means nothing before and after. A pipe has no rate, whatever the libraries call so. */
	bool connected = st.m_eState == k_ESteamNetworkingConnectionState_Connected;
	if (with)
		more(" state %d, ping %d, pending %d %d, unacknowledged %d, queue %d, jitter %d", st.m_eState, connected ? st.m_nPing : 0,
			st.m_cbPendingUnreliable, st.m_cbPendingReliable, st.m_cbSentUnackedReliable, st.m_usecQueueTime == INT64_MAX ? -1 : (int)st.m_usecQueueTime, st.m_usecMaxJitter);
	for (int i = 0; withLanes && i < n; i++)
		more("; lane %d %d %d, queue %d", lanes[i].m_cbPendingUnreliable, lanes[i].m_cbPendingReliable, lanes[i].m_cbSentUnackedReliable,
			lanes[i].m_usecQueueTime == INT64_MAX ? -1 : (int)lanes[i].m_usecQueueTime);
}

static void detailed(void)
{
	HSteamNetConnection h = anyConnection(true);
	static char s[1 << 16]; /* there may be 255 lanes */
	static const int sizes[] = {0, 1, 2, 10, sizeof s};
	int n = PICK(sizes);
	memset(s, '#', sizeof s);
	bool with = percent(80);
	int r = SOCKETS(GetDetailedConnectionStatus)(S, h, with ? s : NULL, n);
	say("GetDetailedConnectionStatus(%s, %d, %d) = %d", connectionName(h), with, n, r > 0 ? 1 : r); /* the text is the library's */
	if (with && r >= 0 && n > 0)
		MUST(memchr(s, 0, (size_t)n) != NULL && ((size_t)n == sizeof s || s[n] == '#'));
}

static void lanes(void)
{
	HSteamNetConnection h = anyConnection(true);
	static const int numbers[] = {1, 1, 2, 2, 3, 3, 5, 8, 0, -1, 255, 256, INT32_MAX};
	static int priorities[256];
	static uint16_t weights[256];
	int n = PICK(numbers), to = n < 0 || n > 256 ? 256 : n;
	for (int i = 0; i < to; i++) {
		priorities[i] = percent(80) ? below(3) : (int)draw();
		weights[i] = (uint16_t)(percent(98) ? 1 + below(65535) : 0);
	}
	priorities[0] = 0; /* Valve's library writes where it must not when lanes are configured again and another one is the first to be sent */
	for (int i = 1; i < 256; i++)
		priorities[i] &= INT32_MAX;
	if (n == 255)
		n = percent(80) ? 4 : 255;
	bool withPriorities = percent(70), withWeights = percent(70);
	struct connection *c = connectionOf(h);
	int r = SOCKETS(ConfigureConnectionLanes)(S, h, n, withPriorities ? priorities : NULL, withWeights ? weights : NULL);
	say("ConfigureConnectionLanes(%s, %d, %d, %d) = %d", connectionName(h), n, withPriorities, withWeights, r);
	if (c && r == k_EResultOK && n > 1)
		for (int i = 0; i < nConnections; i++)
			if (connections[i].number == c->partner)
				connections[i].unordered = true;
}

static void flush(void)
{
	HSteamNetConnection h = anyConnection(true);
	say("FlushMessagesOnConnection(%s) = %d", connectionName(h), SOCKETS(FlushMessagesOnConnection)(S, h));
}

const struct action connectionActions[] = {{"getInfo", getInfo, 4, false}, {"userData", userData, 2, false}, {"getUserData", getUserData, 1, false}, {"setName", setName, 2, false},
	{"getName", getName, 1, false}, {"accept", accept, 1, false}, {"acceptChild", acceptChild, 3, false}, {"close", closeIt, 3, false}, {"status", status, 4, false},
	{"detailed", detailed, 1, false}, {"lanes", lanes, 2, false}, {"flush", flush, 1, false}, {0}};
