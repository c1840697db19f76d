/* Addresses and identities, and their texts. */
#include "differ.h"

const char *randomText(void)
{
	static char s[300];
	static const int lengths[] = {0, 1, 3, 10, 30, 31, 32, 33, 126, 127, 128, 129, 280};
	int n = PICK(lengths);
	for (int i = 0; i < n; i++)
		s[i] = (char)(percent(90) ? 'a' + below(26) : percent(90) ? ' ' + below(95) : 1 + below(255));
	s[n] = 0;
	return s;
}

static void mutate(char *s, size_t room, const char *alphabet)
{
	for (int k = 1 + below(3); k > 0; k--) {
		size_t n = strlen(s), at = (size_t)below((int)n + 1);
		char c = alphabet[below((int)strlen(alphabet))];
		switch (below(3)) {
		case 0: /* another one */
			if (at < n)
				s[at] = c;
			break;
		case 1: /* one more */
			if (n + 1 < room) {
				memmove(s + at + 1, s + at, n - at + 1);
				s[at] = c;
			}
			break;
		case 2: /* one less */
			if (at < n)
				memmove(s + at, s + at + 1, n - at);
		}
	}
}

static uint8_t octet(void) { return (uint8_t)(percent(30) ? 0 : percent(20) ? 255 : below(256)); }

static void formatAddress(char *s, size_t room)
{
	int n;
	bool v4 = percent(40), brackets = !v4 && percent(60);
	if (v4)
		n = snprintf(s, room, "%d.%d.%d.%d", octet(), octet(), octet(), octet());
	else {
		n = snprintf(s, room, "%s", brackets ? "[" : "");
		int gap = percent(60) ? below(8) : -1, width = 1 + below(4);
		if (percent(15)) {
			n += snprintf(s + n, room - (size_t)n, "::ffff:%d.%d.%d.%d", octet(), octet(), octet(), octet());
		} else {
			for (int i = 0; i < 8; i++) {
				if (i == gap) {
					n += snprintf(s + n, room - (size_t)n, i == 0 ? "::" : ":");
					i += below(8 - i);
					continue;
				}
				n += snprintf(s + n, room - (size_t)n, i < 7 ? "%0*x:" : "%0*x", width, percent(40) ? 0 : below(0x10000));
			}
		}
		if (brackets)
			n += snprintf(s + n, room - (size_t)n, "]");
	}
	if ((v4 || brackets) && percent(50))
		snprintf(s + n, room - (size_t)n, ":%d", percent(80) ? below(65536) : below(100000) - 10000);
}

const char *addressText(void)
{
	static char s[400];
	if (percent(5))
		return randomText();
	formatAddress(s, 200);
	if (percent(35))
		mutate(s, sizeof s, "0123456789abcdefABCDEF0123456789.:.::[]%x -+ \n\tgz");
	return s;
}

const char *identityText(void)
{
	static const char *const prefixes[] = {"steamid:", "ip:", "str:", "gen:", "psn:", "xboxpwid:", "newtype:", "x_9:", "Bad:", ":", "", "a-b:", "seventeenlettersx:", "sixteenletters_x:"};
	static char s[700];
	int which = below((int)(sizeof prefixes / sizeof prefixes[0]));
	strcpy(s, prefixes[which]);
	char *at = s + strlen(s);
	static const int sizes[] = {0, 1, 2, 31, 32, 33, 5};
	if (which == 1)
		strcpy(at, addressText());
	else if (which == 0 && percent(70))
		sprintf(at, "%llu", percent(50) ? 76561197960265728ULL + (unsigned)below(1000000) : (unsigned long long)draw() >> below(64));
	else if (which == 4 && percent(70))
		sprintf(at, "%llu", (unsigned long long)draw() >> below(64));
	else if (which == 3 && percent(70))
		for (int n = PICK(sizes); n > 0; n--)
			at += sprintf(at, "%02x", below(256));
	else
		strcpy(at, randomText());
	if (percent(15))
		mutate(s, sizeof s, "0123456789abcdefABCDEF:_ -+xz\n");
	return s;
}

SteamNetworkingIPAddr randomAddress(void)
{
	SteamNetworkingIPAddr a;
	memset(&a, 0, sizeof a);
	uint8_t ip[16];
	for (int i = 0; i < 16; i++)
		ip[i] = octet();
	uint16_t port = (uint16_t)(percent(30) ? 0 : below(65536));
	switch (below(5)) {
	case 0:
		SteamAPI_SteamNetworkingIPAddr_SetIPv6(&a, ip, port);
		break;
	case 1:
		for (int n = below(16); n > 0; n--)
			ip[below(16)] = ip[below(15)] = 0;
		SteamAPI_SteamNetworkingIPAddr_SetIPv6(&a, ip, port);
		break;
	case 2:
		SteamAPI_SteamNetworkingIPAddr_SetIPv4(&a, (uint32_t)draw(), port);
		break;
	case 3:
		SteamAPI_SteamNetworkingIPAddr_SetIPv4(&a, 0x7f000001, port);
		break;
	case 4:
		SteamAPI_SteamNetworkingIPAddr_SetIPv6LocalHost(&a, port);
	}
	return a;
}

