/* What there is, by name. */
#include "differ.h"

struct connection connections[most];
struct listener listeners[most];
struct group groups[most];
int nConnections, nListeners, nGroups;

/* recent is how many that are gone are still tried now and then. */
enum { recent = 12 };

int openConnections(void)
{
	int n = 0;
	for (int i = 0; i < nConnections; i++)
		n += !connections[i].closed;
	return n;
}

struct connection *openConnection(void)
{
	int n = openConnections();
	if (n == 0)
		return NULL;
	n = below(n);
	for (int i = 0;; i++)
		if (!connections[i].closed && n-- == 0)
			return &connections[i];
}

/* Valve's library looks at the lower half of a connection's handle alone, which is never zero: only so a made up handle is certainly none. */
static uint32_t madeUp(void) { return (uint32_t)(1 + below(0xffff)) << 16; }

HSteamNetConnection anyConnection(bool gone)
{
	struct connection *c = openConnection();
	if (percent(4))
		return 0;
	if (percent(2))
		return madeUp();
	if (nConnections > 0 && percent(6)) {
		int i = nConnections - 1 - below(recent);
		if (i >= 0 && (gone || !connections[i].closed))
			return connections[i].h;
	}
	return c ? c->h : madeUp();
}

/* Handles of listen sockets and poll groups are those of the first ones after each start with the same numbers in them. Stale ones of before cannot
 * be told from new ones, so they are forgotten. */
#define ANY(array, n) \
	do { \
		if (percent(4)) \
			return 0; \
		if (n == 0 || percent(2)) \
			return 0xffff0000 | (uint32_t)below(0x10000); \
		int i = percent(10) ? n - 1 - below(recent) : n - 1 - below(4); \
		return i < 0 ? 0 : array[i].h; \
	} while (0)

HSteamListenSocket anyListener(void) { ANY(listeners, nListeners); }
HSteamNetPollGroup anyGroup(void) { ANY(groups, nGroups); }

#define FIND(array, n) \
	do { \
		for (int i = n - 1; h != 0 && i >= 0; i--) \
			if (array[i].h == h) \
				return &array[i]; \
		return NULL; \
	} while (0)

struct connection *connectionOf(HSteamNetConnection h) { FIND(connections, nConnections); }
struct listener *listenerOf(HSteamListenSocket h) { FIND(listeners, nListeners); }
struct group *groupOf(HSteamNetPollGroup h) { FIND(groups, nGroups); }

static char names[8][16];
static int nextName;

static const char *name(uint32_t h, char letter, int number)
{
	char *s = names[nextName++ % 8];
	if (h == 0)
		return "0";
	if (number == 0)
		return "none";
	snprintf(s, sizeof names[0], "%c%d", letter, number);
	return s;
}

const char *connectionName(HSteamNetConnection h)
{
	struct connection *c = connectionOf(h);
	return name(h, 'c', c ? c->number : 0);
}

const char *listenerName(HSteamListenSocket h)
{
	struct listener *l = listenerOf(h);
	return name(h, 'l', l ? l->number : 0);
}

const char *groupName(HSteamNetPollGroup h)
{
	struct group *g = groupOf(h);
	return name(h, 'g', g ? g->number : 0);
}

struct connection *newConnection(HSteamNetConnection h)
{
	static int number;
	MUST(nConnections < most);
	struct connection *c = &connections[nConnections++];
	memset(c, 0, sizeof *c);
	c->h = h;
	c->number = ++number;
	return c;
}

void gone(struct connection *c)
{
	c->closed = true;
	c->group = 0;
}

void forgetAll(void) { nConnections = nListeners = nGroups = 0; }
