/* Configuration values, at all scopes. */
#include "differ.h"

#include <float.h>

/* calm sees to it that nothing happens by itself while the program runs. */
void calm(void)
{
	UTILS(SetGlobalConfigValueInt32)(U, k_ESteamNetworkingConfig_TimeoutInitial, 1 << 30);
	UTILS(SetGlobalConfigValueInt32)(U, k_ESteamNetworkingConfig_TimeoutConnected, 1 << 30);
}

static const int known[] = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 23, 26, 27, 28, 32, 33, 34, 37, 38, 40, 41, 42, 43, 44, 45, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57,
	58, 59, 103, 104, 105, 107, 108, 109, 110, 201, 202, 204, 205, 206, 207};
static const int often[] = {9, 12, 34, 37, 38, 40, 49, 103, 201, 201};

/* fixed values are those that nothing here may change. */
static bool fixed(int id)
{
	switch (id) {
	case k_ESteamNetworkingConfig_TimeoutInitial:
	case k_ESteamNetworkingConfig_TimeoutConnected: /* see calm */
	case k_ESteamNetworkingConfig_MTU_PacketSize: /* how large an unreliable message may be depends on it here */
	case k_ESteamNetworkingConfig_IPLocalHost_AllowWithoutAuth: /* without a certificate a connection fails at once here, and becomes a strange one there */
		return true;
	}
	return false;
}

/* Symmetric connections and listen sockets need a name of this side here, and do not work without it there. */
static bool unwelcome(int id)
{
	return id == k_ESteamNetworkingConfig_SymmetricConnect && (!running || SteamAPI_SteamNetworkingIdentity_IsLocalHost(&self));
}

/* settle forgets what the next one may not like who this side is then. */
void settle(void) { UTILS(SetConfigValue)(U, k_ESteamNetworkingConfig_SymmetricConnect, k_ESteamNetworkingConfig_Global, 0, k_ESteamNetworkingConfig_Int32, NULL); }

static int randomID(void)
{
	int id = percent(70) ? PICK(known) : percent(70) ? PICK(often) : percent(90) ? below(1100) : (int)draw();
	return id == 999 ? 0 : id; /* ECN, which only some builds of Valve's library have */
}

static int settableID(void)
{
	int id = randomID();
	return fixed(id) || unwelcome(id) ? 0 : id;
}

static void onAuthStatus(SteamNetAuthenticationStatus_t *st) { say("  auth status callback: %d", st->m_eAvail); }

static void onSessionRequest(SteamNetworkingMessagesSessionRequest_t *r)
{
	say("  session request:");
	sayIdentity(&r->m_identityRemote);
}

static void onSessionFailed(SteamNetworkingMessagesSessionFailed_t *f)
{
	say("  session failed: ");
	sayInfo(&f->m_info);
}

static ISteamNetworkingConnectionSignaling *noSignaling(ISteamNetworkingSockets *s, const SteamNetworkingIdentity *peer, int local, int remote)
{
	(void)s;
	say("  signaling is wanted for");
	sayIdentity(peer);
	more(" %d %d", local, remote);
	return NULL;
}

static void onFakeIP(void) {}

/* function returns a function that the value may be. */
static void *function(int id)
{
	if (percent(30))
		return NULL;
	switch (id) {
	case k_ESteamNetworkingConfig_Callback_AuthStatusChanged:
		return (void *)onAuthStatus;
	case k_ESteamNetworkingConfig_Callback_MessagesSessionRequest:
		return (void *)onSessionRequest;
	case k_ESteamNetworkingConfig_Callback_MessagesSessionFailed:
		return (void *)onSessionFailed;
	case k_ESteamNetworkingConfig_Callback_CreateConnectionSignaling:
		return (void *)noSignaling;
	case k_ESteamNetworkingConfig_Callback_FakeIPResult:
		return (void *)onFakeIP;
	}
	return percent(50) ? (void *)onStatusA : (void *)onStatusB;
}

static const char *functionName(const void *f)
{
	return f == NULL ? "NULL" : f == (void *)onStatusA ? "A" : f == (void *)onStatusB ? "B" : f == (void *)onAuthStatus ? "auth" : f == (void *)onSessionRequest ? "request" :
		f == (void *)onSessionFailed ? "failed" : f == (void *)noSignaling ? "signaling" : f == (void *)onFakeIP ? "fake" : "unknown";
}

