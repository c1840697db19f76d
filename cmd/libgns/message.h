#ifndef GNS_MESSAGE_H
#define GNS_MESSAGE_H

#include "include/gns_types.h"

/* Makes n messages with room for sizes[i] bytes each, in which everything but m_pData, m_cbSize and the functions is zero. It returns how many it
 * could make: fewer if there is no memory. */
int gns_make_messages(int n, const int32_t *sizes, SteamNetworkingMessage_t **out);

#endif
