/* The clock that applications see. It is read here, since programs do that for every message. */
#include "clock.h"
#include "include/gns.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

/* It begins after a day, so that times before its beginning can be written as well. */
static const int64_t origin = 24LL * 3600 * 1000000;

SteamNetworkingMicroseconds gns_now(void)
{
#ifdef _WIN32
	LARGE_INTEGER count, perSecond;
	QueryPerformanceCounter(&count);
	QueryPerformanceFrequency(&perSecond);
	int64_t seconds = count.QuadPart / perSecond.QuadPart, rest = count.QuadPart % perSecond.QuadPart;
	return origin + seconds * 1000000 + rest * 1000000 / perSecond.QuadPart;
#else
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return origin + (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
#endif
}

SteamNetworkingMicroseconds SteamAPI_ISteamNetworkingUtils_GetLocalTimestamp(ISteamNetworkingUtils *self)
{
	(void)self;
	return gns_now();
}