static ESteamNetworkingConfigDataType typeOf(int id)
{
	ESteamNetworkingConfigDataType t = k_ESteamNetworkingConfig_Int32;
	ESteamNetworkingConfigScope scope;
	UTILS(GetConfigValueInfo)(U, (ESteamNetworkingConfigValue)id, &t, &scope);
	return t;
}

/* randomValue makes v something of some type, for a value of that ID, and prints it. */
static void randomValue(SteamNetworkingConfigValue_t *v, int id)
{
	static const int64_t integers[] = {0, 1, -1, 2, 3, 5, 100, 1000, 4096, 65535, 65536, 524288, 1 << 20, 1 << 28, -7, -100000};
	static const int64_t large[] = {INT32_MAX, INT32_MIN, INT32_MAX + 1LL, INT32_MIN - 1LL, INT64_MAX, INT64_MIN};
	static const float floats[] = {0, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.1f, 99.9f, 100, 1e-10f, 123456.789f, 5000.49f, -1e6f};
	static const float largeFloats[] = {1e9f, 1e12f, -1e12f, FLT_MAX, -FLT_MAX};
	static const char *const texts[] = {"", "0", "1", "99", "99xyz", "abc", "1.5", "-3", "+4", " 70000", "70000 ", "010", "1e4", "5,", "-", "stun:a:1,b", "0.25", ".5", "2147483647", "1000000000"};
	static char text[400]; /* with numbers as everybody writes them: scanf knows hexadecimal and infinite ones */
	/* The range of rates is wider here. */
	bool whole = typeOf(id) != k_ESteamNetworkingConfig_Float; /* for which floats must not be too large: what becomes of them nobody says */
	bool small = id == k_ESteamNetworkingConfig_SendRateMin || id == k_ESteamNetworkingConfig_SendRateMax;
	ESteamNetworkingConfigDataType t = typeOf(id);
	if (percent(30))
		t = (ESteamNetworkingConfigDataType)(percent(80) ? 1 + below(5) : below(2) ? 0 : 6 + below(100));
	memset(v, 0, sizeof *v);
	v->m_eValue = id;
	v->m_eDataType = t;
	switch ((int)t) {
	case k_ESteamNetworkingConfig_Int32:
		v->m_val.m_int32 = percent(40) ? below(4) : percent(60) || small ? (int32_t)PICK(integers) : percent(50) ? (int32_t)PICK(large) : (int32_t)draw();
		more("int32 %d", v->m_val.m_int32);
		break;
	case k_ESteamNetworkingConfig_Int64:
		v->m_val.m_int64 = percent(60) || small ? PICK(integers) : percent(50) ? PICK(large) : (int64_t)draw();
		more("int64 %lld", (long long)v->m_val.m_int64);
		break;
	case k_ESteamNetworkingConfig_Float:
		v->m_val.m_float = percent(80) || small || whole ? PICK(floats) : PICK(largeFloats);
		more("float %g", (double)v->m_val.m_float);
		break;
	case k_ESteamNetworkingConfig_String:
		strcpy(text, small || percent(70) ? PICK(texts) : randomText());
		if (small)
			text[5] = 0;
		v->m_val.m_string = text;
		quote(text);
		break;
	case k_ESteamNetworkingConfig_Ptr:
		v->m_val.m_ptr = function(id);
		more("%s", functionName(v->m_val.m_ptr));
		break;
	default:
		more("type %d", (int)t);
	}
}

static void sayGot(int id, ESteamNetworkingConfigScope scope, intptr_t object)
{
	union {
		int32_t i;
		int64_t l;
		float f;
		void *p;
		char s[512];
	} v;
	memset(&v, '#', sizeof v);
	size_t room = percent(80) ? sizeof v : (size_t)below(20), n = room;
	ESteamNetworkingConfigDataType t = k_ESteamNetworkingConfig_Int32; /* not all libraries say it of MTU_DataSize */
	bool typed = percent(90), buffer = percent(95);
	int r = UTILS(GetConfigValue)(U, (ESteamNetworkingConfigValue)id, scope, object, typed ? &t : NULL, buffer ? &v : NULL, &n);
	more(" %d, %zu bytes", r, n);
	if (r > 0 || r == k_ESteamNetworkingGetConfigValue_BufferTooSmall)
		t = typeOf(id);
	if (r <= 0) {
		if (room < sizeof v)
			MUST(v.s[room] == '#');
		return;
	}
	if (t == k_ESteamNetworkingConfig_Int32)
		more(" %d", v.i);
	else if (t == k_ESteamNetworkingConfig_Int64)
		more(" %lld", (long long)v.l);
	else if (t == k_ESteamNetworkingConfig_Float)
		more(" %.9g", (double)v.f);
	else if (t == k_ESteamNetworkingConfig_Ptr)
		more(" %s", functionName(v.p));
	else
		quote(v.s);
}

