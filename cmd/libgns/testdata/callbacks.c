/* Functions of the application that the library calls, and what those may call. */
#include "check.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

static HSteamListenSocket listener;
static HSteamNetConnection client, server;
static int connected, closed;

/* echo does all its work inside the callback. */
static void echo(SteamNetConnectionStatusChangedCallback_t *c)
{
	SteamNetConnectionInfo_t info;
	char text[1024];
	switch (c->m_info.m_eState) {
	case k_ESteamNetworkingConnectionState_Connecting:
		if (!c->m_info.m_hListenSocket)
			return;
		server = c->m_hConn;
		NUMBER(SOCKETS(AcceptConnection)(S, c->m_hConn), k_EResultOK);
		CHECK(SOCKETS(GetConnectionInfo)(S, c->m_hConn, &info));
		NUMBER(info.m_eState, k_ESteamNetworkingConnectionState_Connected);
		CHECK(SOCKETS(SetConnectionUserData)(S, c->m_hConn, 42));
		SOCKETS(SetConnectionName)(S, c->m_hConn, "inside");
		CHECK(SOCKETS(GetDetailedConnectionStatus)(S, c->m_hConn, text, sizeof text) >= 0);
		return;
	case k_ESteamNetworkingConnectionState_Connected:
		connected++;
		NUMBER(SOCKETS(SendMessageToConnection)(S, c->m_hConn, "hello", 5, k_nSteamNetworkingSend_ReliableNoNagle, NULL), k_EResultOK);
		SOCKETS(RunCallbacks)(S); /* one inside the other */
		return;
	case k_ESteamNetworkingConnectionState_ClosedByPeer:
		CHECK(SOCKETS(CloseConnection)(S, c->m_hConn, 0, NULL, false));
		CHECK(!SOCKETS(GetConnectionInfo)(S, c->m_hConn, &info));
		closed++;
		return;
	default:
		return;
	}
}

static void inside(void)
{
	init();
	UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, echo);
	SteamNetworkingIPAddr a;
	listener = listenAnywhere(&a, 0, NULL);
	client = SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
	UNTIL(connected == 2);
	SteamNetworkingMessage_t *m = NULL;
	UNTIL(SOCKETS(ReceiveMessagesOnConnection)(S, client, &m, 1) == 1);
	m->m_pfnRelease(m);
	UNTIL(SOCKETS(ReceiveMessagesOnConnection)(S, server, &m, 1) == 1);
	NUMBER(m->m_nConnUserData, 42);
	m->m_pfnRelease(m);
	CHECK(SOCKETS(CloseConnection)(S, client, 1000, "done", true));
	UNTIL(closed == 1);
	GameNetworkingSockets_Kill();
}

static void kills(SteamNetConnectionStatusChangedCallback_t *c)
{
	(void)c;
	closed++;
	GameNetworkingSockets_Kill();
	CHECK(S == NULL);
}

/* A callback may end everything. */
static void killInside(void)
{
	for (int i = 0; i < 10; i++) {
		init();
		UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, kills);
		SteamNetworkingIPAddr a = localAddress();
		closed = 0;
		SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
		SOCKETS(RunCallbacks)(S);
		NUMBER(closed, 1);
	}
}

/* Which function is called is decided where the event happens: the connection's own, the listen socket's, the interface's, the global one. */
static int by[4];

static void byGlobal(SteamNetConnectionStatusChangedCallback_t *c) { (void)c, by[0]++; }
static void byInterface(SteamNetConnectionStatusChangedCallback_t *c) { (void)c, by[1]++; }
static void byListener(SteamNetConnectionStatusChangedCallback_t *c)
{
	by[2]++;
	if (c->m_info.m_eState == k_ESteamNetworkingConnectionState_Connecting)
		SOCKETS(AcceptConnection)(S, c->m_hConn);
}
static void byConnection(SteamNetConnectionStatusChangedCallback_t *c) { (void)c, by[3]++; }

static SteamNetworkingConfigValue_t callback(FnSteamNetConnectionStatusChanged f)
{
	SteamNetworkingConfigValue_t v = {.m_eValue = k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, .m_eDataType = k_ESteamNetworkingConfig_Ptr, .m_val.m_ptr = (void *)f};
	return v;
}

