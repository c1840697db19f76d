#ifndef GNS_OUTPUT_H
#define GNS_OUTPUT_H

#include "include/gns_types.h"

/* Tells the application's functions something, whichever are set. */
void gns_say(void *f, int type, const char *text);

/* The least important type that the handler of SetPreFormatDebugOutputHandler wants; None if there is no handler. It is a variable, to be
 * read atomically, because it is asked for whatever could be said. */
extern int32_t gns_preformat_level;

#endif
