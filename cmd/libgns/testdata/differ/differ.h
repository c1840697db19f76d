/* A random walk through the API: what a seed does is always the same, so that the output of two libraries can be compared line by line.
 *
 * What is printed has no times, no handles but by names, and no texts of the library's own. Nothing may be drawn that depends on more than the
 * seed and on what is printed. */
#ifndef DIFFER_H
#define DIFFER_H

#include "check.h"

#include <stdarg.h>

/* Chance: numbers below n, whether something of so many percent happens, one of several things. */
uint64_t draw(void);
int below(int n);
bool percent(int p);
int weighted(const int *weights, int n);
#define PICK(array) ((array)[below((int)(sizeof(array) / sizeof((array)[0])))])

/* say begins a line, which ends with the next one. more adds to it. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
__attribute__((format(printf, 1, 2))) void more(const char *format, ...);
void quote(const char *text);
void bytes(const void *p, size_t n);

/* Something that can be done at any step. */
struct action {
	const char *name;
	void (*run)(void);
	int weight;
	bool always; /* also while the library is not running */
};
extern const struct action textActions[], configActions[], connectionActions[], socketActions[], messageActions[], lifeActions[];

/* What there is, with names: connections c1, c2 and so on in the order in which they were first seen, listen sockets l1, poll groups g1. */
struct connection {
	HSteamNetConnection h;
	int number;
	int partner; /* number of the other end of a pipe, 0 if there is none or nobody knows it */
	bool pipe;
	bool closed;    /* by this program */
	int group;      /* number of its poll group, 0: none */
	bool unordered; /* messages in its queue may stand in any order, but for those of the same lane */
	bool child;     /* it came to a listen socket */
};

struct listener {
	HSteamListenSocket h;
	int number;
	int port;    /* virtual; -1: of addresses */
	bool closed;
	bool joined; /* this program has connected to it */
	SteamNetworkingIPAddr addr;
};

struct group {
	HSteamNetPollGroup h;
	int number;
	bool closed;
	bool unordered; /* messages of different connections may stand in any order */
};

enum { most = 4096 };
extern struct connection connections[most];
extern struct listener listeners[most];
extern struct group groups[most];
extern int nConnections, nListeners, nGroups;
extern bool running;
extern SteamNetworkingIdentity self; /* who this side is, while it is running */

/* The last of them, also those that are gone, and handles that never were. Their names are for printing. */
struct connection *openConnection(void);
HSteamNetConnection anyConnection(bool gone);
HSteamListenSocket anyListener(void);
HSteamNetPollGroup anyGroup(void);
struct connection *connectionOf(HSteamNetConnection h);
struct listener *listenerOf(HSteamListenSocket h);
struct group *groupOf(HSteamNetPollGroup h);
const char *connectionName(HSteamNetConnection h);
const char *listenerName(HSteamListenSocket h);
const char *groupName(HSteamNetPollGroup h);
struct connection *newConnection(HSteamNetConnection h);
int openConnections(void);
void gone(struct connection *c);
void forgetAll(void);

/* Parts that several files need. */
const char *randomText(void);
const char *addressText(void);
const char *withoutHere(const char *text); /* an address that is this process' own is not the same next time */
const char *identityText(void);
SteamNetworkingIPAddr randomAddress(void);
SteamNetworkingIdentity randomIdentity(void);
void sayIdentity(const SteamNetworkingIdentity *id);
void sayAddress(const SteamNetworkingIPAddr *a);
void sayInfo(const SteamNetConnectionInfo_t *info);
int randomOptions(SteamNetworkingConfigValue_t *options, int room);
void onStatusA(SteamNetConnectionStatusChangedCallback_t *c);
void onStatusB(SteamNetConnectionStatusChangedCallback_t *c);
void disorder(HSteamNetConnection h);
void releaseHeld(void);
void sayFreed(void);
void calm(void);
void settle(void);
void act(void); /* one action of those that may be done now */

#endif
