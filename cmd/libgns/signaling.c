/* Signaling objects in both directions: methods of the application's, and objects made from its functions. */
#include "include/gns.h"
#include "signaling.h"

#include <stdlib.h>

/* The tables of virtual functions of ISteamNetworkingConnectionSignaling and ISteamNetworkingSignalingRecvContext. */

struct signalingTable {
	bool (*sendSignal)(void *self, HSteamNetConnection conn, const SteamNetConnectionInfo_t *info, const void *signal, int n);
	void (*release)(void *self);
};

struct contextTable {
	void *(*onConnectRequest)(void *self, HSteamNetConnection conn, const SteamNetworkingIdentity *peer, int localVirtualPort);
	void (*sendRejectionSignal)(void *self, const SteamNetworkingIdentity *peer, const void *signal, int n);
};

/* Objects begin with the address of their table. */
#define TABLE_OF(kind, object) (*(const struct kind *const *)(object))

bool gns_send_signal(void *signaling, HSteamNetConnection conn, SteamNetConnectionInfo_t *info, void *signal, int n)
{
	return TABLE_OF(signalingTable, signaling)->sendSignal(signaling, conn, info, signal, n);
}

void gns_release_signaling(void *signaling) { TABLE_OF(signalingTable, signaling)->release(signaling); }

void *gns_on_connect_request(void *context, HSteamNetConnection conn, SteamNetworkingIdentity *peer, int localVirtualPort)
{
	return TABLE_OF(contextTable, context)->onConnectRequest(context, conn, peer, localVirtualPort);
}

void gns_send_rejection(void *context, SteamNetworkingIdentity *peer, void *signal, int n)
{
	TABLE_OF(contextTable, context)->sendRejectionSignal(context, peer, signal, n);
}

void *gns_create_signaling(void *f, void *sockets, SteamNetworkingIdentity *peer, int localVirtualPort, int remoteVirtualPort)
{
	return ((FnSteamNetworkingSocketsCreateConnectionSignaling)f)(sockets, peer, localVirtualPort, remoteVirtualPort);
}

/* An ISteamNetworkingConnectionSignaling that calls functions. */
struct signaling {
	const struct signalingTable *table;
	void *ctx;
	FSteamNetworkingSocketsCustomSignaling_SendSignal sendSignal;
	FSteamNetworkingSocketsCustomSignaling_Release release;
};

static bool sendSignal(void *self, HSteamNetConnection conn, const SteamNetConnectionInfo_t *info, const void *signal, int n)
{
	struct signaling *s = self;
	return s->sendSignal(s->ctx, conn, info, signal, n);
}

static void release(void *self)
{
	struct signaling *s = self;
	if (s->release)
		s->release(s->ctx);
	free(s);
}

/* What stands in front of a table; see vtable.c. */
static const struct {
	intptr_t offset;
	const void *type;
	struct signalingTable functions;
} signalingOfFunctions = {0, NULL, {sendSignal, release}};

ISteamNetworkingConnectionSignaling *SteamAPI_ISteamNetworkingSockets_CreateCustomSignaling(void *ctx,
	FSteamNetworkingSocketsCustomSignaling_SendSignal send, FSteamNetworkingSocketsCustomSignaling_Release rel)
{
	struct signaling *s = send ? malloc(sizeof *s) : NULL;
	if (s) {
		s->table = &signalingOfFunctions.functions;
		s->ctx = ctx;
		s->sendSignal = send;
		s->release = rel;
	}
	return (ISteamNetworkingConnectionSignaling *)s;
}

/* An ISteamNetworkingSignalingRecvContext that calls functions. */
struct context {
	const struct contextTable *table;
	void *ctx;
	FSteamNetworkingCustomSignalingRecvContext_OnConnectRequest onConnectRequest;
	FSteamNetworkingCustomSignalingRecvContext_SendRejectionSignal sendRejectionSignal;
};

static void *onConnectRequest(void *self, HSteamNetConnection conn, const SteamNetworkingIdentity *peer, int localVirtualPort)
{
	struct context *c = self;
	return c->onConnectRequest ? c->onConnectRequest(c->ctx, conn, peer, localVirtualPort) : NULL;
}

static void sendRejectionSignal(void *self, const SteamNetworkingIdentity *peer, const void *signal, int n)
{
	struct context *c = self;
	if (c->sendRejectionSignal)
		c->sendRejectionSignal(c->ctx, peer, signal, n);
}

static const struct {
	intptr_t offset;
	const void *type;
	struct contextTable functions;
} contextOfFunctions = {0, NULL, {onConnectRequest, sendRejectionSignal}};

bool SteamAPI_ISteamNetworkingSockets_ReceivedP2PCustomSignal2(ISteamNetworkingSockets *self, const void *signal, int n, void *ctx,
	FSteamNetworkingCustomSignalingRecvContext_OnConnectRequest on, FSteamNetworkingCustomSignalingRecvContext_SendRejectionSignal rejection)
{
	struct context c = {&contextOfFunctions.functions, ctx, on, rejection};
	return SteamAPI_ISteamNetworkingSockets_ReceivedP2PCustomSignal(self, signal, n, (ISteamNetworkingSignalingRecvContext *)&c);
}
