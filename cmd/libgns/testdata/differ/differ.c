#include "differ.h"

static uint64_t state;

uint64_t draw(void) /* splitmix64 */
{
	uint64_t z = state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

int below(int n) { return (int)(draw() >> 33) % n; }

bool percent(int p) { return below(100) < p; }

int weighted(const int *weights, int n)
{
	int sum = 0, i = 0;
	for (int k = 0; k < n; k++)
		sum += weights[k];
	for (int at = below(sum); at >= weights[i]; i++)
		at -= weights[i];
	return i;
}

static int step;
static bool debugging; /* the library may say why it does what it does, and lines are written at once */
static bool begun;

void say(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	printf(begun ? "\n%d " : "%d ", step);
	vprintf(format, ap);
	va_end(ap);
	begun = true;
}

void more(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
}

void quote(const char *s)
{
	if (!s) {
		more("NULL");
		return;
	}
	putchar('"');
	for (; *s; s++)
		printf((signed char)*s < ' ' || *s == '"' || *s == '\\' || *s == 127 ? "\\x%02x" : "%c", (unsigned char)*s);
	putchar('"');
}

void bytes(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%02x", ((const uint8_t *)p)[i]);
}

/* Each seed does some things often and others not at all: that finds more than doing everything all the time. */
static const struct action *const all[] = {textActions, configActions, connectionActions, socketActions, messageActions, lifeActions};
static const struct action *actions[200];
static int weights[200], stopped[200], count;

static void choose(void)
{
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		int often = below(4); /* a whole area */
		for (const struct action *a = all[i]; a->name; a++) {
			actions[count] = a;
			weights[count] = percent(10) ? 0 : a->weight * (1 + often * 2) * (percent(10) ? 5 : 1);
			stopped[count] = a->always ? a->weight : 0;
			count++;
		}
	}
}

void act(void) { actions[weighted(running ? weights : stopped, count)]->run(); }

static void explain(ESteamNetworkingSocketsDebugOutputType type, const char *text) { fprintf(stderr, "%d  debug output %d: %s\n", step, type, text); }

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s seed steps\n", argv[0]);
		return 2;
	}
	uint64_t seed = strtoull(argv[1], NULL, 10);
	int steps = atoi(argv[2]);
	static char buffer[1 << 16];
	debugging = getenv("DIFFER_DEBUG") != NULL;
	setvbuf(stdout, buffer, debugging ? _IOLBF : _IOFBF, sizeof buffer);
	state = seed * 0x2545f4914f6cdd1d;
	choose();
	calm();
	for (step = 1; step <= steps; step++) {
		if (debugging)
			UTILS(SetDebugOutputFunction)(U, k_ESteamNetworkingSocketsDebugOutputType_Msg, explain);
		act();
	}
	say("the end");
	if (running)
		GameNetworkingSockets_Kill();
	forgetAll();
	releaseHeld();
	sayFreed();
	putchar('\n');
	return failures > 0;
}
