#ifndef GNS_VTABLE_H
#define GNS_VTABLE_H

#include <stdbool.h>

/* Says whether the library is between Init and Kill. */
void gns_set_running(bool now);

/* The ISteamNetworkingSockets, whether or not. */
void *gns_sockets(void);

#endif
