/* watch.h - what is wrong: the core of the alerts.
 *
 * Use        watch_event() for every event, in the batch's transaction: it remembers what is open.
 *            watch_judge() now and then: compares what holds now with what was told, and tells the
 *            difference. watch_told() for our own alert.* events.
 * Promise    Of an alert (rule, object), raised and cleared alternate, beginning with raised; an
 *            event that comes again changes nothing; all of it survives restarts, and a store that
 *            is made anew from the journal tells nothing twice.
 *            Looks at nothing but its tables and parameters: no clock, no I/O of its own.
 * Tables     items: rule, hash of the item -> what is open; queue: rule, object, since, hash;
 *            windows: rule, time, seq -> a number; alerts: what was told; marks: alerts that
 *            stand, members that the CRM knows, and when the provider was last heard.
 * Threads    One.
 * See        alert_table.h, tests/unit/alert/watch_test.c */
#ifndef USHER_WATCH_H
#define USHER_WATCH_H

#include "events.h"
#include "store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum alert_rule {
#define X(rule, name, kind, hold_ms, title, todo, page) rule,
#include "alert_table.h"
#undef X
    ALERT_RULES
};

enum {
    WATCH_REFUSED_MAX = 3,
    WATCH_REFUSED_MS = 10 * 60 * 1000,
    WATCH_LATENCY_MS_MAX = 5 * 60 * 1000,
    WATCH_LATENCY_WINDOW_MS = 60 * 60 * 1000,
    WATCH_LATENCY_MIN = 5, /* of fewer changes no p95 is made */
    WATCH_LATENCIES_MAX = 2000,
    WATCH_BOUNCE_WINDOW_MS = 24 * 60 * 60 * 1000,
    WATCH_BOUNCE_MAILS_MIN = 50,
    WATCH_BOUNCE_PERCENT_MAX = 2,
    WATCH_OBJECT_BYTES_MAX = 160,
    WATCH_OBJECTS_MAX = 1000, /* looked at in one judgement */
    WATCH_COUNT_MAX = 1000,   /* counted in a text */
    WATCH_TEXT_BYTES = 600
};

enum watch_table {
    WATCH_ITEMS,
    WATCH_QUEUE,
    WATCH_WINDOWS,
    WATCH_ALERTS,
    WATCH_MARKS,
    WATCH_TABLES
};
#define WATCH_TABLE_NAMES "items", "queue", "windows", "alerts", "marks"

struct alert_row {
    const char *name;
    enum {
        WATCH_ITEMS_OPEN,
        WATCH_COUNTED,
        WATCH_MEASURED,
        WATCH_RATED,
        WATCH_QUIET,
        WATCH_SEEN
    } kind;
    int64_t hold_ms;
    const char *title;
    const char *todo;
    const char *page; /* of the console */
};

const struct alert_row *alert_row(enum alert_rule rule);
/* ALERT_RULES if there is none of that name. */
enum alert_rule alert_rule_of(const char *name);

struct watch {
    int first_table;              /* of WATCH_TABLES in the store */
    int64_t hold_ms[ALERT_RULES]; /* alert_table.h's, unless the settings say otherwise */
    int64_t latency_ms_max;
    int64_t quiet_ms_max; /* between two posts of the payment provider; 0: whatever */
};

void watch_init(struct watch *watch, int first_table);

/* Something that the actor looked at itself. */
struct watch_sight {
    enum alert_rule rule;
    const char *object;
    bool known;     /* false: cannot tell at present; what was told stands */
    int64_t for_ms; /* it has been so for that long; -1: it is not so */
    const char *text;
};

/* What to tell. Borrowed for the call. */
struct watch_news {
    enum alert_rule rule;
    const char *object;
    bool raised; /* false: cleared */
    int64_t nth; /* time that this alert is raised, from 1 */
    int64_t since_ms;
    const char *text; /* a plain sentence; of a cleared one, what it was raised with */
};
typedef enum fault watch_tell(void *self, struct store_txn *txn, const struct watch_news *news);

/* Does watch_event() need the data of that type? Others' may be large: their time is enough. */
bool watch_reads(const char *type);

/* `data` is the event's; NULL if watch_reads() says that it is not needed. */
enum fault watch_event(const struct watch *watch, struct store_txn *txn, const struct event *event,
                       const json_t *data) NODISCARD;

/* Tells what began and what ended, and remembers it. *count: how many. With a NULL `tell` it only
 * counts, and a read transaction will do. Sights are complete: an object of which nothing is said is
 * taken for unknown. */
enum fault watch_judge(const struct watch *watch, struct store_txn *txn, int64_t now_ms,
                       const struct watch_sight *sights, size_t sight_count, watch_tell *told,
                       void *self, size_t *count) NODISCARD;

/* Appends the alerts that stand to `list`: {rule, object, since, text, todo, state}. */
enum fault watch_list(const struct watch *watch, struct store_txn *txn, json_t *list) NODISCARD;

#endif
