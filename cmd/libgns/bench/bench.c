/* Workloads W1 to W4 of "snpcat bench" through the C API, one side of one run: it talks to itself, and to snpcat.
 *
 *   bench -w w1 -serve 127.0.0.1:0
 *   bench -w w1 -connect 127.0.0.1:27015
 *
 * The flags -duration, -rate, -size, -batch and -config, and the lines of JSON, are snpcat's. */
#include "bench.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

ISteamNetworkingSockets *sockets;
ISteamNetworkingUtils *utils;

_Noreturn void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	_exit(1); /* threads of the library may be at work */
}

static void debugOutput(ESteamNetworkingSocketsDebugOutputType type, const char *text)
{
	(void)type;
	fprintf(stderr, "bench: library: %s\n", text);
}

static void setInt(ESteamNetworkingConfigValue value, int32_t n)
{
	if (!SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValueInt32(utils, value, n))
		fail("configuration value %d cannot be %d", (int)value, (int)n);
}

/* setByName sets a configuration value from NAME=VALUE. */
static void setByName(const char *text)
{
	const char *eq = strchr(text, '=');
	if (!eq)
		fail("-config %s is not NAME=VALUE", text);
	ESteamNetworkingConfigValue id = k_ESteamNetworkingConfig_Invalid;
	do {
		ESteamNetworkingConfigDataType type;
		id = SteamAPI_ISteamNetworkingUtils_IterateGenericEditableConfigValues(utils, id, true);
		const char *name = SteamAPI_ISteamNetworkingUtils_GetConfigValueInfo(utils, id, &type, NULL);
		if (!name || strlen(name) != (size_t)(eq - text) || strncasecmp(name, text, (size_t)(eq - text)) != 0)
			continue;
		int32_t n = (int32_t)atol(eq + 1);
		float f = (float)atof(eq + 1);
		const void *arg = type == k_ESteamNetworkingConfig_Int32 ? (const void *)&n : type == k_ESteamNetworkingConfig_Float ? (const void *)&f : eq + 1;
		if (!SteamAPI_ISteamNetworkingUtils_SetConfigValue(utils, id, k_ESteamNetworkingConfig_Global, 0, type, arg))
			fail("-config %s is refused", text);
		return;
	} while (id != k_ESteamNetworkingConfig_Invalid);
	fail("there is no configuration value %.*s", (int)(eq - text), text);
}

/* freePort returns a port that nobody uses, for the library listens on none that the system chooses. */
static uint16_t freePort(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	if (s < 0 || bind(s, (struct sockaddr *)&a, n) != 0 || getsockname(s, (struct sockaddr *)&a, &n) != 0)
		fail("no free port");
	close(s);
	return ntohs(a.sin_port);
}

/* number reads a number, with k or m for 1024 or 1024*1024 of them. */
static double number(const char *flag, const char *text)
{
	char *end;
	double n = strtod(text, &end);
	if (*end == 'k')
		n *= 1024, end++;
	else if (*end == 'm' && end[1] != 's')
		n *= 1024 * 1024, end++;
	if (end == text || *end || !(n > 0 && n <= INT32_MAX))
		fail("%s %s is not a number that can be", flag, text);
	return n;
}

/* seconds reads a duration such as 3s or 50ms. */
static double seconds(const char *flag, const char *text)
{
	char *unit;
	double n = strtod(text, &unit);
	if (strcmp(unit, "ms") == 0)
		n /= 1000;
	else if (strcmp(unit, "s") != 0)
		fail("%s %s is not a time such as 3s or 50ms", flag, text);
	if (!(n > 0 && n <= 3600))
		fail("%s %s is too short or too long", flag, text);
	return n;
}

static struct options defaults(const char *workload)
{
	struct options o = {.workload = workload, .duration = 3, .rate = 1 << 30, .size = 100, .batch = 32};
	if (strcmp(workload, "w1") == 0)
		o.size = 16 << 10, o.batch = 1;
	else if (strcmp(workload, "w3") == 0)
		o.unreliable = true;
	else if (strcmp(workload, "w4") == 0)
		o.pingPong = true, o.size = 64, o.batch = 1;
	else if (strcmp(workload, "w2") != 0)
		fail("-w %s is none of w1 to w4", workload);
	return o;
}

int main(int argc, char **argv)
{
	if (argc < 5 || strcmp(argv[1], "-w") != 0)
		fail("usage: bench -w w1|w2|w3|w4 -serve|-connect ADDR:PORT [-duration TIME] [-rate N] [-size N] [-batch N] [-config NAME=VALUE]...");
	struct options o = defaults(argv[2]);
	struct result r = {.workload = o.workload};
	const char *address = NULL;
	utils = SteamNetworkingUtils_LibV4();
	for (int i = 3; i < argc; i += 2) {
		const char *flag = argv[i], *value = argv[i + 1];
		if (!value)
			fail("%s needs a value", flag);
		if (strcmp(flag, "-serve") == 0)
			r.role = "server", address = value;
		else if (strcmp(flag, "-connect") == 0)
			r.role = "client", address = value;
		else if (strcmp(flag, "-duration") == 0)
			o.duration = seconds(flag, value);
		else if (strcmp(flag, "-rate") == 0)
			o.rate = (int32_t)number(flag, value);
		else if (strcmp(flag, "-size") == 0)
			o.size = (int)number(flag, value);
		else if (strcmp(flag, "-batch") == 0)
			o.batch = (int)number(flag, value);
		else if (strcmp(flag, "-config") != 0)
			fail("there is no flag %s", flag);
	}
	SteamNetworkingIPAddr addr;
	if (!address || !SteamAPI_SteamNetworkingIPAddr_ParseString(&addr, address))
		fail("-serve or -connect needs an address and a port");
	if (o.size < minSize || o.size > k_cbMaxSteamNetworkingSocketsMessageSizeSend)
		fail("-size %d is not from %d to %d", o.size, minSize, k_cbMaxSteamNetworkingSocketsMessageSizeSend);

	SteamAPI_ISteamNetworkingUtils_SetDebugOutputFunction(utils, k_ESteamNetworkingSocketsDebugOutputType_Warning, debugOutput);
	setInt(k_ESteamNetworkingConfig_SendRateMin, o.rate);
	setInt(k_ESteamNetworkingConfig_SendRateMax, o.rate);
	setInt(k_ESteamNetworkingConfig_SendBufferSize, o.size > 1 << 10 ? 4 << 20 : 512 << 10);
	setInt(k_ESteamNetworkingConfig_RecvBufferSize, 64 << 20);
	setInt(k_ESteamNetworkingConfig_RecvBufferMessages, 1 << 20);
	for (int i = 3; i < argc; i += 2)
		if (strcmp(argv[i], "-config") == 0)
			setByName(argv[i + 1]);
	SteamNetworkingErrMsg why;
	if (!GameNetworkingSockets_Init(NULL, why))
		fail("%s", why);
	sockets = SteamNetworkingSockets_LibV12();
	if (strcmp(r.role, "server") == 0) {
		if (addr.m_port == 0)
			addr.m_port = freePort();
		serve(&o, &addr, &r);
	} else {
		connectTo(&o, &addr, &r);
	}
	GameNetworkingSockets_Kill();
	printResult(&r);
	free(r.took);
	return 0;
}
