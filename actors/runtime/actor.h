/* actor.h - the skeleton that every actor stands on.
 *
 * Use        An actor is a const struct actor_class and a main of one line:
 *                int main(int argc, char **argv) { return actor_main(argc, argv, &crm_actor); }
 *            The skeleton owns arguments (--home DIR, --check), settings, log, signals, readiness
 *            (sd_notify, or the s6 descriptor NOTIFY_FD), the store, the cursor, the outbox, the
 *            broker connection, questions and the loop.
 * Promise    Each batch of events is applied in one transaction together with the cursor and the
 *            outgoing events; then the outgoing events are published; then they leave the outbox.
 *            Killed anywhere, an actor goes on as if it had not been.
 *            An outgoing event that the broker refuses for good stays in the outbox, is logged and
 *            counted in the report, and does not hold up the others.
 *            Told to stop (SIGTERM, SIGINT), it reads no more, gives the broker what is in the
 *            outbox for up to 3 s, and exits 0.
 * Exits      0 told to stop; 111 restart me (broker's or disk's trouble); 100 stay down (bad
 *            settings: 78 with --check; a cursor above the head; a store of another format).
 * Threads    One. Callbacks come from the loop. */
#ifndef USHER_ACTOR_H
#define USHER_ACTOR_H

#include "client.h"
#include "events.h"
#include "settings.h"
#include "store.h"

#include <czmq.h>

struct actor;
struct adapter;

/* The first tables of every actor's store; its own follow from ACTOR_TABLES on. */
enum { ACTOR_TABLE_META, ACTOR_TABLE_OUTBOX, ACTOR_TABLES };

struct actor_class {
    const char *name;
    const struct setting *const *settings; /* tables, ends with NULL; the skeleton adds its own */
    const char *provider;                  /* the setting that names the adapter; may be NULL */
    const struct adapter *const *adapters; /* those that there are, whose rows join the settings (of
                                              a row that several have, the named one's); may be NULL */
    const char *const *topics;             /* what to READ, ends with NULL; NULL: nothing */
    const char *const *tables;             /* the store's own tables, ends with NULL; may be NULL */
    int format;                            /* of those tables */

    /* After settings and store are open, before any event. *state is the actor's own. May register
     * readers and timers on actor_loop(). A fault ends the process (again 111, never 100) with
     * `why` in the log. With --check: check_only is true, store and client are NULL. */
    enum fault (*open)(struct actor *actor, bool check_only, void **state, struct buf *why);
    void (*close)(void **state);

    /* Applies one event inside the batch's transaction. A temporary fault aborts the batch, which
     * is tried again; a permanent one ends the process. What is merely odd must return OK. The
     * same event may come again after an aborted batch: what apply remembers outside the
     * transaction must bear that. */
    enum fault (*apply)(void *state, struct store_txn *txn, const struct event *event);

    /* After a commit (of a batch, or of actor_change), and when the cursor has caught up: time to
     * start calls. What it changes itself by actor_change makes it be called once more, after it
     * has returned. May be NULL. */
    void (*committed)(void *state);

    /* A question of a tool or the console; returns a new tree, or NULL and *fault. What it says
     * NOT_FOUND to is asked of the skeleton: {"ask":"digest"}. May be NULL. */
    json_t *(*answer)(void *state, const char *who, const json_t *question, enum fault *fault);

    /* Adds the actor's own counters to what it reports with each heartbeat. May be NULL. */
    void (*report)(void *state, json_t *into);

    /* The broker has come, or does not answer any more: actor_is_up() has changed. May be NULL. */
    void (*connection)(void *state, bool up);
};

int actor_main(int argc, char **argv, const struct actor_class *class);

const char *actor_name(const struct actor *actor);
const char *actor_home(const struct actor *actor);
const struct settings *actor_settings(const struct actor *actor);
zloop_t *actor_loop(const struct actor *actor);
struct store *actor_store(const struct actor *actor);
struct client *actor_client(const struct actor *actor);

/* Whether the broker answers. */
bool actor_is_up(const struct actor *actor);

/* True once the cursor has reached the head that was there at start: effects begin only then, so
 * that a rebuilt store knows all keys from job.* events before it executes anything. */
bool actor_caught_up(const struct actor *actor);

/* Seq of the last applied event; inside apply, of the one being applied. */
uint64_t actor_cursor(const struct actor *actor);

/* While a dropped store is being rebuilt (events up to the old cursor), actor_emit drops what it is
 * given. */
bool actor_rebuilding(const struct actor *actor);

/* Puts an outgoing event into the outbox, inside a transaction of apply or actor_change. The skeleton fills in nothing: id
 * (derived from its cause: "crm:done:..."), type, subject, time_ms, cause and trace are the
 * caller's. */
enum fault actor_emit(struct actor *actor, struct store_txn *txn, const struct event *event,
                      const json_t *data) NODISCARD;

/* One transaction of the actor's own (a job's transition): begins, calls, commits, publishes the
 * outbox, calls committed(). FAULT_BUSY when the process is about to end. */
typedef enum fault actor_work(void *self, struct store_txn *txn);
enum fault actor_change(struct actor *actor, actor_work *work, void *self) NODISCARD;

/* Shows one event by its number, read from the journal between the feed's batches, of which neither
 * starves the other. Only what the class's topics have is found. OK: `seen` comes once, from the
 * loop and never from within actor_read, with the event (borrowed), or a fault and NULL: NOT_FOUND,
 * GONE, CORRUPT, DENIED, or UNAVAILABLE when the connection was lost, the actor was told to stop,
 * or ACTOR_READ_MS passed. Nobody is called once the loop has ended.
 * Else: BUSY with ACTOR_READS_MAX waiting, UNAVAILABLE without a connection. */
enum { ACTOR_READS_MAX = 64, ACTOR_READ_MS = 2500 };
typedef void actor_seen(void *self, enum fault fault, const struct event *event);
enum fault actor_read(struct actor *actor, uint64_t seq, actor_seen *seen, void *self) NODISCARD;

/* Ends the loop: the process exits with what the fault asks for. */
void actor_stop(struct actor *actor, enum fault fault, const char *why);

/* --- trees in a store ------------------------------------------------------------------------ */

/* Values as msgpack trees. tree_load gives a new tree, or NULL if there is none. */
enum fault tree_load(struct store_txn *txn, int table, struct slice key, json_t **out) NODISCARD;
enum fault tree_save(struct store_txn *txn, int table, struct slice key,
                     const json_t *tree) NODISCARD;

#endif
