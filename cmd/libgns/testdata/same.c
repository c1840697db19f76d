/* What is printed here is the same with both libraries, but for lines that same_test.go knows of. It compares the output with files. */
#include "check.h"

#include <float.h>

#define P(x) printf("%s = %lld\n", #x, (long long)(x))
#define FLOAT(x) printf("%s = %.9g\n", #x, (double)(x))
#define STRING(x) printString(#x, x)

static void printString(const char *what, const char *s)
{
	printf("%s = ", what);
	if (!s) {
		puts("NULL");
		return;
	}
	putchar('"');
	for (; *s; s++)
		printf(*s < ' ' || *s == '"' || *s == '\\' ? "\\x%02x" : "%c", (unsigned char)*s);
	puts("\"");
}

static void printBytes(const char *what, const void *p, size_t n)
{
	printf("%s = ", what);
	for (size_t i = 0; i < n; i++)
		printf("%02x", ((const uint8_t *)p)[i]);
	putchar('\n');
}

/* Addresses. */

static SteamNetworkingIPAddr addr(const char *text)
{
	SteamNetworkingIPAddr a;
	memset(&a, 0, sizeof a);
	MUST(SteamNetworkingIPAddr_ParseString(&a, text));
	return a;
}

static void addresses(void)
{
	static const char *const texts[] = {
		"127.0.0.1", "127.0.0.1:0", "127.0.0.1:65535", "1.2.3.4:99", "::1", "[::1]", "[::1]:27015", "::", "[::]:1", "2001:db8::ff00:42:8329",
		"[2001:0db8:0000:0000:0000:ff00:0042:8329]:80", "::ffff:10.0.0.1", "[::ffff:10.0.0.1]:9", "fe80::1:0:0:1", "1:0:0:2:0:0:0:3", "0.0.0.0", "0.0.0.0:5",
		"255.255.255.255", "", "1.2.3", "1.2.3.4:65536", "1.2.3.4:-1", "256.1.1.1", "[::1", "::1]:5", "localhost", "1.2.3.4 ", " 1.2.3.4", "::1:2:3:4:5:6:7:8:9",
		"[fe80::1%1]:3", "1.2.3.4:5 ", "1.2.3.4\n", "001.02.3.4:099x", "1.2.3.4#5", "1.2.3.4:x", " +1.2.3.4", "-1.2.3.4",
		"::ffff:01.002.3.04", "::1\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		SteamNetworkingIPAddr a;
		char s[2][k_cchMaxSteamNetworkingIPAddrString];
		memset(&a, 0, sizeof a);
		bool ok = SteamAPI_SteamNetworkingIPAddr_ParseString(&a, texts[i]);
		if (!ok) {
			printf("\"%s\": no address\n", texts[i]);
			continue;
		}
		SteamAPI_SteamNetworkingIPAddr_ToString(&a, s[0], sizeof s[0], true);
		SteamAPI_SteamNetworkingIPAddr_ToString(&a, s[1], sizeof s[1], false);
		printf("\"%s\": %s %s, IPv4 %d %08x, localhost %d, zero %d, fake %d, ", texts[i], s[0], s[1], SteamAPI_SteamNetworkingIPAddr_IsIPv4(&a),
			SteamAPI_SteamNetworkingIPAddr_GetIPv4(&a), SteamAPI_SteamNetworkingIPAddr_IsLocalHost(&a),
			SteamAPI_SteamNetworkingIPAddr_IsIPv6AllZeros(&a), SteamNetworkingIPAddr_GetFakeIPType(&a));
		printBytes("bytes", &a, sizeof a);
	}
	SteamNetworkingIPAddr a, b;
	static const uint8_t ip[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
	SteamAPI_SteamNetworkingIPAddr_SetIPv6(&a, ip, 77);
	printBytes("SetIPv6", &a, sizeof a);
	SteamAPI_SteamNetworkingIPAddr_SetIPv4(&a, 0x01020304, 78);
	printBytes("SetIPv4", &a, sizeof a);
	SteamAPI_SteamNetworkingIPAddr_SetIPv6LocalHost(&a, 79);
	printBytes("SetIPv6LocalHost", &a, sizeof a);
	SteamAPI_SteamNetworkingIPAddr_SetIPv6LocalHost(&b, 79);
	P(SteamAPI_SteamNetworkingIPAddr_IsEqualTo(&a, &b));
	b.m_port = 80;
	P(SteamAPI_SteamNetworkingIPAddr_IsEqualTo(&a, &b));
	SteamAPI_SteamNetworkingIPAddr_Clear(&a);
	printBytes("Clear", &a, sizeof a);
}

static void addressBuffers(void)
{
	static const char *const texts[] = {"255.255.255.255:65535", "[1111:2222:3333:4444:5555:6666:7777:8888]:65535", "[::1]:5"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		SteamNetworkingIPAddr a = addr(texts[i]);
		for (size_t n = 1; n <= k_cchMaxSteamNetworkingIPAddrString; n++) {
			char s[64];
			memset(s, '#', sizeof s);
			SteamNetworkingIPAddr_ToString(&a, s, n, true);
			s[sizeof s - 1] = 0;
			MUST(memchr(s, 0, n) != NULL && s[n] == (n < 63 ? '#' : 0)); /* terminated, and nothing behind it */
			if (n >= k_cchMaxSteamNetworkingIPAddrString)
				printf("%zu: %s\n", n, s);
		}
	}
}

/* Identities. */

static void printIdentity(const char *what, const SteamNetworkingIdentity *id)
{
	char s[k_cchMaxSteamNetworkingIdentityString];
	SteamAPI_SteamNetworkingIdentity_ToString(id, s, sizeof s);
	printf("%s: %s, type %d, size %d, invalid %d, local %d\n", what, s, id->m_eType, id->m_cbSize, SteamAPI_SteamNetworkingIdentity_IsInvalid(id),
		SteamAPI_SteamNetworkingIdentity_IsLocalHost(id));
}

static void identities(void)
{
	SteamNetworkingIdentity id, other;
	SteamAPI_SteamNetworkingIdentity_Clear(&id);
	printIdentity("Clear", &id);
	SteamAPI_SteamNetworkingIdentity_SetSteamID64(&id, 76561197960287930);
	printIdentity("SetSteamID64", &id);
	P(SteamAPI_SteamNetworkingIdentity_GetSteamID64(&id));
	P(SteamAPI_SteamNetworkingIdentity_GetSteamID(&id));
	STRING(SteamAPI_SteamNetworkingIdentity_GetGenericString(&id));
	SteamAPI_SteamNetworkingIdentity_SetSteamID64(&id, 5);
	printIdentity("SetSteamID64", &id);
	SteamAPI_SteamNetworkingIdentity_SetSteamID64(&id, 0);
	printIdentity("SetSteamID64", &id);

	SteamAPI_SteamNetworkingIdentity_Clear(&id);
	P(SteamAPI_SteamNetworkingIdentity_SetGenericString(&id, "0123456789012345678901234567890"));
	printIdentity("SetGenericString", &id);
	P(SteamAPI_SteamNetworkingIdentity_SetGenericString(&id, "01234567890123456789012345678901"));
	printIdentity("SetGenericString too long", &id);
	P(SteamAPI_SteamNetworkingIdentity_SetGenericString(&id, ""));
	printIdentity("SetGenericString empty", &id);
	STRING(SteamAPI_SteamNetworkingIdentity_GetGenericString(&id));
	P(SteamAPI_SteamNetworkingIdentity_GetSteamID64(&id));

	SteamAPI_SteamNetworkingIdentity_Clear(&id);
	P(SteamAPI_SteamNetworkingIdentity_SetXboxPairwiseID(&id, "01234567890123456789012345678901"));
	printIdentity("SetXboxPairwiseID", &id);
	STRING(SteamAPI_SteamNetworkingIdentity_GetXboxPairwiseID(&id));
	P(SteamAPI_SteamNetworkingIdentity_SetXboxPairwiseID(&id, "012345678901234567890123456789012"));
	printIdentity("SetXboxPairwiseID too long", &id);
	P(SteamAPI_SteamNetworkingIdentity_SetXboxPairwiseID(&id, ""));
	printIdentity("SetXboxPairwiseID empty", &id);

	SteamAPI_SteamNetworkingIdentity_Clear(&id);
	uint8_t bytes[33] = {1, 2, 3, 0, 255};
	int n = -7;
	P(SteamAPI_SteamNetworkingIdentity_SetGenericBytes(&id, bytes, 32));
	printIdentity("SetGenericBytes", &id);
	P(SteamAPI_SteamNetworkingIdentity_SetGenericBytes(&id, bytes, 5));
	printIdentity("SetGenericBytes", &id);
	const uint8_t *got = SteamAPI_SteamNetworkingIdentity_GetGenericBytes(&id, &n);
	P(n);
	printBytes("bytes", got, 5);
	P(SteamAPI_SteamNetworkingIdentity_SetGenericBytes(&id, bytes, 33));
	printIdentity("SetGenericBytes too long", &id);
	P(SteamAPI_SteamNetworkingIdentity_SetGenericBytes(&id, bytes, 0));
	printIdentity("SetGenericBytes empty", &id);

	SteamNetworkingIPAddr a = addr("10.1.2.3:4");
	SteamAPI_SteamNetworkingIdentity_SetIPAddr(&id, &a);
	printIdentity("SetIPAddr", &id);
	printBytes("address", SteamAPI_SteamNetworkingIdentity_GetIPAddr(&id), sizeof a);
	P(SteamAPI_SteamNetworkingIdentity_GetGenericBytes(&id, &n) == NULL);
	P(SteamAPI_SteamNetworkingIdentity_GetXboxPairwiseID(&id) == NULL);
	SteamAPI_SteamNetworkingIdentity_SetLocalHost(&other);
	printIdentity("SetLocalHost", &other);
	P(SteamAPI_SteamNetworkingIdentity_IsEqualTo(&id, &other));
	a = addr("127.0.0.1");
	SteamAPI_SteamNetworkingIdentity_SetIPAddr(&id, &a);
	printIdentity("SetIPAddr", &id);
	P(SteamAPI_SteamNetworkingIdentity_IsEqualTo(&id, &other));
	other = id;
	P(SteamAPI_SteamNetworkingIdentity_IsEqualTo(&id, &other));
	SteamAPI_SteamNetworkingIdentity_Clear(&other);
	P(SteamAPI_SteamNetworkingIdentity_IsEqualTo(&id, &other));
	P(SteamAPI_SteamNetworkingIdentity_GetIPAddr(&other) == NULL);
}

static void identityTexts(void)
{
	static const char *const texts[] = {
		"steamid:76561197960287930", "steamid:5", "steamid:0", "steamid:x", "steamid:", "ip:1.2.3.4", "ip:1.2.3.4:5", "ip:[::1]:6", "ip:::1", "ip:", "ip:x", "str:bob", "str:",
		"str:0123456789012345678901234567890", "str:01234567890123456789012345678901", "gen:0102ff", "gen:0102FF", "gen:", "gen:1", "gen:xy",
		"gen:0000000000000000000000000000000000000000000000000000000000000000", "gen:000000000000000000000000000000000000000000000000000000000000000000",
		"psn:12345", "psn:0", "psn:", "xbox:abc", "xboxpwid:abcdef", "xboxpwid:", "xboxpwid:01234567890123456789012345678901", "xboxpwid:012345678901234567890123456789012",
		"invalid", "", "bob", "zzz:1", "new_type:whatever it means", "Str:bob", " str:bob", "str:a b", "localhost",
		"steamid: +76561197960287930x", "steamid:-1", "psn:7 x", "ip:1.2.3.04/8",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		SteamNetworkingIdentity id;
		memset(&id, 0, sizeof id);
		printf("%d ", SteamAPI_SteamNetworkingIdentity_ParseString(&id, sizeof id, texts[i]));
		printIdentity(texts[i], &id);
	}
	SteamNetworkingIdentity id;
	P(SteamNetworkingIdentity_ParseString(&id, sizeof id, "gen:0102030405060708091011121314151617181920212223242526272829303132"));
	for (size_t n = 1; n < 80; n++) {
		char s[128];
		memset(s, '#', sizeof s);
		SteamNetworkingIdentity_ToString(&id, s, n);
		s[sizeof s - 1] = 0;
		MUST(memchr(s, 0, n) != NULL && s[n] == '#');
		if (n > 68)
			printf("%zu: %s\n", n, s);
	}
	/* Identities that are none. */
	memset(&id, 0, sizeof id);
	id.m_eType = 99;
	printIdentity("type 99", &id);
	id.m_eType = k_ESteamNetworkingIdentityType_UnknownType;
	id.m_cbSize = 9;
	strcpy(id.m_value.m_szUnknownRawString, "new:type");
	printIdentity("unknown type", &id);
	id.m_eType = k_ESteamNetworkingIdentityType_SonyPSN;
	id.m_cbSize = 8;
	id.m_value.m_PSNID = 6;
	printIdentity("PSN", &id);
}

/* Configuration. */

static const char *typeName(int t)
{
	static const char *const names[] = {"?", "int32", "int64", "float", "string", "ptr"};
	return names[t > 0 && t < 6 ? t : 0];
}

enum { ecn = 999 }; /* a value that only some builds of Valve's library have */

/* get prints what GetConfigValue says. */
static void get(int id, ESteamNetworkingConfigScope scope, intptr_t object)
{
	union {
		int32_t i;
		int64_t l;
		float f;
		void *p;
		char s[64];
	} v;
	memset(&v, 0, sizeof v);
	size_t n = sizeof v;
	ESteamNetworkingConfigDataType t = k_ESteamNetworkingConfig_Int32; /* Valve's library does not say it of MTU_DataSize */
	int r = UTILS(GetConfigValue)(U, (ESteamNetworkingConfigValue)id, scope, object, &t, &v, &n);
	printf("%d at %d: %d", id, scope, r);
	if (r > 0) {
		printf(", %s, %zu bytes: ", typeName(t), n);
		if (t == k_ESteamNetworkingConfig_Int32)
			printf("%d", v.i);
		else if (t == k_ESteamNetworkingConfig_Int64)
			printf("%lld", (long long)v.l);
		else if (t == k_ESteamNetworkingConfig_Float)
			printf("%.9g", (double)v.f);
		else if (t == k_ESteamNetworkingConfig_String)
			printf("\"%s\"", v.s);
		else
			printf("%d", v.p != NULL);
	} else
		printf(", size %zu", n);
	putchar('\n');
}

#define GLOBAL k_ESteamNetworkingConfig_Global, 0

static void configInfo(void)
{
	for (int id = -1; id < 1100; id++) {
		ESteamNetworkingConfigDataType t = (ESteamNetworkingConfigDataType)0;
		ESteamNetworkingConfigScope scope = (ESteamNetworkingConfigScope)0;
		const char *name = UTILS(GetConfigValueInfo)(U, (ESteamNetworkingConfigValue)id, &t, &scope);
		if (name && id != ecn) {
			printf("%s: %s, scope %d; ", name, typeName(t), scope);
			get(id, GLOBAL);
			MUST(name == UTILS(GetConfigValueInfo)(U, (ESteamNetworkingConfigValue)id, NULL, NULL)); /* it stays where it is */
		}
	}
	get(k_ESteamNetworkingConfig_MTU_DataSize, GLOBAL);
	get(0, GLOBAL);
	get(1, GLOBAL);
	get(-1, GLOBAL);
	get(35, GLOBAL);
	get(100000, GLOBAL);
}

static void configIterate(void)
{
	for (int dev = 0; dev < 2; dev++) {
		printf("dev %d:", dev);
		int id = 0;
		while ((id = UTILS(IterateGenericEditableConfigValues)(U, (ESteamNetworkingConfigValue)id, dev)) != 0)
			if (id != ecn)
				printf(" %d", id);
		putchar('\n');
	}
	P(UTILS(IterateGenericEditableConfigValues)(U, (ESteamNetworkingConfigValue)1, true));
	P(UTILS(IterateGenericEditableConfigValues)(U, (ESteamNetworkingConfigValue)-1, true));
	P(UTILS(IterateGenericEditableConfigValues)(U, (ESteamNetworkingConfigValue)5000, true));
	P(UTILS(IterateGenericEditableConfigValues)(U, k_ESteamNetworkingConfig_SymmetricConnect, true));
	P(UTILS(IterateGenericEditableConfigValues)(U, k_ESteamNetworkingConfig_MTU_DataSize, true));
}

/* set prints whether a value can be set, and what becomes of it. */
static void set(int id, ESteamNetworkingConfigScope scope, intptr_t object, ESteamNetworkingConfigDataType t, const void *arg)
{
	printf("set: %d; ", UTILS(SetConfigValue)(U, (ESteamNetworkingConfigValue)id, scope, object, t, arg));
	get(id, scope, object);
}

static void configRanges(void)
{
	for (int id = 1; id < 1000; id++) {
		ESteamNetworkingConfigDataType t;
		ESteamNetworkingConfigScope scope;
		const char *name = UTILS(GetConfigValueInfo)(U, (ESteamNetworkingConfigValue)id, &t, &scope);
		if (!name || t == k_ESteamNetworkingConfig_String || t == k_ESteamNetworkingConfig_Ptr || id == ecn)
			continue;
		puts(name);
		if (t == k_ESteamNetworkingConfig_Float) {
			float low = -FLT_MAX, high = FLT_MAX;
			set(id, GLOBAL, t, &low);
			set(id, GLOBAL, t, &high);
		} else {
			int32_t low = INT32_MIN, high = INT32_MAX;
			set(id, GLOBAL, k_ESteamNetworkingConfig_Int32, &low);
			if (id == k_ESteamNetworkingConfig_SendRateMin || id == k_ESteamNetworkingConfig_SendRateMax)
				high = 0x10000000; /* Valve's limit; here it is higher */
			set(id, GLOBAL, k_ESteamNetworkingConfig_Int32, &high);
		}
		set(id, GLOBAL, t, NULL);
	}
}

/* configConversions sets one value of each type to values of all. */
static void configConversions(void)
{
	static const int ids[] = {k_ESteamNetworkingConfig_SendBufferSize, k_ESteamNetworkingConfig_ConnectionUserData, k_ESteamNetworkingConfig_FakePacketLoss_Send,
		k_ESteamNetworkingConfig_P2P_STUN_ServerList, k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged};
	static const int64_t integers[] = {0, -7, 70000, INT32_MAX, INT32_MIN, INT32_MAX + 1LL, INT64_MAX, INT64_MIN};
	static const float floats[] = {0.5f, 2.5f, -0.5f, -1.5f, 70000.5f, 1e9f, 0.1f, 1e-10f, 123456.789f};
	static const char *const strings[] = {"", "0", "99", "99xyz", "abc", "1.5", "-3", "+4", " 70000", "70000 ", "010", "1e4", "a long string that is kept", "5,"};
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		for (size_t k = 0; k < sizeof integers / sizeof integers[0]; k++) {
			int32_t n = (int32_t)integers[k];
			printf("int32 %d ", n);
			set(ids[i], GLOBAL, k_ESteamNetworkingConfig_Int32, &n);
			printf("int64 %lld ", (long long)integers[k]);
			set(ids[i], GLOBAL, k_ESteamNetworkingConfig_Int64, &integers[k]);
		}
		for (size_t k = 0; k < sizeof floats / sizeof floats[0]; k++) {
			printf("float %g ", (double)floats[k]);
			set(ids[i], GLOBAL, k_ESteamNetworkingConfig_Float, &floats[k]);
		}
		for (size_t k = 0; k < sizeof strings / sizeof strings[0]; k++) {
			printf("\"%s\" ", strings[k]);
			set(ids[i], GLOBAL, k_ESteamNetworkingConfig_String, strings[k]);
		}
		void *p = (void *)set;
		printf("ptr ");
		set(ids[i], GLOBAL, k_ESteamNetworkingConfig_Ptr, &p);
		printf("type 0 ");
		set(ids[i], GLOBAL, (ESteamNetworkingConfigDataType)0, &p);
		printf("type 6 ");
		set(ids[i], GLOBAL, (ESteamNetworkingConfigDataType)6, &p);
		printf("NULL ");
		set(ids[i], GLOBAL, k_ESteamNetworkingConfig_Int32, NULL);
	}
}

