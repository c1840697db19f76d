/* Functions that mean nothing where there is neither a global lock nor a service thread. */
#include "include/gns.h"

void SteamNetworkingSockets_SetLockWaitWarningThreshold(SteamNetworkingMicroseconds threshold) { (void)threshold; }

void SteamNetworkingSockets_SetLockAcquiredCallback(void (*callback)(const char *, SteamNetworkingMicroseconds)) { (void)callback; }

void SteamNetworkingSockets_SetLockHeldCallback(void (*callback)(const char *, SteamNetworkingMicroseconds)) { (void)callback; }

void SteamNetworkingSockets_SetManualPollMode(bool manual) { (void)manual; }
