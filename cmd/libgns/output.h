#ifndef GNS_OUTPUT_H
#define GNS_OUTPUT_H

#include "include/gns_types.h"

/* Tells the application's functions something, whichever are set. */
void gns_say(void *f, int type, const char *text);

/* The least important type that the handler of SetPreFormatDebugOutputHandler wants; None if there is no handler. */
int gns_preformat_level(void);

#endif
