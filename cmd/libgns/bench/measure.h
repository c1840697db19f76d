/* What is measured, and the messages with which that is done: those of "snpcat bench", which explains them. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { minSize = 24, endSize = 16 };

/* Fills in message seq. */
void fill(uint8_t *data, size_t size, uint64_t seq);

/* Reports whether a message is as fill makes it. */
bool intact(const uint8_t *data, size_t size);

/* Returns the word at an index; 0 if the message is too short. */
uint64_t word(const uint8_t *data, size_t size, size_t index);

bool isEnd(const uint8_t *data, size_t size);

/* Fills in the message that ends a run of count messages, of endSize bytes. */
void fillEnd(uint8_t *data, uint64_t count);

/* Nanoseconds of a clock that never goes back. */
int64_t now(void);

void sleepMicroseconds(int64_t us);

/* What a process does between two instants. */
struct span {
	bool begun;
	int64_t start, end;
	double user, sys; /* seconds of processor time before, and when it has ended, meanwhile */
};

void spanBegin(struct span *s);
void spanFinish(struct span *s);

/* What one process has to say about a run. */
struct result {
	const char *role, *workload;
	int64_t messages, bytes, sent, bad, orderErr, refused;
	struct span span;
	double *took; /* microseconds of each round trip */
	size_t rounds, room;
};

void addRound(struct result *r, double us);
void printResult(struct result *r);

#endif
