/* stripe_read.h - reading Stripe's objects: ids, people, times and products, in either shape.
 *
 * Use        Shared by stripe_facts.c only. A reader is one event on its way to a translation.
 * Promise    Ids and texts that are taken are printable and bounded; others count as not there. */
#ifndef USHER_STRIPE_READ_H
#define USHER_STRIPE_READ_H

#include "provider.h"

struct reader {
    const struct tape *tape;
    const struct provider_rules *rules;
    struct translation *out;
    uint32_t object; /* data.object */
    /* rides along on payments and links */
    const char *email;
    const char *name;
    const char *app_user;
    bool shows_product;
    bool shows_ours;
};

/* Printable, not empty and bounded. */
bool is_name(const char *text, size_t chars_max);

/* An id: text, or an expanded object's "id". "" if there is none. */
const char *read_id(const struct reader *reader, uint32_t at);
const char *read_id_path(const struct reader *reader, const char *path);

/* Short printable text, such as a status or a currency; "" if it is anything else. */
const char *read_word(const struct reader *reader, const char *path);
/* E-mail or name: no control characters, bounded. */
const char *read_words(const struct reader *reader, const char *path);
int64_t read_amount(const struct reader *reader, const char *path);
/* Unix seconds as ms; 0 for none or nonsense. */
int64_t read_ms(const struct reader *reader, uint32_t at);
int64_t read_ms_path(const struct reader *reader, const char *path);

/* The first of the app_user_keys in a metadata object. */
const char *read_app_user(const struct reader *reader, const char *metadata_path);

/* True if text is one of a list separated by blanks or commas. */
bool list_has(const char *list, const char *text);

/* Note what products an object shows. */
void see_price(struct reader *reader, uint32_t price);
void see_metadata(struct reader *reader, const char *metadata_path);
/* Every line of a list object ("lines", "items", "line_items"), in both shapes. */
void see_lines(struct reader *reader, const char *list_path);

/* A new fact at the end; NULL if it has no key or there is no room. Texts are "" at first. */
struct fact *add_fact(struct reader *reader, enum fact_kind kind, const char *key);
/* Nothing if either end is "". */
void add_link(struct reader *reader, const char *from, const char *to);

#endif
