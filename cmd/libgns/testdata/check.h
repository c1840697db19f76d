/* What the test programs have in common: each is a list of cases, of which it runs the one that its argument names. Without an argument
 * it lists them. */
#ifndef CHECK_H
#define CHECK_H

#include "gns.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct test {
	const char *name;
	void (*run)(void);
};

/* Short names for the long ones. */
#define SOCKETS(function) SteamAPI_ISteamNetworkingSockets_##function
#define UTILS(function) SteamAPI_ISteamNetworkingUtils_##function
#define MESSAGES(function) SteamAPI_ISteamNetworkingMessages_##function
#define S SteamNetworkingSockets_LibV12()
#define U SteamNetworkingUtils_LibV4()
#define M SteamNetworkingMessages_LibV2()

static int failures;

static inline void failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	failures++;
}

static inline void checkNumber(const char *file, int line, const char *what, long long got, long long want)
{
	if (got == want)
		return;
	fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, what, got, want);
	failures++;
}

static inline void checkText(const char *file, int line, const char *what, const char *got, const char *want)
{
	if (got && want && strcmp(got, want) == 0)
		return;
	fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", file, line, what, got ? got : "(null)", want);
	failures++;
}

/* Failures are counted, and the case goes on: what comes after them tells more. */
#define CHECK(condition) ((condition) ? (void)0 : failed(__FILE__, __LINE__, #condition))
#define NUMBER(got, want) checkNumber(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define TEXT(got, want) checkText(__FILE__, __LINE__, #got, got, want)

/* Whatever makes the rest of a case senseless. */
#define MUST(condition) ((condition) ? (void)0 : (failed(__FILE__, __LINE__, #condition), exit(1)))

static inline void pause_ms(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
	nanosleep(&t, NULL);
}

static inline int64_t milliseconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until the condition holds, and runs callbacks meanwhile. Under valgrind everything takes its time. */
#define UNTIL(condition) \
	do { \
		int64_t deadline = milliseconds() + 60000; \
		while (!(condition)) { \
			if (milliseconds() > deadline) { \
				failed(__FILE__, __LINE__, "never: " #condition); \
				exit(1); \
			} \
			SOCKETS(RunCallbacks)(S); \
			pause_ms(1); \
		} \
	} while (0)

static inline void initWith(const SteamNetworkingIdentity *id)
{
	SteamNetworkingErrMsg err;
	if (GameNetworkingSockets_Init(id, err))
		return;
	fprintf(stderr, "GameNetworkingSockets_Init: %s\n", err);
	exit(1);
}

static inline void init(void) { initWith(NULL); }

static inline SteamNetworkingIdentity named(const char *name)
{
	SteamNetworkingIdentity id;
	memset(&id, 0, sizeof id);
	MUST(SteamAPI_SteamNetworkingIdentity_SetGenericString(&id, name));
	return id;
}

static inline void initAs(const char *name)
{
	SteamNetworkingIdentity id = named(name);
	initWith(&id);
}

/* An address of this machine with a port that is free, most probably: ports are taken below those that the system gives out. */
static inline SteamNetworkingIPAddr localAddress(void)
{
	static uint16_t next;
	SteamNetworkingIPAddr a;
	if (next == 0)
		next = (uint16_t)(20000 + (uint64_t)(time(NULL) * 7919 + clock() + (intptr_t)&a) % 10000);
	SteamAPI_SteamNetworkingIPAddr_SetIPv4(&a, 0x7f000001, next++);
	return a;
}

/* A listen socket on a free port, whose address it leaves in a. */
static inline HSteamListenSocket listenAnywhere(SteamNetworkingIPAddr *a, int n, const SteamNetworkingConfigValue_t *options)
{
	for (int i = 0; i < 100; i++) {
		*a = localAddress();
		HSteamListenSocket l = SOCKETS(CreateListenSocketIP)(S, a, n, options);
		if (l)
			return l;
	}
	fprintf(stderr, "no port is free\n");
	exit(1);
}

static inline int runTests(const struct test *tests, int n, int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < n; i++) {
		if (argc < 2) {
			puts(tests[i].name);
		} else if (strcmp(argv[1], tests[i].name) == 0) {
			tests[i].run();
			return failures > 0;
		}
	}
	return argc > 1;
}

#define TESTS(...) \
	int main(int argc, char **argv) \
	{ \
		static const struct test tests[] = {__VA_ARGS__}; \
		return runTests(tests, (int)(sizeof tests / sizeof tests[0]), argc, argv); \
	}

#endif