static void onStatus(SteamNetConnectionStatusChangedCallback_t *c) { (void)c; }

static void configBuffers(void)
{
	UTILS(SetGlobalConfigValueString)(U, k_ESteamNetworkingConfig_P2P_STUN_ServerList, "stun.example.com:3478");
	static const int ids[] = {k_ESteamNetworkingConfig_SendBufferSize, k_ESteamNetworkingConfig_ConnectionUserData, k_ESteamNetworkingConfig_FakePacketLoss_Send,
		k_ESteamNetworkingConfig_P2P_STUN_ServerList, k_ESteamNetworkingConfig_P2P_TURN_ServerList, k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged,
		k_ESteamNetworkingConfig_MTU_DataSize, 1};
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		for (size_t room = 0; room < 24; room++) {
			char buf[32];
			memset(buf, '#', sizeof buf);
			size_t n = room;
			int r = UTILS(GetConfigValue)(U, (ESteamNetworkingConfigValue)ids[i], GLOBAL, NULL, buf, &n);
			MUST(buf[room] == '#');
			printf("%d with room for %zu: %d, size %zu\n", ids[i], room, r, n);
			if (r > 0)
				break;
		}
		size_t n = 24;
		int r = UTILS(GetConfigValue)(U, (ESteamNetworkingConfigValue)ids[i], GLOBAL, NULL, NULL, &n);
		printf("%d without a buffer: %d, size %zu\n", ids[i], r, n);
	}
	UTILS(SetGlobalConfigValueString)(U, k_ESteamNetworkingConfig_P2P_STUN_ServerList, "");
	get(k_ESteamNetworkingConfig_P2P_STUN_ServerList, GLOBAL);
	UTILS(SetGlobalConfigValueString)(U, k_ESteamNetworkingConfig_P2P_STUN_ServerList, NULL);
	get(k_ESteamNetworkingConfig_P2P_STUN_ServerList, GLOBAL);
}

