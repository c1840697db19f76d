#ifndef GNS_CLOCK_H
#define GNS_CLOCK_H

#include "include/gns_types.h"

/* Now, of the clock that applications see. */
SteamNetworkingMicroseconds gns_now(void);

#endif
