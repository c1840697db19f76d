#ifndef GNS_MESSAGE_H
#define GNS_MESSAGE_H

#include "include/gns_types.h"

/* Makes n messages with room for sizes[i] bytes each. Only m_pData, m_cbSize, m_nUserData and the functions are set in them. It returns how many
 * it could make: fewer if there is no memory. */
int gns_make_messages(int n, const int32_t *sizes, SteamNetworkingMessage_t **out);

/* Says whether memory of messages that are released is kept for others. When it no longer is, what was kept is given back. */
void gns_keep_messages(bool on);

#endif