static void configShort(void)
{
	P(UTILS(SetGlobalConfigValueInt32)(U, k_ESteamNetworkingConfig_NagleTime, 17));
	get(k_ESteamNetworkingConfig_NagleTime, GLOBAL);
	P(UTILS(SetGlobalConfigValueFloat)(U, k_ESteamNetworkingConfig_FakePacketLoss_Send, 1.25f));
	get(k_ESteamNetworkingConfig_FakePacketLoss_Send, GLOBAL);
	P(UTILS(SetGlobalConfigValueFloat)(U, k_ESteamNetworkingConfig_NagleTime, 18.5f));
	get(k_ESteamNetworkingConfig_NagleTime, GLOBAL);
	P(UTILS(SetGlobalConfigValueString)(U, k_ESteamNetworkingConfig_NagleTime, "20"));
	get(k_ESteamNetworkingConfig_NagleTime, GLOBAL);
	P(UTILS(SetGlobalConfigValuePtr)(U, k_ESteamNetworkingConfig_NagleTime, NULL));
	P(UTILS(SetGlobalConfigValuePtr)(U, k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, (void *)onStatus));
	P(UTILS(SetGlobalConfigValueInt32)(U, k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, 0));
	void *f = NULL;
	size_t n = sizeof f;
	P(UTILS(GetConfigValue)(U, k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, GLOBAL, NULL, &f, &n));
	P(f == (void *)onStatus);
	P(UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, NULL));
	get(k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, GLOBAL);
	P(UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, onStatus));
	get(k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, GLOBAL);
	P(UTILS(SetGlobalCallback_SteamNetAuthenticationStatusChanged)(U, NULL));
	P(UTILS(SetGlobalCallback_SteamRelayNetworkStatusChanged)(U, NULL));
	SteamNetworkingConfigValue_t v = {.m_eValue = k_ESteamNetworkingConfig_TimeoutInitial, .m_eDataType = k_ESteamNetworkingConfig_Int32, .m_val.m_int32 = 1234};
	P(UTILS(SetConfigValueStruct)(U, &v, GLOBAL));
	get(k_ESteamNetworkingConfig_TimeoutInitial, GLOBAL);
	v.m_eDataType = k_ESteamNetworkingConfig_String;
	v.m_val.m_string = "2345";
	P(UTILS(SetConfigValueStruct)(U, &v, GLOBAL));
	get(k_ESteamNetworkingConfig_TimeoutInitial, GLOBAL);
	P(UTILS(SetConnectionConfigValueInt32)(U, 77, k_ESteamNetworkingConfig_NagleTime, 1));
	P(UTILS(SetConnectionConfigValueFloat)(U, 77, k_ESteamNetworkingConfig_NagleTime, 1));
	P(UTILS(SetConnectionConfigValueString)(U, 77, k_ESteamNetworkingConfig_P2P_STUN_ServerList, "x"));
}

