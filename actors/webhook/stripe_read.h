/* stripe_read.h - what only Stripe's objects have: unix times and products, in either shape.
 *
 * Use        Shared by stripe_facts.c only. */
#ifndef USHER_STRIPE_READ_H
#define USHER_STRIPE_READ_H

#include "reader.h"

/* Unix seconds as ms; 0 for none or nonsense. */
int64_t read_ms(const struct reader *reader, uint32_t at);
int64_t read_ms_path(const struct reader *reader, const char *path);

/* Note what products an object shows. */
void see_price(struct reader *reader, uint32_t price);
void see_metadata(struct reader *reader, const char *metadata_path);
/* Every line of a list object ("lines", "items", "line_items"), in both shapes. */
void see_lines(struct reader *reader, const char *list_path);

#endif
