/* home_gather.h - all that Home's sentence is made of, asked for and put together. */
#ifndef USHER_HOME_GATHER_H
#define USHER_HOME_GATHER_H

#include "gather.h"

/* Adds the questions. */
void home_gather(struct gather *gather);
/* home_view() of the answers (a new tree); NULL if our own store cannot be read. */
json_t *home_gathered(struct console *console, const struct gather *gather);

#endif
