/* Addresses and identities, as far as that takes nothing but their bytes. Text is text.go's. */
#include "include/gns.h"

#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}; /* what an IPv4 address begins with */

void SteamAPI_SteamNetworkingIPAddr_Clear(SteamNetworkingIPAddr *a) { memset(a, 0, sizeof *a); }

bool SteamAPI_SteamNetworkingIPAddr_IsIPv6AllZeros(const SteamNetworkingIPAddr *a)
{
	static const uint8_t zeros[16];
	return memcmp(a->m_ipv6, zeros, sizeof zeros) == 0;
}

void SteamAPI_SteamNetworkingIPAddr_SetIPv6(SteamNetworkingIPAddr *a, const uint8_t *ip, uint16_t port)
{
	memcpy(a->m_ipv6, ip, sizeof a->m_ipv6);
	a->m_port = port;
}

void SteamAPI_SteamNetworkingIPAddr_SetIPv4(SteamNetworkingIPAddr *a, uint32_t ip, uint16_t port)
{
	memcpy(a->m_ipv6, mapped, sizeof mapped);
	for (int i = 0; i < 4; i++)
		a->m_ipv6[12 + i] = (uint8_t)(ip >> (24 - 8 * i));
	a->m_port = port;
}

bool SteamAPI_SteamNetworkingIPAddr_IsIPv4(const SteamNetworkingIPAddr *a) { return memcmp(a->m_ipv6, mapped, sizeof mapped) == 0; }

uint32_t SteamAPI_SteamNetworkingIPAddr_GetIPv4(const SteamNetworkingIPAddr *a)
{
	uint32_t ip = 0;
	if (SteamAPI_SteamNetworkingIPAddr_IsIPv4(a))
		for (int i = 12; i < 16; i++)
			ip = ip << 8 | a->m_ipv6[i];
	return ip;
}

void SteamAPI_SteamNetworkingIPAddr_SetIPv6LocalHost(SteamNetworkingIPAddr *a, uint16_t port)
{
	memset(a, 0, sizeof *a);
	a->m_ipv6[15] = 1;
	a->m_port = port;
}

bool SteamAPI_SteamNetworkingIPAddr_IsLocalHost(const SteamNetworkingIPAddr *a)
{
	SteamNetworkingIPAddr host;
	SteamAPI_SteamNetworkingIPAddr_SetIPv6LocalHost(&host, 0);
	return memcmp(a->m_ipv6, host.m_ipv6, sizeof host.m_ipv6) == 0 || SteamAPI_SteamNetworkingIPAddr_GetIPv4(a) == 0x7f000001;
}