static void scopes(void)
{
	init();
	SteamNetworkingConfigValue_t global = callback(byGlobal), interface = callback(byInterface), listening = callback(byListener), connection = callback(byConnection), none = callback(NULL);
	CHECK(UTILS(SetConfigValueStruct)(U, &global, k_ESteamNetworkingConfig_Global, 0));
	SteamNetworkingIPAddr a;
	listener = listenAnywhere(&a, 1, &listening);
	client = SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
	SteamNetConnectionInfo_t info;
	UNTIL(SOCKETS(GetConnectionInfo)(S, client, &info) && info.m_eState == k_ESteamNetworkingConnectionState_Connected);
	SOCKETS(RunCallbacks)(S);
	NUMBER(by[0], 2); /* None to Connecting, Connecting to Connected */
	NUMBER(by[2], 2);
	CHECK(UTILS(SetConfigValueStruct)(U, &interface, k_ESteamNetworkingConfig_SocketsInterface, (intptr_t)S));
	CHECK(SOCKETS(CloseConnection)(S, client, 0, NULL, false));
	SOCKETS(RunCallbacks)(S);
	NUMBER(by[1], 1);
	client = SOCKETS(ConnectByIPAddress)(S, &a, 1, &connection);
	SOCKETS(RunCallbacks)(S);
	NUMBER(by[3], 1);
	CHECK(UTILS(SetConfigValueStruct)(U, &none, k_ESteamNetworkingConfig_Connection, (intptr_t)client));
	CHECK(SOCKETS(CloseConnection)(S, client, 0, NULL, false)); /* of which nobody is told */
	SOCKETS(RunCallbacks)(S);
	NUMBER(by[0], 2);
	NUMBER(by[1], 1);
	NUMBER(by[3], 1);
	/* Pointers are given back as they were. */
	void *f = NULL;
	size_t n = sizeof f;
	NUMBER(UTILS(GetConfigValue)(U, k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, k_ESteamNetworkingConfig_SocketsInterface, (intptr_t)S, NULL, &f, &n), k_ESteamNetworkingGetConfigValue_OK);
	CHECK(f == (void *)byInterface);
	NUMBER(UTILS(GetConfigValue)(U, k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, k_ESteamNetworkingConfig_ListenSocket, (intptr_t)listener, NULL, &f, &n), k_ESteamNetworkingGetConfigValue_OK);
	CHECK(f == (void *)byListener);
	NUMBER(UTILS(GetConfigValue)(U, k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, k_ESteamNetworkingConfig_Global, 0, NULL, &f, &n), k_ESteamNetworkingGetConfigValue_OK);
	CHECK(f == (void *)byGlobal);
	GameNetworkingSockets_Kill();
}

/* Debug output. */

static atomic_int lines, longest, lowest;
static atomic_bool ended;

/* onOutput calls what needs no connection: some lines are written while one is locked. */
static void onOutput(ESteamNetworkingSocketsDebugOutputType type, const char *text)
{
	CHECK(!atomic_load(&ended));
	CHECK(UTILS(GetLocalTimestamp)(U) > 0);
	int32_t v = 0;
	size_t n = sizeof v;
	CHECK(UTILS(GetConfigValue)(U, k_ESteamNetworkingConfig_NagleTime, k_ESteamNetworkingConfig_Global, 0, NULL, &v, &n) > 0);
	CHECK(UTILS(SetGlobalConfigValueInt32)(U, k_ESteamNetworkingConfig_NagleTime, v));
	CHECK(UTILS(GetConfigValueInfo)(U, k_ESteamNetworkingConfig_NagleTime, NULL, NULL) != NULL);
	int length = (int)strlen(text);
	CHECK(length > 0 && length <= 2047 && text[length - 1] != '\n');
	if (length > atomic_load(&longest))
		atomic_store(&longest, length);
	if ((int)type > atomic_load(&lowest))
		atomic_store(&lowest, (int)type);
	atomic_fetch_add(&lines, 1);
}

static void output(void)
{
	for (int level = k_ESteamNetworkingSocketsDebugOutputType_None; level <= k_ESteamNetworkingSocketsDebugOutputType_Everything; level++) {
		init();
		atomic_store(&lines, 0);
		atomic_store(&lowest, 0);
		atomic_store(&ended, false);
		UTILS(SetDebugOutputFunction)(U, (ESteamNetworkingSocketsDebugOutputType)level, onOutput);
		SteamNetworkingIPAddr a;
		SteamNetworkingConfigValue_t unlisted = {.m_eValue = 12345, .m_eDataType = k_ESteamNetworkingConfig_Int32};
		listener = listenAnywhere(&a, 0, NULL);
		CHECK(!SOCKETS(CreateListenSocketIP)(S, &a, 0, NULL)); /* in use, which is an error */
		CHECK(!SOCKETS(ConnectByIPAddress)(S, &a, 1, &unlisted));
		UTILS(SetGlobalConfigValueInt32)(U, (ESteamNetworkingConfigValue)12345, 1); /* a warning */
		GameNetworkingSockets_Init(NULL, NULL); /* a bug */
		HSteamNetConnection c = SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
		SOCKETS(CloseConnection)(S, c, 0, NULL, false);
		GameNetworkingSockets_Kill();
		atomic_store(&ended, true);
		CHECK(atomic_load(&lowest) <= level);
		if (level == k_ESteamNetworkingSocketsDebugOutputType_None)
			NUMBER(lines, 0);
		else
			CHECK(atomic_load(&lines) > 0);
		if (level >= k_ESteamNetworkingSocketsDebugOutputType_Msg)
			CHECK(atomic_load(&lowest) >= k_ESteamNetworkingSocketsDebugOutputType_Msg);
	}
	/* It is forgotten by Kill. */
	atomic_store(&lines, 0);
	init();
	SteamNetworkingIPAddr a = localAddress();
	SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
	GameNetworkingSockets_Kill();
	NUMBER(lines, 0);
}

