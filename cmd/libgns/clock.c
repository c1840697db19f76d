/* The clock that applications see. It is read here, since programs do that for every message. */
#include "clock.h"
#include "include/gns.h"

#include <time.h>

/* It begins after a day, so that times before its beginning can be written as well. */
static const int64_t origin = 24LL * 3600 * 1000000;

SteamNetworkingMicroseconds gns_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return origin + (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

SteamNetworkingMicroseconds SteamAPI_ISteamNetworkingUtils_GetLocalTimestamp(ISteamNetworkingUtils *self)
{
	(void)self;
	return gns_now();
}
