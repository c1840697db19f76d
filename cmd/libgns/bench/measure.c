#include "measure.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* All words are 64 bits, little endian, and this is for machines that have them so. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of messages are little endian");

static const uint64_t mix = 0x9E3779B97F4A7C15, end = UINT64_MAX;

void fill(uint8_t *data, size_t size, uint64_t seq)
{
	uint64_t w = seq * mix;
	memcpy(data, &seq, 8);
	for (size_t at = 8; at < size; at += 8) {
		w += mix;
		memcpy(data + at, &w, size - at < 8 ? size - at : 8);
	}
}

bool intact(const uint8_t *data, size_t size)
{
	if (size < 8)
		return false;
	uint64_t w = word(data, size, 0) * mix;
	size_t at = 8;
	for (; at + 8 <= size; at += 8) {
		w += mix;
		if (memcmp(data + at, &w, 8) != 0)
			return false;
	}
	w += mix;
	return memcmp(data + at, &w, size - at) == 0;
}

uint64_t word(const uint8_t *data, size_t size, size_t index)
{
	uint64_t w = 0;
	if (size >= 8 * index + 8)
		memcpy(&w, data + 8 * index, 8);
	return w;
}

bool isEnd(const uint8_t *data, size_t size) { return size >= endSize && word(data, size, 0) == end; }

void fillEnd(uint8_t *data, uint64_t count)
{
	memcpy(data, &end, 8);
	memcpy(data + 8, &count, 8);
}

int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void sleepMicroseconds(int64_t us)
{
	struct timespec t = {us / 1000000, us % 1000000 * 1000};
	while (nanosleep(&t, &t) != 0 && errno == EINTR) {
	}
}

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

void spanBegin(struct span *s)
{
	struct rusage u;
	if (s->begun)
		return;
	getrusage(RUSAGE_SELF, &u);
	*s = (struct span){.begun = true, .start = now(), .user = seconds(u.ru_utime), .sys = seconds(u.ru_stime)};
}

void spanFinish(struct span *s)
{
	struct rusage u;
	if (!s->begun || s->end)
		return;
	s->end = now();
	getrusage(RUSAGE_SELF, &u);
	s->user = seconds(u.ru_utime) - s->user;
	s->sys = seconds(u.ru_stime) - s->sys;
}

void addRound(struct result *r, double us)
{
	if (r->rounds == r->room) {
		r->room = r->room ? 2 * r->room : 1 << 18;
		r->took = realloc(r->took, r->room * sizeof *r->took);
		if (!r->took)
			abort();
	}
	r->took[r->rounds++] = us;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* percentile is that of sorted values, by nearest rank. */
static double percentile(const struct result *r, double p)
{
	size_t rank = (size_t)ceil(p * (double)r->rounds / 100);
	return r->took[rank > 0 ? rank - 1 : 0];
}

void printResult(struct result *r)
{
	struct rusage u;
	if (!r->span.end)
		spanFinish(&r->span);
	getrusage(RUSAGE_SELF, &u);
	printf("{\"role\":\"%s\",\"workload\":\"%s\",\"engine\":\"c\",\"messages\":%lld,\"bytes\":%lld,\"sent\":%lld,\"bad\":%lld,\"order_err\":%lld",
		r->role, r->workload, (long long)r->messages, (long long)r->bytes, (long long)r->sent, (long long)r->bad, (long long)r->orderErr);
	printf(",\"wall\":%.9f,\"user\":%.6f,\"sys\":%.6f,\"user_total\":%.6f,\"sys_total\":%.6f", (double)(r->span.end - r->span.start) / 1e9,
		r->span.user, r->span.sys, seconds(u.ru_utime), seconds(u.ru_stime));
	if (r->rounds > 0) {
		qsort(r->took, r->rounds, sizeof *r->took, compare);
		printf(",\"min_us\":%.3f,\"p50_us\":%.3f,\"p90_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,\"max_us\":%.3f", percentile(r, 0),
			percentile(r, 50), percentile(r, 90), percentile(r, 99), percentile(r, 99.9), percentile(r, 100));
	}
	printf(",\"sends_refused\":%lld}\n", (long long)r->refused);
	fflush(stdout);
}
