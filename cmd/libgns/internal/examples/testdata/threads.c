/* Counts the threads in which the debug output function is called, and those of them that end. */
#include "gns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static pthread_key_t key;
static pthread_t mainThread, serviceThread;
static atomic_int begun, ended, lines, strangers;

static void end(void *value)
{
	(void)value;
	ended++;
}

static void service(void) { serviceThread = pthread_self(); }

static void debugOutput(ESteamNetworkingSocketsDebugOutputType type, const char *text)
{
	(void)type, (void)text;
	lines++;
	if (!pthread_equal(pthread_self(), mainThread) && !pthread_equal(pthread_self(), serviceThread))
		strangers++;
	if (!pthread_equal(pthread_self(), mainThread) && !pthread_getspecific(key)) {
		pthread_setspecific(key, &key);
		begun++;
	}
}

static void rest(long ms) { nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL); }

static void once(void)
{
	SteamNetworkingErrMsg error;
	HSteamNetConnection a, b;
	SteamAPI_ISteamNetworkingUtils_SetDebugOutputFunction(SteamAPI_SteamNetworkingUtils_v003(),
		k_ESteamNetworkingSocketsDebugOutputType_Everything, debugOutput);
	if (!GameNetworkingSockets_Init(NULL, error)) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	ISteamNetworkingSockets *sockets = SteamAPI_SteamNetworkingSockets_v009();
	for (int i = 0; i < 20; i++) {
		if (!SteamAPI_ISteamNetworkingSockets_CreateSocketPair(sockets, &a, &b, true, NULL, NULL)) {
			fprintf(stderr, "no socket pair\n");
			exit(1);
		}
		rest(5);
		SteamAPI_ISteamNetworkingSockets_CloseConnection(sockets, a, 0, NULL, false);
	}
	GameNetworkingSockets_Kill();
}

int main(void)
{
	mainThread = pthread_self();
	pthread_key_create(&key, end);
	SteamNetworkingSockets_SetServiceThreadInitCallback(service);
	for (int i = 0; i < 3; i++)
		once();
	for (int i = 0; i < 200 && ended < begun; i++) /* a thread takes a little longer than what it runs */
		rest(10);
	printf("%d lines, %d of them elsewhere; %d threads began and %d ended\n", lines, strangers, begun, ended);
	return lines == 0 || strangers != 0 || begun != 3 || ended != 3;
}