#define INTERFACE k_ESteamNetworkingConfig_SocketsInterface, (intptr_t)S
#define LISTENER k_ESteamNetworkingConfig_ListenSocket, (intptr_t)listener
#define CONNECTION k_ESteamNetworkingConfig_Connection, (intptr_t)conn

static void configScopes(void)
{
	init();
	SteamNetworkingIPAddr a;
	HSteamListenSocket listener = listenAnywhere(&a, 0, NULL);
	HSteamNetConnection conn = SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
	const int id = k_ESteamNetworkingConfig_NagleTime;
	const ESteamNetworkingConfigDataType i32 = k_ESteamNetworkingConfig_Int32;
	int32_t v[] = {1, 2, 3, 4};
	for (int round = 0; round < 2; round++) {
		set(id, GLOBAL, i32, &v[0]);
		get(id, INTERFACE);
		get(id, LISTENER);
		get(id, CONNECTION);
		set(id, INTERFACE, i32, &v[1]);
		get(id, GLOBAL);
		get(id, LISTENER);
		get(id, CONNECTION);
		set(id, LISTENER, i32, &v[2]);
		get(id, CONNECTION);
		set(id, CONNECTION, i32, &v[3]);
		get(id, LISTENER);
		set(id, CONNECTION, i32, NULL);
		set(id, LISTENER, i32, NULL);
		set(id, INTERFACE, i32, NULL);
		set(id, GLOBAL, i32, NULL);
	}
	/* Objects that are none. */
	get(id, k_ESteamNetworkingConfig_ListenSocket, 0);
	get(id, k_ESteamNetworkingConfig_Connection, 0);
	get(id, k_ESteamNetworkingConfig_Connection, 12345);
	get(id, k_ESteamNetworkingConfig_ListenSocket, 12345);
	get(id, (ESteamNetworkingConfigScope)0, 0);
	get(id, (ESteamNetworkingConfigScope)5, 0);
	get(id, (ESteamNetworkingConfigScope)-1, 0);
	set(id, k_ESteamNetworkingConfig_ListenSocket, 0, i32, &v[0]);
	set(id, k_ESteamNetworkingConfig_Connection, 0, i32, &v[0]);
	set(id, (ESteamNetworkingConfigScope)0, 0, i32, &v[0]);
	set(id, (ESteamNetworkingConfigScope)5, 0, i32, &v[0]);
	get(1, k_ESteamNetworkingConfig_Connection, 0);
	/* Values that exist at global scope only. */
	const int only = k_ESteamNetworkingConfig_FakePacketLag_Send;
	get(only, INTERFACE);
	get(only, CONNECTION);
	set(only, INTERFACE, i32, &v[0]);
	set(only, LISTENER, i32, &v[0]);
	set(only, CONNECTION, i32, &v[0]);
	set(only, CONNECTION, i32, NULL);
	get(k_ESteamNetworkingConfig_MTU_DataSize, CONNECTION);
	get(k_ESteamNetworkingConfig_MTU_DataSize, LISTENER);
	int32_t mtu = 1000;
	set(k_ESteamNetworkingConfig_MTU_PacketSize, LISTENER, i32, &mtu);
	get(k_ESteamNetworkingConfig_MTU_DataSize, LISTENER);
	get(k_ESteamNetworkingConfig_MTU_DataSize, CONNECTION);
	set(k_ESteamNetworkingConfig_MTU_DataSize, CONNECTION, i32, &mtu);
	/* Values that cannot be changed any more. */
	static const int locked[] = {k_ESteamNetworkingConfig_IP_AllowWithoutAuth, k_ESteamNetworkingConfig_IPLocalHost_AllowWithoutAuth, k_ESteamNetworkingConfig_Unencrypted,
		k_ESteamNetworkingConfig_SymmetricConnect, k_ESteamNetworkingConfig_P2P_Transport_ICE_Enable, k_ESteamNetworkingConfig_P2P_Transport_ICE_Implementation,
		k_ESteamNetworkingConfig_LocalVirtualPort, k_ESteamNetworkingConfig_ConnectionUserData, k_ESteamNetworkingConfig_SendBufferSize};
	for (size_t i = 0; i < sizeof locked / sizeof locked[0]; i++) {
		puts(UTILS(GetConfigValueInfo)(U, (ESteamNetworkingConfigValue)locked[i], NULL, NULL));
		get(locked[i], CONNECTION);
		get(locked[i], LISTENER);
		set(locked[i], CONNECTION, i32, &v[0]);
		if (locked[i] != k_ESteamNetworkingConfig_ConnectionUserData) /* with which Valve's library crashes */
			set(locked[i], CONNECTION, i32, NULL);
		set(locked[i], LISTENER, i32, &v[0]);
		set(locked[i], LISTENER, i32, NULL);
	}
	GameNetworkingSockets_Kill();
}

static void configSurvives(void)
{
	const int id = k_ESteamNetworkingConfig_NagleTime;
	P(UTILS(SetGlobalConfigValueInt32)(U, k_ESteamNetworkingConfig_SendBufferSize, 5000));
	P(UTILS(SetGlobalConfigValueFloat)(U, k_ESteamNetworkingConfig_FakePacketLoss_Recv, 0.5f));
	P(UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, onStatus));
	for (int i = 0; i < 2; i++) {
		init();
		get(k_ESteamNetworkingConfig_SendBufferSize, GLOBAL);
		get(k_ESteamNetworkingConfig_SendBufferSize, INTERFACE);
		get(k_ESteamNetworkingConfig_FakePacketLoss_Recv, GLOBAL);
		get(k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, INTERFACE);
		get(id, INTERFACE);
		int32_t v = 55 + i;
		set(id, INTERFACE, k_ESteamNetworkingConfig_Int32, &v);
		P(UTILS(SetGlobalConfigValueInt32)(U, k_ESteamNetworkingConfig_TimeoutInitial, 66 + i));
		GameNetworkingSockets_Kill();
		get(k_ESteamNetworkingConfig_TimeoutInitial, GLOBAL);
		get(k_ESteamNetworkingConfig_SendBufferSize, GLOBAL);
	}
	set(k_ESteamNetworkingConfig_SendBufferSize, GLOBAL, k_ESteamNetworkingConfig_Int32, NULL);
	init();
	get(k_ESteamNetworkingConfig_SendBufferSize, INTERFACE);
	GameNetworkingSockets_Kill();
}

#define INT32(id, n) ((SteamNetworkingConfigValue_t){.m_eValue = k_ESteamNetworkingConfig_##id, .m_eDataType = k_ESteamNetworkingConfig_Int32, .m_val.m_int32 = n})
#define CHARS(id, text) ((SteamNetworkingConfigValue_t){.m_eValue = k_ESteamNetworkingConfig_##id, .m_eDataType = k_ESteamNetworkingConfig_String, .m_val.m_string = text})
#define POINTER(id, p) ((SteamNetworkingConfigValue_t){.m_eValue = k_ESteamNetworkingConfig_##id, .m_eDataType = k_ESteamNetworkingConfig_Ptr, .m_val.m_ptr = p})
#define INT64(id, n) ((SteamNetworkingConfigValue_t){.m_eValue = k_ESteamNetworkingConfig_##id, .m_eDataType = k_ESteamNetworkingConfig_Int64, .m_val.m_int64 = n})

