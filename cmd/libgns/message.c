/* Messages are C memory, so that applications can keep them, and release them without a call of Go. */
#include "include/gns.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

/* The data of a message made here stands behind it, as far away as malloc would align it. */
enum { dataOffset = (sizeof(SteamNetworkingMessage_t) + 15) / 16 * 16 };

static void keepData(SteamNetworkingMessage_t *m) { (void)m; /* it goes with the message */ }

static void release(SteamNetworkingMessage_t *m)
{
	if (m->m_pfnFreeData)
		m->m_pfnFreeData(m);
	free(m);
}

static SteamNetworkingMessage_t *make(int32_t size)
{
	if (size < 0)
		return NULL;
	SteamNetworkingMessage_t *m = malloc(dataOffset + (size_t)size);
	if (!m)
		return NULL;
	memset(m, 0, sizeof *m);
	m->m_pfnRelease = release;
	m->m_nChannel = -1;
	m->m_cbSize = size;
	if (size > 0) {
		m->m_pData = (char *)m + dataOffset;
		m->m_pfnFreeData = keepData;
	}
	return m;
}

int gns_make_messages(int n, const int32_t *sizes, SteamNetworkingMessage_t **out)
{
	for (int i = 0; i < n; i++)
		if (!(out[i] = make(sizes[i])))
			return i;
	return n;
}

SteamNetworkingMessage_t *SteamAPI_ISteamNetworkingUtils_AllocateMessage(ISteamNetworkingUtils *self, int size)
{
	(void)self;
	return make(size);
}

void SteamAPI_SteamNetworkingMessage_t_Release(SteamNetworkingMessage_t *m)
{
	if (m && m->m_pfnRelease)
		m->m_pfnRelease(m);
}

/* gns_send_messages is in send.go. It leaves in results what became of each message. */
extern void gns_send_messages(int n, SteamNetworkingMessage_t **messages, int64_t *results);

void SteamAPI_ISteamNetworkingSockets_SendMessages(ISteamNetworkingSockets *self, int n, SteamNetworkingMessage_t **messages,
	int64_t *results, bool deleteFailed)
{
	int64_t few[64], *own = NULL;
	(void)self;
	if (n <= 0 || !messages)
		return;
	if (!results) {
		results = few;
		if (n > (int)(sizeof few / sizeof few[0]) && !(results = own = malloc((size_t)n * sizeof *own)))
			abort(); /* as Go itself does it without memory */
	}
	gns_send_messages(n, messages, results);
	for (int i = 0; i < n; i++) {
		SteamNetworkingMessage_t *m = messages[i];
		if (!m || (results[i] <= 0 && !deleteFailed))
			continue;
		if (!deleteFailed)
			messages[i] = NULL;
		SteamAPI_SteamNetworkingMessage_t_Release(m);
	}
	free(own);
}