void sayAddress(const SteamNetworkingIPAddr *a)
{
	char s[k_cchMaxSteamNetworkingIPAddrString];
	SteamNetworkingIPAddr_ToString(a, s, sizeof s, true);
	more("%s", withoutHere(s));
}

static void sayAllOf(const SteamNetworkingIPAddr *a)
{
	char s[2][k_cchMaxSteamNetworkingIPAddrString];
	SteamAPI_SteamNetworkingIPAddr_ToString(a, s[0], sizeof s[0], true);
	SteamAPI_SteamNetworkingIPAddr_ToString(a, s[1], sizeof s[1], false);
	more(" %s %s ", s[0], s[1]);
	bytes(a, sizeof *a);
	more(" %d%d%d %08x %d", SteamAPI_SteamNetworkingIPAddr_IsIPv4(a), SteamAPI_SteamNetworkingIPAddr_IsLocalHost(a), SteamAPI_SteamNetworkingIPAddr_IsIPv6AllZeros(a),
		SteamAPI_SteamNetworkingIPAddr_GetIPv4(a), SteamNetworkingIPAddr_GetFakeIPType(a));
}

/* odd tells IPv6 addresses in which Valve's library finds a port in unusual places: behind three colons, or a dot. */
static bool odd(const char *s)
{
	const char *dot = strchr(s, '.'), *colon = strchr(s, ':');
	int dots = 0;
	for (const char *p = s; *p; p++)
		dots += *p == '.';
	return strstr(s, ":::") || strstr(s, ":.") || strstr(s, "].") || (dots > 3 && colon && colon < dot);
}

static void parseAddress(void)
{
	const char *s = addressText();
	if (odd(s))
		return;
	SteamNetworkingIPAddr a;
	memset(&a, 0x55, sizeof a);
	say("IPAddr_ParseString(");
	quote(s);
	bool ok = SteamAPI_SteamNetworkingIPAddr_ParseString(&a, s);
	more(") = %d", ok);
	if (ok)
		sayAllOf(&a);
}

static void formatAnAddress(void)
{
	SteamNetworkingIPAddr a = randomAddress(), b = percent(50) ? a : randomAddress();
	say("IPAddr");
	sayAllOf(&a);
	if (percent(30))
		b.m_port++;
	more(", equal to the next %d", SteamAPI_SteamNetworkingIPAddr_IsEqualTo(&a, &b));
}

/* Texts for which there is no room end somewhere, and not always at the same place: what is promised is that they end within it. */
static void sayCut(const char *s, size_t n, size_t room)
{
	MUST(memchr(s, 0, n) != NULL);
	for (size_t i = n; i < room; i++)
		MUST(s[i] == '#');
}

static void formatShort(void)
{
	SteamNetworkingIPAddr a = randomAddress();
	size_t n = 1 + (size_t)below(k_cchMaxSteamNetworkingIPAddrString + 10);
	char s[128], whole[128];
	memset(s, '#', sizeof s);
	bool port = percent(50);
	SteamNetworkingIPAddr_ToString(&a, whole, sizeof whole, port);
	SteamNetworkingIPAddr_ToString(&a, s, n, port);
	sayCut(s, n, sizeof s);
	if (n > strlen(whole)) {
		say("IPAddr_ToString in %zu: %s", n, s);
	}
}

void sayIdentity(const SteamNetworkingIdentity *id)
{
	char s[k_cchMaxSteamNetworkingIdentityString];
	SteamAPI_SteamNetworkingIdentity_ToString(id, s, sizeof s);
	more(" %d/%d ", id->m_eType, id->m_cbSize);
	quote(s);
}

static SteamNetworkingIdentity pool[4];

static void sayAllOfIdentity(const SteamNetworkingIdentity *id)
{
	int n = -7;
	const uint8_t *b = SteamAPI_SteamNetworkingIdentity_GetGenericBytes(id, &n);
	sayIdentity(id);
	more(" %d%d steam %llu string ", SteamAPI_SteamNetworkingIdentity_IsInvalid(id), SteamAPI_SteamNetworkingIdentity_IsLocalHost(id),
		(unsigned long long)SteamAPI_SteamNetworkingIdentity_GetSteamID64(id));
	quote(SteamAPI_SteamNetworkingIdentity_GetGenericString(id));
	more(" xbox ");
	quote(SteamAPI_SteamNetworkingIdentity_GetXboxPairwiseID(id));
	more(" bytes %d ", b ? n : -1);
	if (b)
		bytes(b, (size_t)n);
	more(" address %d equal ", SteamAPI_SteamNetworkingIdentity_GetIPAddr(id) != NULL);
	for (int i = 0; i < 4; i++)
		more("%d", SteamAPI_SteamNetworkingIdentity_IsEqualTo(id, &pool[i]));
}

