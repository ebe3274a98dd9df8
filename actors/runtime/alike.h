/* alike.h - texts that differ in nothing but their numbers. Pure.
 *
 * "429 after 3 s" is like "429 after 7 s": a request id or an object's id makes no other cause. */
#ifndef USHER_ALIKE_H
#define USHER_ALIKE_H

#include "buf.h"

#include <stdbool.h>

bool words_alike(const char *a, const char *b);

/* Appends the text with every number as 0: two texts are alike if these are the same. */
void words_fold(const char *text, struct buf *out);

#endif
