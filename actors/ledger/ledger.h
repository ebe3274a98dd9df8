/* ledger.h - the one source of truth: the actor around the pure cores.
 *
 *   ledger.c    settings, events, deadlines, the end of a rebuild
 *   keep.c      components in the store: found by names, joined, saved
 *   publish.c   documents: compared, versioned, told as member.* events
 *   timeline.c  one plain line per event of a member
 *   answers.c   questions
 *
 * Tables
 *   components  number -> facts; the smallest number survives a merge
 *   names       object, address, app user id, record id -> component
 *   members     record id -> version, document; or the id that it lives on in
 *   published   member id -> version and digest of the document last read back from the journal
 *   deadlines   time, component
 *   orphans     component, key -> the refund or dispute that has no payment
 *   timeline    component, seq -> line
 *   traces      trace, seq
 *   causes      id of an event in the middle of a chain -> its trace
 *   notes       the next component's number; that a rebuild has to be compared */
#ifndef USHER_LEDGER_H
#define USHER_LEDGER_H

#include "actor.h"
#include "view.h"

enum {
    TABLE_COMPONENTS = ACTOR_TABLES,
    TABLE_NAMES,
    TABLE_MEMBERS,
    TABLE_PUBLISHED,
    TABLE_DEADLINES,
    TABLE_ORPHANS,
    TABLE_TIMELINE,
    TABLE_TRACES,
    TABLE_NOTES,
    TABLE_CAUSES
};

enum { DUE_AT_ONCE_MAX = 256, DUE_KEY_BYTES = 16 }; /* deadlines under way; time, component */

struct ledger {
    struct actor *actor;
    struct rules rules;
    int timer;
    /* the deadlines told last: they are not told again while their events come back */
    uint8_t told[DUE_AT_ONCE_MAX][DUE_KEY_BYTES];
    size_t told_count;
    bool compare; /* a rebuild may have to be compared */
};

extern const struct actor_class ledger_actor;

/* --- keep.c ----------------------------------------------------------------------------------- */

struct component {
    uint64_t number; /* 0: new, not saved yet */
    struct factset facts;
    int64_t deadline_ms; /* as stored */
};

/* Names on their way to components. */
struct finder {
    struct store_txn *txn;
    struct component *component;
    enum fault fault;
};
/* A factset_name: loads the component of the name into finder->component, merging. */
void keep_find(void *self, char kind, const char *source, const char *text);
enum fault keep_load(struct store_txn *txn, uint64_t number, struct component *out) NODISCARD;
void keep_fini(struct component *component);
/* Saves facts, names, deadline and orphans. */
enum fault keep_save(struct store_txn *txn, struct component *component,
                     const struct view *view) NODISCARD;
/* The component of a name; 0: none. */
enum fault keep_number(struct store_txn *txn, char kind, const char *source, const char *text,
                       uint64_t *number) NODISCARD;
/* Every component with an object of this id, whatever its source. */
typedef void keep_each(void *self, uint64_t number, const char *source);
enum fault keep_objects(struct store_txn *txn, const char *object, keep_each *each,
                        void *self) NODISCARD;
enum fault keep_note(struct store_txn *txn, const char *note, uint64_t number) NODISCARD;
enum fault keep_noted(struct store_txn *txn, const char *note, uint64_t *number) NODISCARD;

/* --- publish.c -------------------------------------------------------------------------------- */

/* Compares every member of the view with its document and tells what changed. */
enum fault publish_members(struct ledger *ledger, struct store_txn *txn, const struct view *view,
                           const struct event *cause) NODISCARD;
/* An own member.* event came back. */
enum fault publish_seen(struct store_txn *txn, const struct event *event) NODISCARD;
/* After a rebuild: tells the members whose published document differs. */
enum fault publish_compare(struct ledger *ledger, struct store_txn *txn) NODISCARD;
/* The stored row of a record id, through its alias: new tree with version, doc; NULL if none. */
enum fault publish_row(struct store_txn *txn, const char *id, json_t **row) NODISCARD;

/* --- timeline.c ------------------------------------------------------------------------------- */

enum fault timeline_add(struct store_txn *txn, uint64_t component, const struct event *event,
                        const json_t *data) NODISCARD;
/* Fills the list with the member's lines: by time, then by seq. */
enum fault timeline_list(struct store_txn *txn, uint64_t component, const struct view *view,
                         const struct member *member, json_t *list) NODISCARD;
enum fault timeline_move(struct store_txn *txn, uint64_t from, uint64_t to) NODISCARD;

/* --- answers.c -------------------------------------------------------------------------------- */

json_t *ledger_answer(void *state, const char *who, const json_t *question, enum fault *fault);
void ledger_report(void *state, json_t *into);

/* Whose objects an event's facts are about: what its id begins with; what another actor found out
 * about them says it in its data. */
void ledger_source(const struct event *event, const json_t *data, char *source, size_t room);
/* key parts for tables */
struct slice key_pair(uint8_t *room, uint64_t first, uint64_t second);

#endif
