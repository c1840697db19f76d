#ifndef BENCH_H
#define BENCH_H

#include "../include/gns.h"
#include "measure.h"

/* Which workload, and how. */
struct options {
	const char *workload;
	bool unreliable, pingPong;
	double duration; /* seconds */
	int32_t rate;    /* bytes per second */
	int size, batch;
};

/* The library, which has been begun. */
extern ISteamNetworkingSockets *sockets;
extern ISteamNetworkingUtils *utils;

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The two sides of a run. They fill in all of the result but its first line. */
void serve(const struct options *o, SteamNetworkingIPAddr *addr, struct result *r);
void connectTo(const struct options *o, const SteamNetworkingIPAddr *addr, struct result *r);

#endif