static bool setIdentity(SteamNetworkingIdentity *id)
{
	uint8_t b[200];
	SteamNetworkingIPAddr a;
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = octet();
	switch (below(7)) {
	case 0:
		SteamAPI_SteamNetworkingIdentity_Clear(id);
		return true;
	case 1:
		SteamAPI_SteamNetworkingIdentity_SetSteamID64(id, percent(50) ? 76561197960265728ULL + (unsigned)below(1000) : draw());
		return true;
	case 2:
		return SteamAPI_SteamNetworkingIdentity_SetGenericString(id, randomText());
	case 3:
		return SteamAPI_SteamNetworkingIdentity_SetXboxPairwiseID(id, randomText());
	case 4:
		return SteamAPI_SteamNetworkingIdentity_SetGenericBytes(id, b, (uint32_t)(percent(90) ? below(34) : below(1 << 30)));
	case 5:
		a = randomAddress();
		SteamAPI_SteamNetworkingIdentity_SetIPAddr(id, &a);
		return true;
	default:
		SteamAPI_SteamNetworkingIdentity_SetLocalHost(id);
		return true;
	}
}

/* sound tells identities that somebody may have. Valve's library takes others as well, with various consequences. */
static bool sound(const SteamNetworkingIdentity *id)
{
	switch (id->m_eType) {
	case k_ESteamNetworkingIdentityType_Invalid:
		return false;
	case k_ESteamNetworkingIdentityType_SteamID:
		return id->m_value.m_steamID64 >> 32 == 0x1100001 && (uint32_t)id->m_value.m_steamID64 != 0;
	case k_ESteamNetworkingIdentityType_GenericString:
		return id->m_cbSize > 1;
	case k_ESteamNetworkingIdentityType_GenericBytes:
		return id->m_cbSize > 0;
	}
	return true;
}

SteamNetworkingIdentity randomIdentity(void)
{
	SteamNetworkingIdentity id;
	memset(&id, 0, sizeof id);
	if (percent(30))
		SteamAPI_SteamNetworkingIdentity_SetGenericString(&id, percent(50) ? "alice" : "bob");
	else
		do {
			memset(&id, 0, sizeof id);
			setIdentity(&id);
		} while (!sound(&id));
	return id;
}

static void changeIdentity(void)
{
	SteamNetworkingIdentity *id = &PICK(pool);
	memset(id, 0, sizeof *id);
	bool ok = setIdentity(id);
	say("Identity_Set = %d", ok);
	sayAllOfIdentity(id);
}

static void parseIdentity(void)
{
	SteamNetworkingIdentity *id = &PICK(pool);
	const char *s = identityText();
	if (strncmp(s, "ip:", 3) == 0 && odd(s + 3))
		return;
	/* Valve's library reads bytes with scanf, two characters at a time: blanks, signs, 0x and half a byte are bytes as well. */
	if (strncmp(s, "gen:", 4) == 0 && strspn(s + 4, "0123456789abcdefABCDEF") != strlen(s + 4))
		return;
	say("Identity_ParseString(");
	quote(s);
	memset(id, 0x55, sizeof *id);
	bool ok = SteamAPI_SteamNetworkingIdentity_ParseString(id, sizeof *id, s);
	more(") = %d", ok);
	if (!ok)
		SteamAPI_SteamNetworkingIdentity_Clear(id);
	sayAllOfIdentity(id);
}

static void identityShort(void)
{
	const SteamNetworkingIdentity *id = &PICK(pool);
	size_t n = 1 + (size_t)below(k_cchMaxSteamNetworkingIdentityString + 20);
	char s[200], whole[400];
	memset(s, '#', sizeof s);
	SteamNetworkingIdentity_ToString(id, whole, sizeof whole);
	SteamNetworkingIdentity_ToString(id, s, n);
	sayCut(s, n, sizeof s);
	say("Identity_ToString in %zu: ", n);
	if (n > strlen(whole))
		quote(s);
}

/* Identities that the functions do not make. */
static void strangeIdentity(void)
{
	SteamNetworkingIdentity id = PICK(pool);
	char s[k_cchMaxSteamNetworkingIdentityString];
	static const int types[] = {-1, 5, 15, 19, 99, 1 << 30};
	id.m_eType = PICK(types);
	SteamAPI_SteamNetworkingIdentity_ToString(&id, s, sizeof s);
	say("Identity of type %d: %s %d%d", id.m_eType, s, SteamAPI_SteamNetworkingIdentity_IsInvalid(&id), SteamAPI_SteamNetworkingIdentity_IsLocalHost(&id));
}

const struct action textActions[] = {{"parseAddress", parseAddress, 4, true}, {"formatAnAddress", formatAnAddress, 2, true}, {"formatShort", formatShort, 1, true},
	{"changeIdentity", changeIdentity, 3, true}, {"parseIdentity", parseIdentity, 4, true}, {"identityShort", identityShort, 1, true},
	{"strangeIdentity", strangeIdentity, 1, true}, {0}};