static void configOptions(void)
{
	initAs("alice");
	SteamNetworkingIPAddr a = localAddress();
	SteamNetworkingConfigValue_t good[] = {INT32(NagleTime, 11), CHARS(SendBufferSize, "8192"), INT64(ConnectionUserData, 1LL << 40), INT32(Unencrypted, 1),
		POINTER(Callback_ConnectionStatusChanged, (void *)onStatus), CHARS(P2P_STUN_ServerList, "stun.example.com"), INT32(NagleTime, 12)};
	const int n = (int)(sizeof good / sizeof good[0]);
	HSteamListenSocket listener = listenAnywhere(&a, n, good);
	HSteamNetConnection conn = SOCKETS(ConnectByIPAddress)(S, &a, n, good);
	static const int ids[] = {k_ESteamNetworkingConfig_NagleTime, k_ESteamNetworkingConfig_SendBufferSize, k_ESteamNetworkingConfig_ConnectionUserData, k_ESteamNetworkingConfig_Unencrypted,
		k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, k_ESteamNetworkingConfig_P2P_STUN_ServerList};
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		get(ids[i], LISTENER);
		get(ids[i], CONNECTION);
	}
	P(SOCKETS(GetConnectionUserData)(S, conn));

	SteamNetworkingConfigValue_t bad[] = {INT32(FakePacketLag_Send, 1), INT32(MTU_DataSize, 1), INT32(SymmetricConnect, 1), INT32(Invalid, 1), CHARS(NagleTime, "abc"), POINTER(NagleTime, NULL),
		INT64(NagleTime, INT64_MAX), INT32(Callback_ConnectionStatusChanged, 1), {.m_eValue = k_ESteamNetworkingConfig_NagleTime, .m_eDataType = 9}, INT32(IP_AllowWithoutAuth, 0),
		INT32(LocalVirtualPort, 7), INT32(P2P_Transport_ICE_Enable, 0), CHARS(P2P_STUN_ServerList, NULL), CHARS(NagleTime, NULL)};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		HSteamNetConnection c = SOCKETS(ConnectByIPAddress)(S, &a, 1, &bad[i]);
		HSteamListenSocket l = 0;
		for (int k = 0; k < 5 && !l; k++) {
			SteamNetworkingIPAddr other = localAddress();
			l = SOCKETS(CreateListenSocketIP)(S, &other, 1, &bad[i]);
		}
		HSteamListenSocket p = SOCKETS(CreateListenSocketP2P)(S, (int)i, 1, &bad[i]);
		printf("option %zu: connection %d, listen socket %d, P2P listen socket %d\n", i, c != 0, l != 0, p != 0);
	}
	P(SOCKETS(ConnectByIPAddress)(S, &a, 1, NULL));
	P(SOCKETS(CreateListenSocketP2P)(S, 50, 1, NULL));
	P(SOCKETS(CreateListenSocketP2P)(S, 51, 0, good) != 0);
	GameNetworkingSockets_Kill();
}

/* Sockets. */

static void badHandles(void)
{
	init();
	static const uint32_t handles[] = {0, 1, 12345, 0xffffffff};
	for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
		uint32_t h = handles[i];
		SteamNetConnectionInfo_t info;
		SteamNetConnectionRealTimeStatus_t status;
		SteamNetConnectionRealTimeLaneStatus_t lane;
		SteamNetworkingMessage_t *m = NULL;
		SteamNetworkingIPAddr a;
		char text[64] = "unchanged";
		memset(&info, 0x55, sizeof info);
		P(h);
		P(SOCKETS(AcceptConnection)(S, h));
		P(SOCKETS(CloseConnection)(S, h, 0, NULL, false));
		P(SOCKETS(CloseListenSocket)(S, h));
		P(SOCKETS(SetConnectionUserData)(S, h, 1));
		P(SOCKETS(GetConnectionUserData)(S, h));
		SOCKETS(SetConnectionName)(S, h, "name");
		P(SOCKETS(GetConnectionName)(S, h, text, sizeof text));
		STRING(text);
		P(SOCKETS(SendMessageToConnection)(S, h, "x", 1, 8, NULL));
		P(SOCKETS(FlushMessagesOnConnection)(S, h));
		P(SOCKETS(ReceiveMessagesOnConnection)(S, h, &m, 1));
		P(SOCKETS(GetConnectionInfo)(S, h, &info));
		P(info.m_eState == 0x55555555);
		P(SOCKETS(GetConnectionRealTimeStatus)(S, h, &status, 1, &lane));
		P(SOCKETS(GetConnectionRealTimeStatus)(S, h, NULL, 0, NULL));
		P(SOCKETS(GetDetailedConnectionStatus)(S, h, text, sizeof text));
		P(SOCKETS(GetDetailedConnectionStatus)(S, h, NULL, 0));
		P(SOCKETS(GetListenSocketAddress)(S, h, &a));
		P(SOCKETS(ConfigureConnectionLanes)(S, h, 2, NULL, NULL));
		P(SOCKETS(ConfigureConnectionLanes)(S, h, 0, NULL, NULL));
		P(SOCKETS(DestroyPollGroup)(S, h));
		P(SOCKETS(SetConnectionPollGroup)(S, h, 0));
		P(SOCKETS(SetConnectionPollGroup)(S, h, h));
		P(SOCKETS(ReceiveMessagesOnPollGroup)(S, h, &m, 1));
	}
	GameNetworkingSockets_Kill();
}

static void listening(void)
{
	initAs("alice");
	SteamNetworkingIPAddr a = addr("127.0.0.1:0"), got;
	P(SOCKETS(CreateListenSocketIP)(S, &a, 0, NULL));
	a = addr("203.0.113.1:5");
	P(SOCKETS(CreateListenSocketIP)(S, &a, 0, NULL));
	HSteamListenSocket l = listenAnywhere(&a, 0, NULL);
	P(SOCKETS(GetListenSocketAddress)(S, l, &got));
	P(SteamAPI_SteamNetworkingIPAddr_IsEqualTo(&a, &got));
	P(SOCKETS(CreateListenSocketIP)(S, &a, 0, NULL)); /* in use */
	P(SOCKETS(CloseListenSocket)(S, l));
	P(SOCKETS(CloseListenSocket)(S, l));
	P(SOCKETS(GetListenSocketAddress)(S, l, &got));

	l = SOCKETS(CreateListenSocketP2P)(S, 0, 0, NULL);
	P(l != 0);
	P(SOCKETS(GetListenSocketAddress)(S, l, &got));
	P(SOCKETS(CreateListenSocketP2P)(S, 0, 0, NULL));
	P(SOCKETS(CreateListenSocketP2P)(S, 65535, 0, NULL) != 0);
	P(SOCKETS(CreateListenSocketP2P)(S, 65536, 0, NULL) != 0);
	P(SOCKETS(CreateListenSocketP2P)(S, -1, 0, NULL) != 0);
	get(k_ESteamNetworkingConfig_LocalVirtualPort, k_ESteamNetworkingConfig_ListenSocket, (intptr_t)l);
	P(SOCKETS(CloseListenSocket)(S, l));
	P(SOCKETS(CreateListenSocketP2P)(S, 0, 0, NULL) != 0);

	HSteamNetPollGroup g = SOCKETS(CreatePollGroup)(S);
	P(SOCKETS(DestroyPollGroup)(S, g));
	P(SOCKETS(DestroyPollGroup)(S, g));
	GameNetworkingSockets_Kill();
}

static void connecting(void)
{
	init();
	SteamNetworkingIPAddr a = localAddress();
	HSteamNetConnection c = SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
	SteamNetConnectionInfo_t info;
	P(SOCKETS(GetConnectionInfo)(S, c, &info));
	P(info.m_eState);
	P(info.m_nFlags);
	P(info.m_nUserData);
	P(info.m_hListenSocket);
	P(SteamAPI_SteamNetworkingIPAddr_IsEqualTo(&a, &info.m_addrRemote));
	printIdentity("peer", &info.m_identityRemote);
	int64_t number = 77;
	P(SOCKETS(AcceptConnection)(S, c));
	P(SOCKETS(FlushMessagesOnConnection)(S, c));
	P(SOCKETS(SendMessageToConnection)(S, c, "x", 1, k_nSteamNetworkingSend_UnreliableNoDelay, &number));
	P(number);
	P(SOCKETS(SendMessageToConnection)(S, c, "x", 1, k_nSteamNetworkingSend_Reliable, &number));
	P(number);
	P(SOCKETS(SendMessageToConnection)(S, c, "x", 1, k_nSteamNetworkingSend_Unreliable, &number));
	P(number);
	SteamNetConnectionRealTimeStatus_t st;
	P(SOCKETS(GetConnectionRealTimeStatus)(S, c, &st, 0, NULL));
	P(st.m_eState);
	P(st.m_nPing);
	P(st.m_usecQueueTime == INT64_MAX);
	P(st.m_usecMaxJitter);
	FLOAT(st.m_flConnectionQualityLocal);
	FLOAT(st.m_flConnectionQualityRemote);
	P(st.m_cbPendingUnreliable);
	P(SOCKETS(CloseConnection)(S, c, 0, NULL, false));
	P(SOCKETS(CloseConnection)(S, c, 0, NULL, false));
	P(SOCKETS(GetConnectionUserData)(S, c));

	SteamNetworkingIdentity id;
	SteamAPI_SteamNetworkingIdentity_Clear(&id);
	P(SOCKETS(ConnectP2P)(S, &id, 0, 0, NULL));
	SteamAPI_SteamNetworkingIdentity_SetGenericString(&id, "bob");
	P(SOCKETS(ConnectP2P)(S, &id, 0, 0, NULL)); /* there is no signaling */
	P(SOCKETS(ConnectP2P)(S, &id, -1, 0, NULL));
	P(SOCKETS(ConnectP2P)(S, &id, 65536, 0, NULL));
	P(SOCKETS(ConnectP2PCustomSignaling)(S, NULL, &id, 0, 0, NULL));
	P(SOCKETS(ReceivedP2PCustomSignal2)(S, "nonsense", 8, NULL, NULL, NULL));
	P(SOCKETS(ReceivedP2PCustomSignal2)(S, "", 0, NULL, NULL, NULL));
	GameNetworkingSockets_Kill();
}