/* somewhere picks a scope and an object, and prints it. */
static ESteamNetworkingConfigScope somewhere(intptr_t *object)
{
	static const int likely[] = {30, 15, 20, 35, 3};
	int which = running ? weighted(likely, 5) : 0; /* what objects there may be otherwise nobody says */
	HSteamListenSocket l;
	HSteamNetConnection c;
	*object = 0;
	switch (which) {
	case 0:
		*object = percent(50) ? 0 : below(1000);
		more("global %d", (int)*object);
		return k_ESteamNetworkingConfig_Global;
	case 1: /* Valve's library takes any address for an object of its own */
		*object = (intptr_t)S;
		more("interface");
		return k_ESteamNetworkingConfig_SocketsInterface;
	case 2:
		l = anyListener();
		*object = (intptr_t)l;
		more("%s", listenerName(l));
		return k_ESteamNetworkingConfig_ListenSocket;
	case 3: /* Valve's library knows connections that are closed for some seconds more */
		c = anyConnection(false);
		*object = (intptr_t)c;
		more("%s", connectionName(c));
		return k_ESteamNetworkingConfig_Connection;
	}
	static const int none[] = {0, 5, -1, 100};
	which = PICK(none);
	more("scope %d", which);
	return (ESteamNetworkingConfigScope)which;
}

/* A pipe that is full loses messages in Valve's library, and refuses them here. Its limits are so high that it never is, so nobody may lower them.
 * Nor may one of its ends insist on encryption: in Valve's library it could not be accepted then, and here no pipe has any. */
static bool limit(int id)
{
	return id == k_ESteamNetworkingConfig_RecvBufferSize || id == k_ESteamNetworkingConfig_RecvBufferMessages || id == k_ESteamNetworkingConfig_Unencrypted;
}

/* lockable values cannot be set from when a connection is accepted on, here also if it ends before. */
static bool lockable(int id, intptr_t h)
{
	struct connection *c = connectionOf((HSteamNetConnection)h);
	return c && c->child && (id == k_ESteamNetworkingConfig_IP_AllowWithoutAuth || id == k_ESteamNetworkingConfig_IPLocalHost_AllowWithoutAuth ||
		id == k_ESteamNetworkingConfig_Unencrypted || id == k_ESteamNetworkingConfig_SymmetricConnect || id == k_ESteamNetworkingConfig_P2P_Transport_ICE_Enable ||
		id == k_ESteamNetworkingConfig_P2P_Transport_ICE_Implementation);
}

static void set(void)
{
	SteamNetworkingConfigValue_t v;
	intptr_t object;
	int id = settableID();
	say("SetConfigValue(%d, ", id);
	ESteamNetworkingConfigScope scope = somewhere(&object);
	if (scope == k_ESteamNetworkingConfig_Connection && (limit(id) || lockable(id, object)))
		id = 0;
	more(", ");
	bool ok;
	if (percent(12) && !(id == k_ESteamNetworkingConfig_ConnectionUserData && scope == k_ESteamNetworkingConfig_Connection)) { /* Valve's library crashes */
		static const int types[] = {0, 1, 2, 3, 4, 5, 9};
		int t = PICK(types);
		more("NULL of type %d", t);
		ok = UTILS(SetConfigValue)(U, (ESteamNetworkingConfigValue)id, scope, object, (ESteamNetworkingConfigDataType)t, NULL);
	} else {
		randomValue(&v, id);
		const void *arg = v.m_eDataType == k_ESteamNetworkingConfig_String ? (const void *)v.m_val.m_string : &v.m_val;
		if (percent(20))
			ok = UTILS(SetConfigValueStruct)(U, &v, scope, object);
		else
			ok = UTILS(SetConfigValue)(U, (ESteamNetworkingConfigValue)id, scope, object, (ESteamNetworkingConfigDataType)v.m_eDataType, arg);
	}
	more(") = %d, then", ok);
	sayGot(id, scope, object);
}

