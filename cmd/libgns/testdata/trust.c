/* Authorities that are trusted: "trust KEY" asks for a certificate on standard output, in hexadecimal, and gets it on standard input. */
#include "check.h"

static int32_t withoutAuth(void)
{
	int32_t v = -1;
	size_t n = sizeof v;
	NUMBER(UTILS(GetConfigValue)(U, k_ESteamNetworkingConfig_IP_AllowWithoutAuth, k_ESteamNetworkingConfig_Global, 0, NULL, &v, &n),
		k_ESteamNetworkingGetConfigValue_OK);
	return v;
}

static HSteamNetConnection incoming;

static void accept(SteamNetConnectionStatusChangedCallback_t *c)
{
	if (c->m_info.m_hListenSocket && c->m_info.m_eState == k_ESteamNetworkingConnectionState_Connecting) {
		incoming = c->m_hConn;
		NUMBER(SOCKETS(AcceptConnection)(S, incoming), k_EResultOK);
	}
}

static void getCertificate(void)
{
	uint8_t blob[1024];
	char line[2 * sizeof blob + 2];
	int n = sizeof blob;
	unsigned byte;
	SteamNetworkingErrMsg err;
	MUST(SOCKETS(GetCertificateRequest)(S, &n, blob, err));
	for (int i = 0; i < n; i++)
		printf("%02x", blob[i]);
	puts("");
	fflush(stdout);
	MUST(fgets(line, sizeof line, stdin));
	for (n = 0; n < (int)sizeof blob && sscanf(line + 2 * n, "%2x", &byte) == 1; n++)
		blob[n] = (uint8_t)byte;
	MUST(n > 0);
	if (!SOCKETS(SetCertificate)(S, blob, n, err))
		failed(__FILE__, __LINE__, err);
}

/* talk connects this side to itself, which only somebody with a certificate can. */
static void talk(void)
{
	SteamNetworkingIPAddr a;
	SteamNetConnectionInfo_t info;
	HSteamListenSocket l = listenAnywhere(&a, 0, NULL);
	incoming = 0;
	HSteamNetConnection c = SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL);
	MUST(c);
	UNTIL(SOCKETS(GetConnectionInfo)(S, c, &info) && info.m_eState == k_ESteamNetworkingConnectionState_Connected);
	CHECK(!(info.m_nFlags & k_nSteamNetworkConnectionInfoFlags_Unauthenticated));
	TEXT(SteamAPI_SteamNetworkingIdentity_GetGenericString(&info.m_identityRemote), "alice");
	MUST(SOCKETS(GetConnectionInfo)(S, incoming, &info));
	CHECK(!(info.m_nFlags & k_nSteamNetworkConnectionInfoFlags_Unauthenticated));
	CHECK(SOCKETS(CloseConnection)(S, c, 0, NULL, false));
	CHECK(SOCKETS(CloseListenSocket)(S, l));
}

int main(int argc, char **argv)
{
	SteamNetworkingErrMsg err;
	SteamNetworkingIPAddr a = localAddress();
	MUST(argc == 2);
	NUMBER(withoutAuth(), 2);
	for (int round = 0; round < 3; round++) { /* the authority is told before Init, stays trusted after Kill, and is told again */
		if (round != 1 && !GameNetworkingSockets_AddTrustedCA(argv[1], err))
			failed(__FILE__, __LINE__, err);
		NUMBER(withoutAuth(), 0);
		initAs("alice");
		UTILS(SetGlobalCallback_SteamNetConnectionStatusChanged)(U, accept);
		NUMBER(SOCKETS(ConnectByIPAddress)(S, &a, 0, NULL), 0); /* nobody would believe this side */
		getCertificate();
		talk();
		GameNetworkingSockets_Kill();
	}
	return failures != 0;
}