static HSteamNetConnection ends[2];

static void pairUp(bool network)
{
	SteamNetworkingIdentity id[2];
	SteamAPI_SteamNetworkingIdentity_SetGenericString(&id[0], "one");
	SteamAPI_SteamNetworkingIdentity_SetGenericString(&id[1], "two");
	MUST(SOCKETS(CreateSocketPair)(S, &ends[0], &ends[1], network, &id[0], &id[1]));
}

static void printMessage(const SteamNetworkingMessage_t *m)
{
	printf("size %d, data %d, conn %d, user data %lld, time %d, number %lld, channel %d, flags %d, own data %lld, lane %d, release %d, ", m->m_cbSize, m->m_pData != NULL,
		m->m_conn == ends[0] ? 0 : m->m_conn == ends[1] ? 1 : -1, (long long)m->m_nConnUserData, m->m_usecTimeReceived > 0, (long long)m->m_nMessageNumber, m->m_nChannel, m->m_nFlags,
		(long long)m->m_nUserData, m->m_idxLane, m->m_pfnRelease != NULL);
	printIdentity("peer", &m->m_identityPeer);
}

/* receiveAll waits for n messages and prints them. */
static void receiveAll(HSteamNetConnection h, int n)
{
	for (int i = 0; i < n; i++) {
		SteamNetworkingMessage_t *m = NULL;
		int got = 0;
		UNTIL((got = SOCKETS(ReceiveMessagesOnConnection)(S, h, &m, 1)) != 0);
		MUST(got == 1);
		printMessage(m);
		SteamAPI_SteamNetworkingMessage_t_Release(m);
	}
}

static void pairs(bool network)
{
	init();
	pairUp(network);
	static char big[524289];
	int64_t number = 77;
	for (int i = 0; i < 2; i++) {
		SteamNetConnectionInfo_t info;
		P(SOCKETS(GetConnectionInfo)(S, ends[i], &info));
		P(info.m_eState);
		P(info.m_eEndReason);
		P(info.m_nUserData);
		P(info.m_hListenSocket);
		if (!network)
			P(info.m_nFlags);
		printIdentity("peer", &info.m_identityRemote);
		const char *description = strchr(info.m_szConnectionDescription, ' ');
		if (!network)
			STRING(description);
	}
	P(SOCKETS(AcceptConnection)(S, ends[0]));
	P(SOCKETS(AcceptConnection)(S, ends[1]));
	P(SOCKETS(SetConnectionUserData)(S, ends[1], 4711));
	P(SOCKETS(GetConnectionUserData)(S, ends[1]));
	P(SOCKETS(SendMessageToConnection)(S, ends[0], "hello", 5, k_nSteamNetworkingSend_Reliable, &number));
	P(number);
	P(SOCKETS(SendMessageToConnection)(S, ends[0], "", 0, k_nSteamNetworkingSend_Reliable, &number));
	P(number);
	P(SOCKETS(SendMessageToConnection)(S, ends[0], NULL, 0, k_nSteamNetworkingSend_Reliable, NULL));
	P(SOCKETS(FlushMessagesOnConnection)(S, ends[0]));
	receiveAll(ends[1], 3);
	if (network) {
		P(SOCKETS(SendMessageToConnection)(S, ends[0], big, 524289, k_nSteamNetworkingSend_Reliable, &number));
		P(number);
		P(SOCKETS(SendMessageToConnection)(S, ends[0], big, 0xffffffff, k_nSteamNetworkingSend_Reliable, &number));
		P(number);
	}

	/* Names. */
	char name[64] = "unchanged";
	P(SOCKETS(GetConnectionName)(S, ends[0], name, sizeof name));
	STRING(name);
	SOCKETS(SetConnectionName)(S, ends[0], "a name of more than the 31 bytes that are kept");
	P(SOCKETS(GetConnectionName)(S, ends[0], name, sizeof name));
	STRING(name);
	P(SOCKETS(GetConnectionName)(S, ends[0], name, 4));
	STRING(name);
	P(SOCKETS(GetConnectionName)(S, ends[0], name, 1));
	STRING(name);
	SOCKETS(SetConnectionName)(S, ends[0], NULL);
	P(SOCKETS(GetConnectionName)(S, ends[0], name, sizeof name));
	STRING(name);

	/* Lanes. */
	int priorities[] = {0, 1, 0};
	uint16_t weights[] = {1, 2, 3}, zeros[] = {1, 0, 1};
	P(SOCKETS(ConfigureConnectionLanes)(S, ends[0], 3, priorities, weights));
	P(SOCKETS(ConfigureConnectionLanes)(S, ends[0], 3, NULL, NULL));
	P(SOCKETS(ConfigureConnectionLanes)(S, ends[0], 3, priorities, zeros));
	P(SOCKETS(ConfigureConnectionLanes)(S, ends[0], 2, NULL, NULL));
	P(SOCKETS(ConfigureConnectionLanes)(S, ends[0], 0, NULL, NULL));
	P(SOCKETS(ConfigureConnectionLanes)(S, ends[0], -1, NULL, NULL));
	P(SOCKETS(ConfigureConnectionLanes)(S, ends[0], 256, NULL, NULL));
	SteamNetConnectionRealTimeStatus_t st;
	SteamNetConnectionRealTimeLaneStatus_t lanes[4];
	P(SOCKETS(GetConnectionRealTimeStatus)(S, ends[0], &st, 3, lanes));
	P(SOCKETS(GetConnectionRealTimeStatus)(S, ends[0], &st, 1, lanes));
	P(SOCKETS(GetConnectionRealTimeStatus)(S, ends[0], NULL, 3, lanes));
	P(SOCKETS(GetConnectionRealTimeStatus)(S, ends[0], &st, 4, lanes));
	P(SOCKETS(GetConnectionRealTimeStatus)(S, ends[0], &st, -1, lanes));
	P(SOCKETS(GetConnectionRealTimeStatus)(S, ends[0], &st, 3, NULL));
	P(SOCKETS(GetConnectionRealTimeStatus)(S, ends[1], &st, 1, lanes));
	P(SOCKETS(GetConnectionRealTimeStatus)(S, ends[1], &st, 2, lanes));
	P(st.m_eState);

	/* The detailed status. */
	char text[8192];
	P(SOCKETS(GetDetailedConnectionStatus)(S, ends[0], text, sizeof text));
	P(strlen(text) > 50);
	P(SOCKETS(GetDetailedConnectionStatus)(S, ends[0], NULL, 0) > 1024);
	P(SOCKETS(GetDetailedConnectionStatus)(S, ends[0], text, 10) > 1024);
	P(strlen(text));

	/* Receiving. */
	SteamNetworkingMessage_t *m[4];
	P(SOCKETS(ReceiveMessagesOnConnection)(S, ends[0], m, 4));
	P(SOCKETS(ReceiveMessagesOnConnection)(S, ends[0], m, 0));

	/* The end. */
	P(SOCKETS(CloseConnection)(S, ends[0], 1234, "a text that goes to the other side", false));
	SteamNetConnectionInfo_t info;
	UNTIL(SOCKETS(GetConnectionInfo)(S, ends[1], &info) && info.m_eState != k_ESteamNetworkingConnectionState_Connected);
	P(info.m_eState);
	P(info.m_eEndReason);
	STRING(info.m_szEndDebug);
	P(SOCKETS(SendMessageToConnection)(S, ends[1], "x", 1, 8, &number));
	P(number);
	P(SOCKETS(FlushMessagesOnConnection)(S, ends[1]));
	P(SOCKETS(ReceiveMessagesOnConnection)(S, ends[1], m, 4));
	P(SOCKETS(ConfigureConnectionLanes)(S, ends[1], 2, NULL, NULL));
	P(SOCKETS(ConfigureConnectionLanes)(S, ends[1], -1, NULL, NULL));
	P(SOCKETS(ConfigureConnectionLanes)(S, ends[1], 256, NULL, NULL));
	P(SOCKETS(AcceptConnection)(S, ends[1]));
	P(SOCKETS(GetConnectionRealTimeStatus)(S, ends[1], &st, 0, NULL));
	P(st.m_eState);
	P(SOCKETS(GetConnectionRealTimeStatus)(S, ends[1], &st, 1, lanes));
	P(SOCKETS(CloseConnection)(S, ends[1], 0, NULL, false));
	P(SOCKETS(CloseConnection)(S, ends[1], 0, NULL, false));
	GameNetworkingSockets_Kill();
}