static void get(void)
{
	intptr_t object;
	int id = percent(80) ? randomID() : k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged;
	say("GetConfigValue(%d, ", id);
	ESteamNetworkingConfigScope scope = somewhere(&object);
	if (scope == k_ESteamNetworkingConfig_Connection && lockable(id, object))
		id = 0;
	more(") =");
	sayGot(id, scope, object);
}

static void setShort(void)
{
	int id = settableID();
	SteamNetworkingConfigValue_t v;
	ESteamNetworkingConfigValue e = (ESteamNetworkingConfigValue)id;
	HSteamNetConnection c = running ? anyConnection(false) : 0;
	if (limit(id) || lockable(id, c))
		c = 0;
	bool forConnection = running && percent(50), ok = false;
	say("SetConfigValue…(%d, %s, ", id, forConnection ? connectionName(c) : "global");
	randomValue(&v, id);
	if (v.m_eDataType == k_ESteamNetworkingConfig_Int32)
		ok = forConnection ? UTILS(SetConnectionConfigValueInt32)(U, c, e, v.m_val.m_int32) : UTILS(SetGlobalConfigValueInt32)(U, e, v.m_val.m_int32);
	else if (v.m_eDataType == k_ESteamNetworkingConfig_Float)
		ok = forConnection ? UTILS(SetConnectionConfigValueFloat)(U, c, e, v.m_val.m_float) : UTILS(SetGlobalConfigValueFloat)(U, e, v.m_val.m_float);
	else if (v.m_eDataType == k_ESteamNetworkingConfig_String)
		ok = forConnection ? UTILS(SetConnectionConfigValueString)(U, c, e, v.m_val.m_string) : UTILS(SetGlobalConfigValueString)(U, e, v.m_val.m_string);
	else if (v.m_eDataType == k_ESteamNetworkingConfig_Ptr && !forConnection)
		ok = UTILS(SetGlobalConfigValuePtr)(U, e, v.m_val.m_ptr);
	more(") = %d", ok);
}

/* The callbacks, which everything else is more interesting with. */
static void listenToStatus(void)
{
	FnSteamNetConnectionStatusChanged f = percent(10) ? NULL : percent(50) ? onStatusA : onStatusB;
	say("SetGlobalCallback_SteamNetConnectionStatusChanged(%s) = %d", functionName((void *)f), UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, f));
}

static void info(void)
{
	int id = randomID();
	ESteamNetworkingConfigDataType t = (ESteamNetworkingConfigDataType)77;
	ESteamNetworkingConfigScope scope = (ESteamNetworkingConfigScope)77;
	const char *name = UTILS(GetConfigValueInfo)(U, (ESteamNetworkingConfigValue)id, percent(80) ? &t : NULL, percent(80) ? &scope : NULL);
	say("GetConfigValueInfo(%d) = ", id);
	quote(name);
	if (name)
		more(" %d %d", t, scope);
}

static void iterate(void)
{
	int id = randomID();
	bool dev = percent(50);
	int next = UTILS(IterateGenericEditableConfigValues)(U, (ESteamNetworkingConfigValue)id, dev);
	if (next == 999)
		next = UTILS(IterateGenericEditableConfigValues)(U, (ESteamNetworkingConfigValue)next, dev);
	say("IterateGenericEditableConfigValues(%d, %d) = %d", id, dev, next);
}

/* randomOptions makes options for a connection or listen socket, and prints them. What stands in an option of an invalid type is nobody's business. */
int randomOptions(SteamNetworkingConfigValue_t *options, int room)
{
	static char texts[8][400];
	if (percent(60)) {
		more("no options");
		return 0;
	}
	int n = 1 + below(room);
	for (int i = 0; i < n; i++) {
		int id = percent(30) ? k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged : percent(30) ? PICK(often) : settableID();
		if (limit(id) || unwelcome(id) || id == k_ESteamNetworkingConfig_LocalVirtualPort) /* connections to oneself ignore it there, whatever it is */
			id = k_ESteamNetworkingConfig_NagleTime;
		more(i ? ", %d " : "%d ", id);
		randomValue(&options[i], id);
		if (options[i].m_eDataType == k_ESteamNetworkingConfig_String)
			options[i].m_val.m_string = strcpy(texts[i], options[i].m_val.m_string);
	}
	return n;
}

const struct action configActions[] = {{"set", set, 8, true}, {"get", get, 4, true}, {"setShort", setShort, 2, true}, {"listenToStatus", listenToStatus, 1, true},
	{"info", info, 1, true}, {"iterate", iterate, 1, true}, {0}};
