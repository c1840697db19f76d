#include "include/gns.h"
#include "output.h"

#include <stdatomic.h>
#include <stdio.h>

typedef void (*handler)(ESteamNetworkingSocketsDebugOutputType, bool, const char *, int, const char *, va_list);

static _Atomic(handler) preformat;

int32_t gns_preformat_level = k_ESteamNetworkingSocketsDebugOutputType_None;

static _Thread_local FSteamNetworkingSocketsDebugOutput debugOutput; /* what the default handler calls, while it is called */

void SteamNetworkingSockets_SetPreFormatDebugOutputHandler(ESteamNetworkingSocketsDebugOutputType level, handler f)
{
	__atomic_store_n(&gns_preformat_level, f ? (int32_t)level : k_ESteamNetworkingSocketsDebugOutputType_None, __ATOMIC_SEQ_CST);
	atomic_store(&preformat, f);
}

static void call(handler f, int type, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	f((ESteamNetworkingSocketsDebugOutputType)type, true, NULL, 0, format, ap);
	va_end(ap);
}

void gns_say(void *f, int type, const char *text)
{
	handler h = atomic_load(&preformat);
	if (h && type <= __atomic_load_n(&gns_preformat_level, __ATOMIC_SEQ_CST)) {
		FSteamNetworkingSocketsDebugOutput outer = debugOutput;
		debugOutput = (FSteamNetworkingSocketsDebugOutput)f;
		call(h, type, "%s", text);
		debugOutput = outer;
	} else if (!h && f)
		((FSteamNetworkingSocketsDebugOutput)f)((ESteamNetworkingSocketsDebugOutputType)type, text);
}

void SteamNetworkingSockets_DefaultPreFormatDebugOutputHandler(ESteamNetworkingSocketsDebugOutputType type, bool formatted,
	const char *file, int line, const char *message, va_list ap)
{
	char text[2048];
	int n = 0;
	if (!debugOutput || !message)
		return;
	if (file)
		n = snprintf(text, sizeof text, "%s(%d): ", file, line);
	if (n < 0 || n >= (int)sizeof text)
		n = 0;
	if (formatted)
		vsnprintf(text + n, sizeof text - (size_t)n, message, ap);
	else
		snprintf(text + n, sizeof text - (size_t)n, "%s", message);
	debugOutput(type, text);
}
