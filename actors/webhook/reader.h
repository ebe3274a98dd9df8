/* reader.h - an event on its way to a translation: what the providers' translations share.
 *
 * Use        reader_begin(), the provider's own reading with add_fact() and add_link(), then
 *            reader_conclude(), which names the type, or why there is no effect.
 * Promise    Ids and texts that are taken are printable and bounded; others count as not there.
 * Limits     FACTS_MAX facts; TRANSLATION_ROOM_BYTES for texts that stand nowhere in the body.
 * Ownership  Texts are borrowed from the tape, or lie in the translation's room. */
#ifndef USHER_READER_H
#define USHER_READER_H

#include "provider.h"

struct reader {
    const struct tape *tape;
    const struct provider_rules *rules;
    struct translation *out;
    uint32_t object; /* what the event is about: paths begin here */
    int64_t at_ms;   /* the provider's time of the event, for its facts */
    /* rides along on payments and links */
    const char *email;
    const char *name;
    const char *app_user;
    bool shows_product;
    bool shows_ours;
};

/* A reader of the root, with a translation that says nothing yet. */
struct reader reader_begin(const struct tape *tape, const struct provider_rules *rules,
                           struct translation *out);

/* Finds members of the root by name; `count` of them. A name that stands twice could mean either
 * and is FAULT_MALFORMED. */
enum fault reader_envelope(const struct reader *reader, const char *const *names, size_t count,
                           uint32_t *at) NODISCARD;

/* The event's id and type, and its time in ms. FAULT_MALFORMED if id or type are none. */
enum fault reader_name(struct reader *reader, const char *id, const char *type,
                       int64_t at_ms) NODISCARD;

/* True if the event is of the source's mode; ignored otherwise. */
bool reader_is_of_mode(struct reader *reader, bool livemode);

/* How an event stands to products, where the source names those that are ours. */
enum weight {
    BUYS,    /* a payment or subscription: foreign unless it shows one of ours */
    FOLLOWS, /* a payment that can show none: ours if its subscription or order is */
    LEADS    /* leads to one, or is about a person: foreign if it shows only others */
};

/* The type of the facts, or why there is no effect. FAULT_TOO_LARGE if texts did not fit into the
 * room. */
enum fault reader_conclude(struct reader *reader, enum weight weight) NODISCARD;
void reader_ignore(struct reader *reader, const char *why);

/* --- values ------------------------------------------------------------------------------- */

/* Printable, not empty and bounded. */
bool is_name(const char *text, size_t chars_max);
/* True if text is one of a list separated by blanks or commas. */
bool list_has(const char *list, const char *text);

/* An id: text, or an expanded object's "id". "" if there is none. */
const char *read_id(const struct reader *reader, uint32_t at);
const char *read_id_path(const struct reader *reader, const char *path);
/* A number or text as an id, with the kind of object in front: "order_" and 12 is "order_12", for
 * providers whose ids are unlike only within a kind. "" if there is none. */
const char *read_numbered(const struct reader *reader, const char *kind, const char *path);

/* Short printable text, such as a status or a currency; "" if it is anything else. */
const char *read_word(const struct reader *reader, const char *path);
/* The same in small letters, as facts have currencies. */
const char *read_currency(const struct reader *reader, const char *path);
/* E-mail or name: no control characters, bounded. */
const char *read_words(const struct reader *reader, const char *path);
/* In the smallest unit, as a number or its digits; 0 for none, nonsense and what is negative. */
int64_t read_amount(const struct reader *reader, const char *path);
/* RFC 3339 text as ms; 0 for none or nonsense. */
int64_t read_time(const struct reader *reader, uint32_t at);
int64_t read_time_path(const struct reader *reader, const char *path);

/* The first of the app_user_keys in a metadata object: text, or a whole number. */
const char *read_app_user(const struct reader *reader, const char *metadata_path);
const char *read_app_user_in(const struct reader *reader, uint32_t metadata);

/* The text in the translation's room; "" when that is full. */
const char *reader_keep(const struct reader *reader, const char *text, size_t chars);

/* The text if it is a usable id or word, or words; "" otherwise. */
const char *usable_id(const char *text);
const char *usable_words(const char *text);
/* Unix time in seconds or RFC 3339, as ms; 0 for nonsense. */
int64_t usable_ms(int64_t seconds);
int64_t usable_time(const char *text);

/* A subscription's status that nothing follows. */
bool is_over(const char *status);

/* --- facts -------------------------------------------------------------------------------- */

/* Notes that the event shows a product, by the id of the product or its price. */
void see(struct reader *reader, const char *id);

/* A new fact at the end; NULL if it has no key or there is no room. Texts are "" at first. */
struct fact *add_fact(struct reader *reader, enum fact_kind kind, const char *key);
/* Nothing if either end is "". */
void add_link(struct reader *reader, const char *from, const char *to);

#endif