static void pipes(void) { pairs(false); }
static void networkPairs(void) { pairs(true); }

/* Messages that the application allocates. */

static int freed;

static void countFree(SteamNetworkingMessage_t *m)
{
	(void)m;
	freed++;
}

static SteamNetworkingMessage_t *message(HSteamNetConnection h, int flags, int lane)
{
	static char text[] = "somewhere else";
	SteamNetworkingMessage_t *m = UTILS(AllocateMessage)(U, 0);
	m->m_pData = text;
	m->m_cbSize = sizeof text;
	m->m_pfnFreeData = countFree;
	m->m_conn = h;
	m->m_nFlags = flags;
	m->m_idxLane = (uint16_t)lane;
	return m;
}

static void allocate(void)
{
	SteamNetworkingMessage_t *m = UTILS(AllocateMessage)(U, 10);
	P(m->m_cbSize);
	P(m->m_pData != NULL);
	P(m->m_pfnFreeData != NULL);
	P(m->m_pfnRelease != NULL);
	P(m->m_conn);
	P(m->m_nChannel);
	P(m->m_nFlags);
	P(m->m_idxLane);
	P(m->m_nMessageNumber);
	P(m->m_nConnUserData);
	P(m->m_usecTimeReceived);
	P(SteamAPI_SteamNetworkingIdentity_IsInvalid(&m->m_identityPeer));
	m->m_pfnRelease(m);
	m = UTILS(AllocateMessage)(U, 0);
	P(m->m_cbSize);
	P(m->m_pData != NULL);
	P(m->m_pfnFreeData != NULL);
	m->m_pfnFreeData = countFree;
	m->m_pfnRelease(m);
	P(freed); /* there was no data */
	m = UTILS(AllocateMessage)(U, 10);
	m->m_pfnFreeData = countFree;
	m->m_pfnRelease(m);
	P(freed);
}

static void sendMessages(bool deleteFailed, bool withResults)
{
	SteamNetworkingMessage_t *m[] = {
		message(ends[0], 8, 0), message(0, 8, 0), NULL, message(12345, 8, 0), message(12345, 8, 0), message(ends[0], 0, 0), message(ends[0], 8, 7), message(ends[0], 8, 0), message(ends[1], 8, 0),
	};
	enum { n = sizeof m / sizeof m[0] };
	SteamNetworkingMessage_t *before[n];
	int64_t results[n];
	memcpy(before, m, sizeof m);
	for (int i = 0; i < n; i++)
		results[i] = 77;
	freed = 0;
	SOCKETS(SendMessages)(S, n, m, withResults ? results : NULL, deleteFailed);
	for (int i = 0; i < n; i++) {
		printf("%d: result %lld, %s\n", i, (long long)results[i], m[i] == before[i] ? "as before" : m[i] ? "another" : "NULL");
		if (!deleteFailed && m[i])
			m[i]->m_pfnRelease(m[i]);
	}
	for (int i = 0; i < 2; i++) {
		int k;
		SteamNetworkingMessage_t *got[8];
		UNTIL((k = SOCKETS(ReceiveMessagesOnConnection)(S, ends[1 - i], got, 8)) > 0);
		while (k-- > 0)
			got[k]->m_pfnRelease(got[k]);
	}
	/* What was sent goes when it has been acknowledged. */
	UNTIL(freed >= n - 1);
	P(freed);
}

static void batches(void)
{
	init();
	pairUp(true);
	for (int i = 0; i < 4; i++) {
		printf("failed ones are deleted: %d, with results: %d\n", i & 1, i >> 1);
		sendMessages(i & 1, i >> 1);
	}
	SOCKETS(SendMessages)(S, 0, NULL, NULL, true);
	SOCKETS(SendMessages)(S, -1, NULL, NULL, true);

	/* A size that is none, and what comes after it on that connection. */
	SteamNetworkingMessage_t *odd[] = {message(ends[0], 8, 0), message(ends[0], 8, 0), message(ends[1], 8, 0)};
	int64_t numbers[3];
	odd[0]->m_cbSize = -1;
	SOCKETS(SendMessages)(S, 3, odd, numbers, true);
	for (int i = 0; i < 3; i++)
		P(numbers[i] < 1 ? numbers[i] : 1);

	/* More than the buffer holds, of a connection that is not connected yet. */
	SteamNetworkingIPAddr a = localAddress();
	SteamNetworkingConfigValue_t small = INT32(SendBufferSize, 4096);
	HSteamNetConnection c = SOCKETS(ConnectByIPAddress)(S, &a, 1, &small);
	SteamNetworkingMessage_t *m[6];
	int64_t results[6];
	for (int i = 0; i < 6; i++) {
		m[i] = UTILS(AllocateMessage)(U, i == 4 ? 3000 : 100);
		memset(m[i]->m_pData, 'x', (size_t)m[i]->m_cbSize);
		m[i]->m_conn = i == 5 ? ends[0] : c;
		m[i]->m_nFlags = i == 1 ? k_nSteamNetworkingSend_UnreliableNoDelay : 8;
	}
	SOCKETS(SendMessages)(S, 6, m, results, true);
	for (int i = 0; i < 6; i++)
		P(results[i]);
	for (int i = 0; i < 6; i++) {
		m[i] = UTILS(AllocateMessage)(U, 1500);
		memset(m[i]->m_pData, 'x', 1500);
		m[i]->m_conn = c;
		m[i]->m_nFlags = 8;
	}
	SOCKETS(SendMessages)(S, 6, m, results, true);
	for (int i = 0; i < 6; i++)
		P(results[i]);
	GameNetworkingSockets_Kill();
}

static void pollGroups(void)
{
	init();
	pairUp(false);
	HSteamNetPollGroup g = SOCKETS(CreatePollGroup)(S), h = SOCKETS(CreatePollGroup)(S);
	SteamNetworkingMessage_t *m[4];
	P(SOCKETS(ReceiveMessagesOnPollGroup)(S, g, m, 4));
	P(SOCKETS(SendMessageToConnection)(S, ends[0], "1", 1, 8, NULL));
	P(SOCKETS(SetConnectionPollGroup)(S, ends[1], g));
	P(SOCKETS(SetConnectionPollGroup)(S, ends[1], g));
	P(SOCKETS(SendMessageToConnection)(S, ends[0], "2", 1, 8, NULL));
	P(SOCKETS(SetConnectionPollGroup)(S, ends[1], 12345));
	P(SOCKETS(SetConnectionPollGroup)(S, ends[1], h));
	P(SOCKETS(ReceiveMessagesOnPollGroup)(S, g, m, 4));
	P(SOCKETS(ReceiveMessagesOnPollGroup)(S, h, m, 1));
	printMessage(m[0]);
	m[0]->m_pfnRelease(m[0]);
	P(SOCKETS(ReceiveMessagesOnPollGroup)(S, h, m, 0));
	P(SOCKETS(SetConnectionPollGroup)(S, ends[1], 0));
	P(SOCKETS(ReceiveMessagesOnPollGroup)(S, h, m, 4));
	P(SOCKETS(ReceiveMessagesOnConnection)(S, ends[1], m, 4));
	printMessage(m[0]);
	m[0]->m_pfnRelease(m[0]);
	P(SOCKETS(SetConnectionPollGroup)(S, ends[1], g));
	P(SOCKETS(SendMessageToConnection)(S, ends[0], "3", 1, 8, NULL));
	P(SOCKETS(DestroyPollGroup)(S, g));
	P(SOCKETS(ReceiveMessagesOnPollGroup)(S, g, m, 4));
	P(SOCKETS(ReceiveMessagesOnConnection)(S, ends[1], m, 4));
	m[0]->m_pfnRelease(m[0]);
	GameNetworkingSockets_Kill();
}

