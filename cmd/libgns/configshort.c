/* Short forms of SetConfigValue. */
#include "include/gns.h"

typedef ISteamNetworkingUtils utils;
typedef ESteamNetworkingConfigValue id;

static bool set(utils *self, id value, ESteamNetworkingConfigScope scope, intptr_t object, ESteamNetworkingConfigDataType type, const void *arg)
{
	return SteamAPI_ISteamNetworkingUtils_SetConfigValue(self, value, scope, object, type, arg);
}

bool SteamAPI_ISteamNetworkingUtils_SetConfigValueStruct(utils *self, const SteamNetworkingConfigValue_t *v, ESteamNetworkingConfigScope scope, intptr_t object)
{
	const void *arg = v->m_eDataType == k_ESteamNetworkingConfig_String ? (const void *)v->m_val.m_string : &v->m_val;
	return set(self, (id)v->m_eValue, scope, object, (ESteamNetworkingConfigDataType)v->m_eDataType, arg);
}

#define GLOBAL k_ESteamNetworkingConfig_Global, 0
#define CONNECTION(h) k_ESteamNetworkingConfig_Connection, (intptr_t)(h)

bool SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValueInt32(utils *self, id value, int32_t v)
{
	return set(self, value, GLOBAL, k_ESteamNetworkingConfig_Int32, &v);
}

bool SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValueFloat(utils *self, id value, float v)
{
	return set(self, value, GLOBAL, k_ESteamNetworkingConfig_Float, &v);
}

bool SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValueString(utils *self, id value, const char *v)
{
	return set(self, value, GLOBAL, k_ESteamNetworkingConfig_String, v);
}

bool SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValuePtr(utils *self, id value, void *v)
{
	return set(self, value, GLOBAL, k_ESteamNetworkingConfig_Ptr, &v);
}

bool SteamAPI_ISteamNetworkingUtils_SetConnectionConfigValueInt32(utils *self, HSteamNetConnection h, id value, int32_t v)
{
	return set(self, value, CONNECTION(h), k_ESteamNetworkingConfig_Int32, &v);
}

bool SteamAPI_ISteamNetworkingUtils_SetConnectionConfigValueFloat(utils *self, HSteamNetConnection h, id value, float v)
{
	return set(self, value, CONNECTION(h), k_ESteamNetworkingConfig_Float, &v);
}

bool SteamAPI_ISteamNetworkingUtils_SetConnectionConfigValueString(utils *self, HSteamNetConnection h, id value, const char *v)
{
	return set(self, value, CONNECTION(h), k_ESteamNetworkingConfig_String, v);
}

static bool setCallback(utils *self, id value, void *f) { return SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValuePtr(self, value, f); }

bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(utils *self, FnSteamNetConnectionStatusChanged f)
{
	return setCallback(self, k_ESteamNetworkingConfig_Callback_ConnectionStatusChanged, (void *)f);
}

bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetAuthenticationStatusChanged(utils *self, FnSteamNetAuthenticationStatusChanged f)
{
	return setCallback(self, k_ESteamNetworkingConfig_Callback_AuthStatusChanged, (void *)f);
}

bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamRelayNetworkStatusChanged(utils *self, FnSteamRelayNetworkStatusChanged f)
{
	(void)self, (void)f;
	return false; /* there is no relay network, and no such value in Valve's open-source library either */
}

bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_MessagesSessionRequest(utils *self, FnSteamNetworkingMessagesSessionRequest f)
{
	return setCallback(self, k_ESteamNetworkingConfig_Callback_MessagesSessionRequest, (void *)f);
}

bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_MessagesSessionFailed(utils *self, FnSteamNetworkingMessagesSessionFailed f)
{
	return setCallback(self, k_ESteamNetworkingConfig_Callback_MessagesSessionFailed, (void *)f);
}
