/* Connections and listen sockets come and go. Nothing here depends on packets: pipes and connections to oneself, and connections to nobody. */
#include "differ.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

enum { mostOpen = 16 };

/* here is an address of this machine that no other process uses. It is printed as "here". */
static uint32_t here(void) { return 0x7f000000 | ((uint32_t)getpid() & 0x3fffff) | 0x400000; }

const char *withoutHere(const char *text)
{
	static char s[256];
	char dotted[32];
	uint32_t ip = here();
	snprintf(dotted, sizeof dotted, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
	const char *at = text ? strstr(text, dotted) : NULL;
	if (!at)
		return text;
	snprintf(s, sizeof s, "%.*shere%s", (int)(at - text), text, at + strlen(dotted));
	return s;
}

static void addPair(HSteamNetConnection a, HSteamNetConnection b)
{
	struct connection *one = newConnection(a), *two = newConnection(b);
	one->pipe = two->pipe = true;
	one->partner = two->number;
	two->partner = one->number;
}

static void pair(void)
{
	if (openConnections() >= mostOpen)
		return;
	SteamNetworkingIdentity id[2] = {randomIdentity(), randomIdentity()};
	const SteamNetworkingIdentity *p[2];
	HSteamNetConnection h[2] = {1, 1};
	say("CreateSocketPair(");
	for (int i = 0; i < 2; i++) {
		p[i] = percent(30) ? NULL : &id[i];
		if (p[i])
			sayIdentity(p[i]);
		more(",");
	}
	bool ok = SOCKETS(CreateSocketPair)(S, &h[0], &h[1], false, p[0], p[1]);
	if (ok)
		addPair(h[0], h[1]);
	more(") = %d %s %s", ok, connectionName(h[0]), connectionName(h[1]));
}

static struct listener *addListener(HSteamListenSocket h)
{
	static int number;
	MUST(nListeners < most);
	struct listener *l = &listeners[nListeners++];
	memset(l, 0, sizeof *l);
	l->h = h;
	l->number = ++number;
	l->port = -1;
	return l;
}

static bool inUse(const SteamNetworkingIPAddr *a)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(a->m_port), .sin_addr.s_addr = htonl(SteamAPI_SteamNetworkingIPAddr_GetIPv4(a))};
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	bool is = bind(s, (struct sockaddr *)&sa, sizeof sa) != 0;
	close(s);
	return is;
}

static void listenIP(void)
{
	static uint16_t port = 10000;
	SteamNetworkingIPAddr a;
	SteamNetworkingConfigValue_t options[3];
	struct listener *taken = nListeners > 0 ? &listeners[nListeners - 1] : NULL;
	say("CreateListenSocketIP(");
	switch (below(6)) {
	case 0:
		SteamAPI_SteamNetworkingIPAddr_SetIPv4(&a, here(), 0);
		more("port 0, ");
		break;
	case 1:
		SteamAPI_SteamNetworkingIPAddr_SetIPv4(&a, 0xcb007101, 5); /* TEST-NET-3 is no address of this machine */
		more("elsewhere, ");
		break;
	case 2:
		if (taken && !taken->closed && taken->port < 0) {
			a = taken->addr;
			more("taken, ");
			break;
		} /* fallthrough */
	default:
		do
			SteamAPI_SteamNetworkingIPAddr_SetIPv4(&a, here(), ++port);
		while (inUse(&a));
		more("a free port, ");
	}
	int n = randomOptions(options, 3);
	HSteamListenSocket h = SOCKETS(CreateListenSocketIP)(S, &a, n, n ? options : NULL);
	if (h)
		addListener(h)->addr = a;
	more(") = %s", listenerName(h));
}

static void listenP2P(void)
{
	static const int strange[] = {65535, 65536, -1, 0x7fffffff, 999, 1000, -2};
	int port = percent(80) ? below(6) : PICK(strange);
	SteamNetworkingConfigValue_t options[3];
	say("CreateListenSocketP2P(%d, ", port);
	int n = randomOptions(options, 3);
	HSteamListenSocket h = SOCKETS(CreateListenSocketP2P)(S, port, n, n ? options : NULL);
	if (h)
		addListener(h)->port = port;
	more(") = %s", listenerName(h));
}

static void closeListener(void)
{
	HSteamListenSocket h = anyListener();
	struct listener *l = listenerOf(h);
	if (l && l->joined) /* Valve's library crashes when the other end is used afterwards */
		return;
	say("CloseListenSocket(%s) = %d", listenerName(h), SOCKETS(CloseListenSocket)(S, h));
	if (l)
		l->closed = true;
}

static void listenerAddress(void)
{
	HSteamListenSocket h = anyListener();
	struct listener *l = listenerOf(h);
	SteamNetworkingIPAddr a;
	memset(&a, 0x55, sizeof a);
	bool ok = SOCKETS(GetListenSocketAddress)(S, h, &a);
	say("GetListenSocketAddress(%s) = %d, as asked for %d", listenerName(h), ok, l && SteamAPI_SteamNetworkingIPAddr_IsEqualTo(&a, &l->addr));
}

