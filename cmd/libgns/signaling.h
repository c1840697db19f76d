#ifndef GNS_SIGNALING_H
#define GNS_SIGNALING_H

#include "include/gns_types.h"

/* Calls of methods of the application's objects. */
bool gns_send_signal(void *signaling, HSteamNetConnection conn, SteamNetConnectionInfo_t *info, void *signal, int n);
void gns_release_signaling(void *signaling);
void *gns_on_connect_request(void *context, HSteamNetConnection conn, SteamNetworkingIdentity *peer, int localVirtualPort);
void gns_send_rejection(void *context, SteamNetworkingIdentity *peer, void *signal, int n);

/* Calls a function that makes signaling objects. */
void *gns_create_signaling(void *f, void *sockets, SteamNetworkingIdentity *peer, int localVirtualPort, int remoteVirtualPort);

#endif
