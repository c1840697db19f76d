/* Messages are C memory, so that applications can keep them, and release them without a call of Go. */
#include "include/gns.h"
#include "message.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A message as the library makes it: its data stands behind it, as far away as malloc would align it. */
struct block {
	struct block *next; /* while it is kept for later */
	int class;          /* -1: too large to be kept */
	SteamNetworkingMessage_t message;
};

enum { dataOffset = (sizeof(struct block) + 15) / 16 * 16 };

/* Blocks that were released are kept for the next messages, because malloc is slower and, for blocks as large as those of bulk
 * data, gives memory back to the system and asks for it again with every few of them. */
static struct {
	pthread_mutex_t lock;
	struct block *first[20]; /* by class */
	size_t bytes;            /* in all of them */
	bool on;                 /* the library is running */
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* mostKept is how many bytes are kept. */
enum { mostKept = 8 << 20 };

/* classSize returns the size of the blocks of a class: 512, 768, 1024, 1536 and so on. */
static size_t classSize(int class) { return (size_t)(2 + class % 2) << (8 + class / 2); }

/* classOf returns the smallest class with blocks of so many bytes, -1 if there is none. */
static int classOf(size_t size)
{
	for (int c = 0; c < (int)(sizeof kept.first / sizeof kept.first[0]); c++)
		if (size <= classSize(c))
			return c;
	return -1;
}

static struct block *blockOf(SteamNetworkingMessage_t *m) { return (struct block *)((char *)m - offsetof(struct block, message)); }

static void keepData(SteamNetworkingMessage_t *m) { (void)m; /* it goes with the message */ }

/* keep makes a block one of those that are kept, and reports whether it could. kept.lock is held. */
static bool keep(struct block *b)
{
	if (b->class < 0 || !kept.on || kept.bytes + classSize(b->class) > mostKept)
		return false;
	kept.bytes += classSize(b->class);
	b->next = kept.first[b->class];
	kept.first[b->class] = b;
	return true;
}

static void freeData(SteamNetworkingMessage_t *m)
{
	if (m->m_pData && m->m_pfnFreeData && m->m_pfnFreeData != keepData)
		m->m_pfnFreeData(m);
}

static void release(SteamNetworkingMessage_t *m)
{
	freeData(m);
	pthread_mutex_lock(&kept.lock);
	bool is = keep(blockOf(m));
	pthread_mutex_unlock(&kept.lock);
	if (!is)
		free(blockOf(m));
}

/* releaseAll releases messages. */
static void releaseAll(int n, SteamNetworkingMessage_t **messages)
{
	struct block *rest = NULL;
	for (int i = 0; i < n; i++)
		freeData(messages[i]); /* a function of the application's: nothing is locked */
	pthread_mutex_lock(&kept.lock);
	for (int i = 0; i < n; i++) {
		if (!keep(blockOf(messages[i]))) {
			blockOf(messages[i])->next = rest;
			rest = blockOf(messages[i]);
		}
	}
	pthread_mutex_unlock(&kept.lock);
	for (struct block *b; (b = rest);) {
		rest = b->next;
		free(b);
	}
}

void gns_keep_messages(bool on)
{
	struct block *all = NULL;
	pthread_mutex_lock(&kept.lock);
	kept.on = on;
	for (size_t c = 0; !on && c < sizeof kept.first / sizeof kept.first[0]; c++) {
		for (struct block *b; (b = kept.first[c]);) {
			kept.first[c] = b->next;
			b->next = all;
			all = b;
		}
	}
	if (!on)
		kept.bytes = 0;
	pthread_mutex_unlock(&kept.lock);
	for (struct block *b; (b = all);) {
		all = b->next;
		free(b);
	}
}

/* take returns a block for a message of so many bytes, NULL if there is no memory. kept.lock is held. */
static struct block *take(size_t size)
{
	int class = classOf(dataOffset + size);
	struct block *b = class < 0 ? NULL : kept.first[class];
	if (b) {
		kept.first[class] = b->next;
		kept.bytes -= classSize(class);
		return b;
	}
	b = malloc(class < 0 ? dataOffset + size : classSize(class));
	if (b)
		b->class = class;
	return b;
}

/* init sets everything that does not come from elsewhere in a message that has arrived. */
static void init(struct block *b, int32_t size)
{
	SteamNetworkingMessage_t *m = &b->message;
	m->m_pData = size > 0 ? (char *)b + dataOffset : NULL;
	m->m_cbSize = size;
	m->m_pfnFreeData = size > 0 ? keepData : NULL;
	m->m_pfnRelease = release;
	m->m_nUserData = 0;
	m->_pad1__ = 0;
}

int gns_make_messages(int n, const int32_t *sizes, SteamNetworkingMessage_t **out)
{
	int made = 0;
	pthread_mutex_lock(&kept.lock);
	for (struct block *b; made < n && (b = take((size_t)sizes[made])); made++)
		out[made] = &b->message;
	pthread_mutex_unlock(&kept.lock);
	for (int i = 0; i < made; i++)
		init(blockOf(out[i]), sizes[i]);
	return made;
}

SteamNetworkingMessage_t *SteamAPI_ISteamNetworkingUtils_AllocateMessage(ISteamNetworkingUtils *self, int size)
{
	(void)self;
	if (size < 0)
		return NULL;
	pthread_mutex_lock(&kept.lock);
	struct block *b = take((size_t)size);
	pthread_mutex_unlock(&kept.lock);
	if (!b)
		return NULL;
	memset(&b->message, 0, sizeof b->message);
	b->message.m_nChannel = -1;
	init(b, size);
	return &b->message;
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
	for (int i = 0; i < n;) {
		SteamNetworkingMessage_t *gone[64];
		int k = 0;
		for (; i < n && k < (int)(sizeof gone / sizeof gone[0]); i++) {
			if (!messages[i] || (results[i] <= 0 && !deleteFailed))
				continue;
			gone[k++] = messages[i];
			if (!deleteFailed)
				messages[i] = NULL;
		}
		releaseAll(k, gone);
	}
	free(own);
}