/* A line that is longer than lines may be. */
static void longLines(void)
{
	static char name[100000];
	memset(name, 'x', sizeof name - 1);
	init();
	UTILS(SetDebugOutputFunction)(U, k_ESteamNetworkingSocketsDebugOutputType_Everything, onOutput);
	SteamNetworkingConfigValue_t v = {.m_eValue = k_ESteamNetworkingConfig_NagleTime, .m_eDataType = k_ESteamNetworkingConfig_String, .m_val.m_string = name};
	SteamNetworkingIPAddr a = localAddress();
	CHECK(!SOCKETS(ConnectByIPAddress)(S, &a, 1, &v));
	CHECK(!UTILS(SetGlobalConfigValueString)(U, k_ESteamNetworkingConfig_NagleTime, name));
	CHECK(!SteamNetworkingIPAddr_ParseString(&a, name));
	SteamNetworkingIdentity id;
	CHECK(!SteamNetworkingIdentity_ParseString(&id, sizeof id, name));
	GameNetworkingSockets_Kill();
	CHECK(atomic_load(&lines) > 0);
}

/* The handler that formats. */
static atomic_int formatted;

static void onFormat(ESteamNetworkingSocketsDebugOutputType type, bool format, const char *file, int line, const char *message, va_list ap)
{
	char text[3000];
	va_list copy;
	va_copy(copy, ap);
	if (format)
		vsnprintf(text, sizeof text, message, copy);
	else
		snprintf(text, sizeof text, "%s", message);
	va_end(copy);
	CHECK(strlen(text) > 0);
	atomic_fetch_add(&formatted, 1);
	SteamNetworkingSockets_DefaultPreFormatDebugOutputHandler(type, format, file, line, message, ap);
}

static void throughDefault(int unused, ...)
{
	va_list ap;
	va_start(ap, unused);
	SteamNetworkingSockets_DefaultPreFormatDebugOutputHandler(k_ESteamNetworkingSocketsDebugOutputType_Msg, true, "file", 1, "%d", ap); /* outside of any handler: nothing */
	va_end(ap);
}

static void preFormat(void)
{
	for (int on = 1; on >= 0; on--) {
		init();
		atomic_store(&lines, 0);
		atomic_store(&formatted, 0);
		UTILS(SetDebugOutputFunction)(U, k_ESteamNetworkingSocketsDebugOutputType_Msg, onOutput);
		SteamNetworkingSockets_SetPreFormatDebugOutputHandler(k_ESteamNetworkingSocketsDebugOutputType_Everything, on ? onFormat : NULL);
		UTILS(SetGlobalConfigValueInt32)(U, (ESteamNetworkingConfigValue)12345, 1);
		SteamNetworkingIPAddr a = localAddress();
		SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
		throughDefault(0, 5);
		GameNetworkingSockets_Kill();
		CHECK(atomic_load(&lines) > 0);
		if (on)
			CHECK(atomic_load(&formatted) > atomic_load(&lines)); /* it is told more than the function wants */
		else
			NUMBER(formatted, 0);
	}
}

/* Poll waits for something to do. */
static void poll(void)
{
	init();
	int64_t start = milliseconds();
	SteamNetworkingSockets_Poll(0);
	SteamNetworkingSockets_Poll(30);
	CHECK(milliseconds() - start >= 30);
	HSteamNetConnection ends[2];
	MUST(SOCKETS(CreateSocketPair)(S, &ends[0], &ends[1], true, NULL, NULL));
	SOCKETS(SendMessageToConnection)(S, ends[0], "x", 1, k_nSteamNetworkingSend_ReliableNoNagle, NULL);
	SteamNetworkingSockets_Poll(60000);
	SteamNetworkingMessage_t *m = NULL;
	NUMBER(SOCKETS(ReceiveMessagesOnConnection)(S, ends[1], &m, 1), 1);
	m->m_pfnRelease(m);
	UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, byGlobal);
	SOCKETS(CloseConnection)(S, ends[0], 0, NULL, false);
	SteamNetworkingSockets_Poll(-1);
	SOCKETS(RunCallbacks)(S);
	CHECK(by[0] > 0);
	GameNetworkingSockets_Kill();
}

TESTS({"inside", inside}, {"killInside", killInside}, {"scopes", scopes}, {"output", output}, {"longLines", longLines}, {"preFormat", preFormat}, {"poll", poll})