static void connectIP(void)
{
	if (openConnections() >= mostOpen)
		return;
	SteamNetworkingIPAddr a;
	SteamNetworkingConfigValue_t options[4];
	uint16_t port = (uint16_t)(2 + below(1000)); /* where nobody listens */
	SteamAPI_SteamNetworkingIPAddr_SetIPv4(&a, here(), port);
	/* An address that is zero, or whose port is, is refused. Valve's library tries to reach it. */
	if (percent(15))
		SteamAPI_SteamNetworkingIPAddr_SetIPv6LocalHost(&a, 1);
	say("ConnectByIPAddress(");
	sayAddress(&a);
	more(", ");
	int n = randomOptions(options, 4);
	HSteamNetConnection h = SOCKETS(ConnectByIPAddress)(S, &a, n, n ? options : NULL);
	if (h)
		newConnection(h);
	more(") = %s", connectionName(h));
}

static void connectP2P(void)
{
	if (openConnections() >= mostOpen)
		return;
	SteamNetworkingIdentity id = percent(80) ? self : randomIdentity();
	SteamNetworkingConfigValue_t options[3];
	bool toSelf = SteamAPI_SteamNetworkingIdentity_IsEqualTo(&id, &self);
	if (!toSelf && SteamAPI_SteamNetworkingIdentity_IsLocalHost(&id)) /* nobody in particular, who cannot be found in symmetric mode here */
		return;
	int port = percent(70) ? below(6) : percent(50) ? 65535 : percent(50) ? -1 : 65536;
	say("ConnectP2P(");
	sayIdentity(&id);
	more(", %d, ", port);
	int n = toSelf ? randomOptions(options, 3) : 0; /* Valve's library asks for signaling before it looks at the options */
	HSteamNetConnection h = SOCKETS(ConnectP2P)(S, &id, port, n, n ? options : NULL);
	if (h) {
		struct connection *c = newConnection(h);
		c->unordered = c->pipe = toSelf; /* whether the other end has lanes is not known */
		for (int i = 0; i < nListeners; i++)
			if (listeners[i].port == port)
				listeners[i].joined = true;
	}
	more(") = %s", connectionName(h));
}

static void badOptions(void)
{
	SteamNetworkingIPAddr a;
	SteamAPI_SteamNetworkingIPAddr_SetIPv4(&a, here(), 9999);
	int n = 1 + below(3);
	say("no list of %d options: %d", n, SOCKETS(ConnectByIPAddress)(S, &a, n, NULL) != 0);
	more(" %d", SOCKETS(CreateListenSocketP2P)(S, 500, n, NULL) != 0);
	more(" %d", SOCKETS(CreateListenSocketIP)(S, &a, n, NULL) != 0);
}

static void signals(void)
{
	const char *s = randomText();
	SteamNetworkingIdentity id = randomIdentity();
	say("ReceivedP2PCustomSignal2(");
	quote(s);
	more(") = %d, ", SOCKETS(ReceivedP2PCustomSignal2)(S, s, (int)strlen(s), NULL, NULL, NULL));
	more("ConnectP2PCustomSignaling(NULL) = %d", SOCKETS(ConnectP2PCustomSignaling)(S, NULL, percent(50) ? &id : NULL, below(3), 0, NULL) != 0);
}

static void makeGroup(void)
{
	static int number;
	if (nGroups > 0 && percent(50))
		return;
	MUST(nGroups < most);
	struct group *g = &groups[nGroups++];
	memset(g, 0, sizeof *g);
	g->h = SOCKETS(CreatePollGroup)(S);
	g->number = ++number;
	say("CreatePollGroup() = %s", groupName(g->h));
}

static void destroyGroup(void)
{
	HSteamNetPollGroup h = anyGroup();
	struct group *g = groupOf(h);
	say("DestroyPollGroup(%s) = %d", groupName(h), SOCKETS(DestroyPollGroup)(S, h));
	if (!g)
		return;
	g->closed = true;
	for (int i = 0; i < nConnections; i++)
		if (connections[i].group == g->number)
			connections[i].group = 0;
}

static void joinGroup(void)
{
	HSteamNetConnection h = anyConnection(true);
	HSteamNetPollGroup k = percent(15) ? 0 : anyGroup();
	struct connection *c = connectionOf(h);
	struct group *g = groupOf(k);
	bool ok = SOCKETS(SetConnectionPollGroup)(S, h, k);
	say("SetConnectionPollGroup(%s, %s) = %d", connectionName(h), groupName(k), ok);
	if (!ok || !c || c->group == (g ? g->number : 0))
		return;
	c->group = g ? g->number : 0;
	if (g)
		g->unordered = true; /* messages of two connections that came in the same microsecond */
}

const struct action socketActions[] = {{"pair", pair, 6, false}, {"listenIP", listenIP, 1, false}, {"listenP2P", listenP2P, 2, false}, {"closeListener", closeListener, 1, false},
	{"listenerAddress", listenerAddress, 1, false}, {"connectIP", connectIP, 3, false}, {"connectP2P", connectP2P, 3, false}, {"badOptions", badOptions, 1, false},
	{"signals", signals, 1, false}, {"makeGroup", makeGroup, 1, false}, {"destroyGroup", destroyGroup, 1, false}, {"joinGroup", joinGroup, 4, false}, {0}};
