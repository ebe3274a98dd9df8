/* projection_core.h - what the projection's files share. Not for others.
 *
 *   projection.c          one event, spread over the tables
 *   projection_members.c  who there is, and by what name
 *   projection_search.c   who is in a list
 *   projection_events.c   lines by trace, family, member, job
 *   projection_whole.c    counts, alerts, the audit */
#ifndef USHER_PROJECTION_CORE_H
#define USHER_PROJECTION_CORE_H

#include "projection.h"

enum {
    TABLE_LINES = ACTOR_TABLES,
    TABLE_IDS,
    TABLE_TRACES,
    TABLE_FAMILIES,
    TABLE_MEMBERS,
    TABLE_NAMES,
    TABLE_WORDS,
    TABLE_LISTS,
    TABLE_TIMELINE,
    TABLE_LANES,
    TABLE_JOBS,
    TABLE_OUTCOMES,
    TABLE_ALERTS,
    TABLE_SILENCES,
    TABLE_COUNTS,
    TABLE_GLANCES
};

enum { KEY_HASH_BYTES = 12, KEY_TEXT_BYTES_MAX = 200, SEQ_BYTES = 8, DAY_MS = 86400000 };

/* --- keys: a few parts, one after the other ---------------------------------------------------- */

struct key {
    uint8_t bytes[STORE_KEY_BYTES_MAX];
    size_t len;
};

/* A text and a NUL; one that is too long for a key goes in as its beginning and its hash. */
void key_text(struct key *key, const char *text);
void key_hash(struct key *key, const char *a, const char *b);
void key_seq(struct key *key, uint64_t seq);
struct slice key_slice(const struct key *key);
/* The last 8 bytes of a key. */
uint64_t key_last_seq(struct slice key);
/* Every pair of the prefix below that number (0: all of them), the newest first: keys that end in one. */
enum fault scan_newest(struct store_txn *txn, int table, const struct key *prefix, uint64_t below,
                       store_each *each, void *self) NODISCARD;

/* --- rows -------------------------------------------------------------------------------------- */

enum fault put_mark(struct store_txn *txn, int table, const struct key *key) NODISCARD;

void copy_or_null(json_t *to, const json_t *from, const char *key);

/* The line of a number, NULL if there is none. line_name: with the name of whom it is about. */
enum fault line_load(struct store_txn *txn, uint64_t seq, json_t **line) NODISCARD;
enum fault line_name(struct store_txn *txn, json_t *line) NODISCARD;

/* Adds to a number by name. */
enum fault count_add(struct store_txn *txn, const char *name, int64_t more) NODISCARD;
int64_t count_of(struct store_txn *txn, const char *name);

/* --- members ----------------------------------------------------------------------------------- */

/* What a document changed. */
struct member_news {
    json_t *before; /* the old one (new reference), or NULL */
    bool paid;      /* the last payment is one that was not the last before */
};

/* member.*: takes the document's place. */
enum fault members_apply(struct store_txn *txn, const struct event *event, json_t *document,
                         struct member_news *news) NODISCARD;
/* Who is known by exactly that name: appends ids to `list`. */
enum fault members_named(struct store_txn *txn, const char *name, json_t *list) NODISCARD;
enum fault member_row(struct store_txn *txn, const char *id, json_t **row) NODISCARD;

/* What lists look at first; lives in the transaction. */
struct glance {
    bool access;
    const char *state;
    const char *name;  /* or the address */
    const char *words; /* packed (words.h) */
    size_t words_len;
};

enum fault glance_save(struct store_txn *txn, const json_t *document) NODISCARD;
bool glance_get(struct store_txn *txn, const char *id, struct glance *glance);

/* --- the whole --------------------------------------------------------------------------------- */

enum fault whole_apply(struct store_txn *txn, const struct event *event,
                       const json_t *data) NODISCARD;

/* Counts a member's last payment, on its day. */
enum fault whole_payment(struct store_txn *txn, const json_t *document) NODISCARD;

/* Ids are kept by eras of so many events: hashes of all would lie anywhere, and each event would dirty a
 * page of its own; those of an era are in a few pages. */
enum { ID_ERA = 16384 };
void key_id(struct key *key, uint64_t era, const char *id);

/* Where the events of a trace stand in TRACES; their numbers follow. The event's own id must be known. */
void key_trace(struct store_txn *txn, const char *trace, struct key *key);

/* A page's place: "next" is its text, "" the start. */
bool place_read(const char *after, uint64_t *seq);
json_t *place_text(uint64_t seq);

#endif
