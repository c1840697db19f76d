#include "call.h"

void gns_call_status_changed(void *f, HSteamNetConnection conn, int32_t old, SteamNetConnectionInfo_t *info)
{
	SteamNetConnectionStatusChangedCallback_t changed = {.m_hConn = conn, .m_info = *info, .m_eOldState = old};
	((FnSteamNetConnectionStatusChanged)f)(&changed);
}

void gns_call_auth_status(void *f, SteamNetAuthenticationStatus_t *status) { ((FnSteamNetAuthenticationStatusChanged)f)(status); }

void gns_call_session_request(void *f, SteamNetworkingMessagesSessionRequest_t *request)
{
	((FnSteamNetworkingMessagesSessionRequest)f)(request);
}

void gns_call_session_failed(void *f, SteamNetworkingMessagesSessionFailed_t *failed)
{
	((FnSteamNetworkingMessagesSessionFailed)f)(failed);
}

void gns_call_thread_init(void *f) { ((void (*)(void))f)(); }