bool SteamAPI_SteamNetworkingIPAddr_IsEqualTo(const SteamNetworkingIPAddr *a, const SteamNetworkingIPAddr *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

ESteamNetworkingFakeIPType SteamNetworkingIPAddr_GetFakeIPType(const SteamNetworkingIPAddr *a)
{
	(void)a; /* fake addresses are given out by Steam */
	return k_ESteamNetworkingFakeIPType_NotFake;
}

/* set makes an identity of the type from the n bytes at value. */
static void set(SteamNetworkingIdentity *id, ESteamNetworkingIdentityType type, const void *value, size_t n)
{
	id->m_eType = type;
	id->m_cbSize = (int32_t)n;
	memmove(&id->m_value, value, n); /* the value may be its own */
}

/* setText makes one from a string of min to max bytes, NUL included. */
static bool setText(SteamNetworkingIdentity *id, ESteamNetworkingIdentityType type, const char *text, size_t min, size_t max)
{
	size_t n = text ? strnlen(text, max) + 1 : 0;
	if (n < min || n > max)
		return false;
	set(id, type, text, n);
	return true;
}

void SteamAPI_SteamNetworkingIdentity_Clear(SteamNetworkingIdentity *id) { memset(id, 0, sizeof *id); }

bool SteamAPI_SteamNetworkingIdentity_IsInvalid(const SteamNetworkingIdentity *id)
{
	return id->m_eType == k_ESteamNetworkingIdentityType_Invalid;
}

void SteamAPI_SteamNetworkingIdentity_SetSteamID64(SteamNetworkingIdentity *id, uint64_t steamID)
{
	set(id, k_ESteamNetworkingIdentityType_SteamID, &steamID, sizeof steamID);
}

void SteamAPI_SteamNetworkingIdentity_SetSteamID(SteamNetworkingIdentity *id, uint64_t steamID)
{
	SteamAPI_SteamNetworkingIdentity_SetSteamID64(id, steamID);
}

uint64_t SteamAPI_SteamNetworkingIdentity_GetSteamID64(const SteamNetworkingIdentity *id)
{
	return id->m_eType == k_ESteamNetworkingIdentityType_SteamID ? id->m_value.m_steamID64 : 0;
}

uint64_t SteamAPI_SteamNetworkingIdentity_GetSteamID(const SteamNetworkingIdentity *id)
{
	return SteamAPI_SteamNetworkingIdentity_GetSteamID64(id);
}

bool SteamAPI_SteamNetworkingIdentity_SetXboxPairwiseID(SteamNetworkingIdentity *id, const char *text)
{
	return setText(id, k_ESteamNetworkingIdentityType_XboxPairwiseID, text, 2, k_cchMaxSteamNetworkingXboxPairwiseID);
}

const char *SteamAPI_SteamNetworkingIdentity_GetXboxPairwiseID(const SteamNetworkingIdentity *id)
{
	return id->m_eType == k_ESteamNetworkingIdentityType_XboxPairwiseID ? id->m_value.m_szXboxPairwiseID : NULL;
}

void SteamAPI_SteamNetworkingIdentity_SetIPAddr(SteamNetworkingIdentity *id, const SteamNetworkingIPAddr *addr)
{
	set(id, k_ESteamNetworkingIdentityType_IPAddress, addr, sizeof *addr);
}

const SteamNetworkingIPAddr *SteamAPI_SteamNetworkingIdentity_GetIPAddr(const SteamNetworkingIdentity *id)
{
	return id->m_eType == k_ESteamNetworkingIdentityType_IPAddress ? &id->m_value.m_ip : NULL;
}

void SteamAPI_SteamNetworkingIdentity_SetLocalHost(SteamNetworkingIdentity *id)
{
	SteamNetworkingIPAddr host;
	SteamAPI_SteamNetworkingIPAddr_SetIPv6LocalHost(&host, 0);
	SteamAPI_SteamNetworkingIdentity_SetIPAddr(id, &host);
}

bool SteamAPI_SteamNetworkingIdentity_IsLocalHost(const SteamNetworkingIdentity *id)
{
	const SteamNetworkingIPAddr *addr = SteamAPI_SteamNetworkingIdentity_GetIPAddr(id);
	return addr && SteamAPI_SteamNetworkingIPAddr_IsLocalHost(addr);
}

bool SteamAPI_SteamNetworkingIdentity_SetGenericString(SteamNetworkingIdentity *id, const char *text)
{
	return setText(id, k_ESteamNetworkingIdentityType_GenericString, text, 1, k_cchMaxSteamNetworkingGenericString);
}

const char *SteamAPI_SteamNetworkingIdentity_GetGenericString(const SteamNetworkingIdentity *id)
{
	return id->m_eType == k_ESteamNetworkingIdentityType_GenericString ? id->m_value.m_szGenericString : NULL;
}

bool SteamAPI_SteamNetworkingIdentity_SetGenericBytes(SteamNetworkingIdentity *id, const void *data, uint32_t n)
{
	if (n > k_cbMaxSteamNetworkingGenericBytes || (n > 0 && !data))
		return false;
	set(id, k_ESteamNetworkingIdentityType_GenericBytes, data, n);
	return true;
}

const uint8_t *SteamAPI_SteamNetworkingIdentity_GetGenericBytes(const SteamNetworkingIdentity *id, int *n)
{
	if (id->m_eType != k_ESteamNetworkingIdentityType_GenericBytes)
		return NULL;
	*n = id->m_cbSize;
	return id->m_value.m_genericBytes;
}

bool SteamAPI_SteamNetworkingIdentity_IsEqualTo(const SteamNetworkingIdentity *a, const SteamNetworkingIdentity *b)
{
	return a->m_eType == b->m_eType && a->m_cbSize == b->m_cbSize && a->m_cbSize >= 0 && (size_t)a->m_cbSize <= sizeof a->m_value &&
		memcmp(&a->m_value, &b->m_value, (size_t)a->m_cbSize) == 0;
}
