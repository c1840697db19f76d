/* Loads the library at run time, as bindings of other languages do, and throws it away again. The argument is where it is. */
#include "gns_types.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static const char *file;
static int failures;

static void *use(void *arg)
{
	(void)arg;
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		failures++;
		return NULL;
	}
	bool (*init)(const SteamNetworkingIdentity *, char *) = (bool (*)(const SteamNetworkingIdentity *, char *))dlsym(library, "GameNetworkingSockets_Init");
	void (*kill)(void) = (void (*)(void))dlsym(library, "GameNetworkingSockets_Kill");
	HSteamNetPollGroup (*create)(void *) = (HSteamNetPollGroup(*)(void *))dlsym(library, "SteamAPI_ISteamNetworkingSockets_CreatePollGroup");
	SteamNetworkingErrMsg err;
	if (!init || !kill || !create || !init(NULL, err) || !create(NULL))
		failures++;
	else
		kill();
	dlclose(library); /* Go stays, but nobody minds */
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	file = argv[1];
	for (int i = 0; i < 3; i++) {
		pthread_t t;
		use(NULL);
		pthread_create(&t, NULL, use, NULL);
		pthread_join(t, NULL);
	}
	return failures;
}
