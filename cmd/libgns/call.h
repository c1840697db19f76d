#ifndef GNS_CALL_H
#define GNS_CALL_H

#include "include/gns_types.h"

/* Calls of the application's functions, for Go has no way to call a pointer. */
void gns_call_status_changed(void *f, HSteamNetConnection conn, int32_t old, SteamNetConnectionInfo_t *info);
void gns_call_auth_status(void *f, SteamNetAuthenticationStatus_t *status);
void gns_call_session_request(void *f, SteamNetworkingMessagesSessionRequest_t *request);
void gns_call_session_failed(void *f, SteamNetworkingMessagesSessionFailed_t *failed);
void gns_call_thread_init(void *f);

#endif