/* Callbacks, for one connection with both of its ends. */

static HSteamListenSocket listener;
static HSteamNetConnection client, server;

static void told(SteamNetConnectionStatusChangedCallback_t *c)
{
	bool incoming = c->m_info.m_hListenSocket != 0;
	if (incoming)
		server = c->m_hConn;
	int reason = c->m_info.m_eEndReason;
	printf("%s: %d -> %d, user data %lld, listen socket %d", incoming ? "server" : "client", c->m_eOldState, c->m_info.m_eState, (long long)c->m_info.m_nUserData,
		c->m_info.m_hListenSocket == listener);
	if (reason > k_ESteamNetConnectionEnd_App_Generic) /* that is what stands here for no reason */
		printf(", reason %d", reason);
	if (reason > k_ESteamNetConnectionEnd_App_Max)
		printf(", debug \"%s\"", c->m_info.m_szEndDebug); /* texts of the library's own are not the same */
	putchar('\n');
}

static int state(HSteamNetConnection h)
{
	SteamNetConnectionInfo_t info;
	return SOCKETS(GetConnectionInfo)(S, h, &info) ? info.m_eState : -1;
}

static void callbacks(void)
{
	init();
	MUST(UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, told));
	SteamNetworkingIPAddr a;
	SteamNetworkingConfigValue_t data = INT64(ConnectionUserData, 5);
	listener = listenAnywhere(&a, 1, &data);
	for (int round = 0; round < 3; round++) {
		printf("round %d\n", round);
		server = 0;
		client = SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
		UNTIL(server != 0);
		P(state(client));
		P(state(server));
		if (round == 0) {
			P(SOCKETS(CloseConnection)(S, server, 2222, "not today", false));
			UNTIL(state(client) == k_ESteamNetworkingConnectionState_ClosedByPeer);
			SOCKETS(RunCallbacks)(S);
			P(SOCKETS(CloseConnection)(S, client, 0, NULL, false));
			SOCKETS(RunCallbacks)(S);
			continue;
		}
		P(SOCKETS(AcceptConnection)(S, server));
		P(SOCKETS(AcceptConnection)(S, server));
		P(state(server));
		SOCKETS(RunCallbacks)(S);
		UNTIL(state(client) == k_ESteamNetworkingConnectionState_Connected);
		SOCKETS(RunCallbacks)(S);
		if (round == 1) {
			P(SOCKETS(CloseConnection)(S, client, 9999, "this reason is none", false));
			SOCKETS(RunCallbacks)(S);
			UNTIL(state(server) == k_ESteamNetworkingConnectionState_ClosedByPeer);
			SOCKETS(RunCallbacks)(S);
			P(SOCKETS(CloseConnection)(S, server, 1111, "too late", false));
			SOCKETS(RunCallbacks)(S);
		} else {
			UTILS(SetGlobalConfigValueFloat)(U, k_ESteamNetworkingConfig_FakePacketLoss_Recv, 100); /* peers are told of it here, not by Valve's library */
			P(SOCKETS(CloseListenSocket)(S, listener));
			P(state(server));
			SOCKETS(RunCallbacks)(S);
			P(SOCKETS(CloseConnection)(S, client, 0, NULL, true));
			SOCKETS(RunCallbacks)(S);
		}
	}
	GameNetworkingSockets_Kill();
}

/* Identity and certificate of this side. */

static void authentication(void)
{
	SteamNetworkingIdentity id;
	SteamNetAuthenticationStatus_t st;
	SteamNetworkingErrMsg err;
	init();
	P(SOCKETS(GetIdentity)(S, &id));
	printIdentity("identity", &id);
	P(SOCKETS(GetIdentity)(S, NULL));
	P(SOCKETS(InitAuthentication)(S));
	P(SOCKETS(GetAuthenticationStatus)(S, NULL));
	P(SOCKETS(GetAuthenticationStatus)(S, &st));
	P(st.m_eAvail);
	int n = 0;
	uint8_t blob[256];
	err[0] = 'x';
	P(SOCKETS(GetCertificateRequest)(S, &n, NULL, err));
	P(n);
	n = 5;
	P(SOCKETS(GetCertificateRequest)(S, &n, blob, err));
	P(err[0] != 0);
	n = sizeof blob;
	P(SOCKETS(GetCertificateRequest)(S, &n, blob, err));
	P(n);
	P(SOCKETS(SetCertificate)(S, "nonsense", 8, err));
	P(err[0] != 0);
	P(SOCKETS(SetCertificate)(S, "", 0, err));
	GameNetworkingSockets_Kill();

	SteamAPI_SteamNetworkingIdentity_SetGenericString(&id, "alice");
	P(GameNetworkingSockets_Init(&id, err));
	P(SOCKETS(GetIdentity)(S, &id));
	printIdentity("identity", &id);
	P(SOCKETS(GetCertificateRequest)(S, &n, NULL, err));
	P(n);
	P(GameNetworkingSockets_Init(NULL, err)); /* once more */
	P(SOCKETS(GetIdentity)(S, &id));
	printIdentity("identity", &id);
	GameNetworkingSockets_Kill();
	GameNetworkingSockets_Kill();
	P(S == NULL);
	P(M == NULL);
	P(U == NULL);
}

/* Messages to nobody. */

static void sessions(void)
{
	SteamNetworkingIdentity bob, none;
	SteamNetConnectionInfo_t info;
	SteamNetConnectionRealTimeStatus_t st;
	SteamNetworkingMessage_t *m[2];
	init();
	P(M != NULL);
	SteamAPI_SteamNetworkingIdentity_Clear(&none);
	SteamAPI_SteamNetworkingIdentity_SetGenericString(&bob, "bob");
	P(MESSAGES(SendMessageToUser)(M, &none, "x", 1, 8, 0));
	P(MESSAGES(ReceiveMessagesOnChannel)(M, 0, m, 2));
	P(MESSAGES(ReceiveMessagesOnChannel)(M, -7, m, 2));
	P(MESSAGES(AcceptSessionWithUser)(M, &bob));
	P(MESSAGES(CloseSessionWithUser)(M, &bob));
	P(MESSAGES(CloseChannelWithUser)(M, &bob, 0));
	memset(&info, 0x55, sizeof info);
	memset(&st, 0x55, sizeof st);
	P(MESSAGES(GetSessionConnectionInfo)(M, &bob, &info, &st));
	P(info.m_eState);
	P(info.m_nFlags);
	P(st.m_eState);
	P(MESSAGES(GetSessionConnectionInfo)(M, &bob, NULL, NULL));
	P(MESSAGES(SendMessageToUser)(M, &bob, "x", 1, 8, 0)); /* there is no signaling */
	static char big[524289];
	P(MESSAGES(SendMessageToUser)(M, &bob, big, sizeof big, 8, 0));
	GameNetworkingSockets_Kill();
}

TESTS({"addresses", addresses}, {"addressBuffers", addressBuffers}, {"identities", identities}, {"identityTexts", identityTexts}, {"configInfo", configInfo},
	{"configIterate", configIterate}, {"configRanges", configRanges}, {"configConversions", configConversions}, {"configBuffers", configBuffers}, {"configShort", configShort},
	{"configScopes", configScopes}, {"configSurvives", configSurvives}, {"configOptions", configOptions}, {"badHandles", badHandles}, {"listening", listening},
	{"connecting", connecting}, {"pipes", pipes}, {"networkPairs", networkPairs}, {"allocate", allocate}, {"batches", batches}, {"pollGroups", pollGroups},
	{"callbacks", callbacks}, {"authentication", authentication}, {"sessions", sessions})
