/* drill_core.h - what the parts of the drill share. Not for anything else.
 *
 *   drill.c           from home to report: made, started, run, ended
 *   drill_home.c      the configuration in the scratch home (drill_section.h; drill_sources.c)
 *   drill_sealed.c    a second look at it
 *   drill_fleet.c     the fleet: questions, waiting, quiet
 *   drill_post.c      what the providers post
 *   drill_witness.c   what reached the targets
 *   drill_expect.c    what should have, by the rules in force; the checks
 *   drill_cases.c     the cases
 *   drill_report.c    the report
 *   wall.c            a network without a way out
 *
 * Everything happens on one loop: while the drill waits for anything, the stand-ins are served. */
#ifndef USHER_DRILL_CORE_H
#define USHER_DRILL_CORE_H

#include "client.h"
#include "clock.h"
#include "drill.h"
#include "drill_home.h"
#include "http_out.h"
#include "rules.h"
#include "scratch.h"
#include "stand.h"

enum {
    DRILL_START_MS = 20000,
    DRILL_LATE_MS = 3000, /* what has not come by then does not come */
    DRILL_MEND_MS = 8000, /* after an outage, with breaker and back-off */
    DRILL_QUIET_MS = 150, /* nothing under way for so long: it is quiet */
    DRILL_ASK_MS = 3000,
    DRILL_SAMPLES_MAX = 512,
    DRILL_PERSON_BYTES = 64
};

struct drill {
    const struct drill_options *options;
    zloop_t *loop;
    struct scratch scratch;
    struct drill_home home;
    struct rules rules;
    struct http_out *http;
    struct client *client;
    bool stopped; /* told to stop */
    bool sealed;  /* behind a wall */

    json_t *cases;
    json_t *now; /* the case under way, borrowed */
    int64_t effects_ms[DRILL_SAMPLES_MAX];
    size_t effect_count;
    int64_t record_ms_max, refund_ms_max;
    size_t records;
    int64_t replays, duplicates;
    json_t *told; /* every event that was posted, for the replay */
};

/* --- fleet ---------------------------------------------------------------------------------- */

/* Serves everything for so long, or until *until is set (may be NULL). */
void drill_serve(struct drill *drill, int ms, const bool *until);

/* Asks again and again, serving meanwhile. False when `ms` are over. */
typedef bool drill_condition(struct drill *drill, void *about);
bool drill_wait(struct drill *drill, drill_condition *condition, void *about, int ms);

enum fault drill_fleet_start(struct drill *drill, struct buf *why) NODISCARD;
/* One of its processes is stopped, or started again and waited for. */
void drill_process_stop(struct drill *drill, const char *name);
bool drill_process_start(struct drill *drill, const char *name);
void drill_fleet_end(struct drill *drill);

/* A new tree, or NULL. */
json_t *drill_ask(struct drill *drill, const char *actor, json_t *question /* taken */);

/* The mail provider that tells the webhook of bounces and that the drill can speak for, or NULL. */
const char *drill_bounce_teller(const struct drill *drill);
/* Tells of a bounce in its place; the HTTP status. */
int drill_post_bounce(struct drill *drill, const char *teller, const char *email);
/* Posts all of them, several at once, signed; how many were taken, and of those how many were
 * known. */
struct drill_posts {
    size_t taken, known;
};
struct drill_posts drill_post_all(struct drill *drill, const json_t *events);

/* The jobs of a member at an actor, or (member NULL) in a state: a new array. */
json_t *drill_jobs(struct drill *drill, const char *actor, const char *member, const char *state);

/* Waits until every event was read by everybody and no job is under way; one that has to settle
 * first is not. */
bool drill_quiet(struct drill *drill);

/* --- people --------------------------------------------------------------------------------- */

struct drill_person {
    char email[DRILL_PERSON_BYTES];
    char name[DRILL_PERSON_BYTES];
    char member[DRILL_PERSON_BYTES]; /* id, once known */
};

/* One that nobody has heard of; `word` is what the address begins with. */
void drill_person_init(struct drill_person *person, const char *word);

/* Posts what the payment provider sends when it happens `ago_ms` ago. The time (clock_mono_ms) at
 * which the post of the event that counts began, or -1 if something was refused: then a check has
 * failed; or if the provider tells of no such thing: then the case is not applicable. */
int64_t drill_tell(struct drill *drill, const struct drill_person *person, const char *word,
                   int64_t ago_ms);

/* The member as the ledger has it: a new tree, or NULL. */
json_t *drill_member(struct drill *drill, struct drill_person *person);

/* --- witness -------------------------------------------------------------------------------- */

/* The stand-in of an actor's slot; NULL: an embedded provider. */
struct stand *drill_stand(const struct drill *drill, const char *actor);

/* Each: new arrays, in the order in which it came; {"at": clock_mono_ms(), or 0: not known, ...}. */
/* The contacts of that address: {"id", "tags"}, one for each id, as it is now. */
json_t *drill_contacts(struct drill *drill, const struct drill_person *person);
/* The notes on this person: {"text", "urgent"}. */
json_t *drill_notes(struct drill *drill, const struct drill_person *person);
/* The mails to this person: {"id": Message-ID}. */
json_t *drill_mails(struct drill *drill, const struct drill_person *person);
/* What hook n (from 0) was told and holds `word`; NULL behind the last hook. */
json_t *drill_told(struct drill *drill, size_t hook, const char *word);
/* What the app was told last: {"access"}; NULL: nothing, or it is not told. */
json_t *drill_app_told(struct drill *drill, const struct drill_person *person);
/* Everything that reached anybody so far, comparable. */
json_t *drill_everything(struct drill *drill);

/* --- checks --------------------------------------------------------------------------------- */

/* A line of the case under way. `ms` < 0: no time; `limit_ms` 0: no limit. */
void drill_check(struct drill *drill, const char *what, bool passed, int64_t ms, int64_t limit_ms,
                 const char *words, ...) __attribute__((format(printf, 6, 7)));
/* It is not about this configuration. */
void drill_not_applicable(struct drill *drill, const char *words, ...)
    __attribute__((format(printf, 2, 3)));
void drill_not_run(struct drill *drill, const char *words, ...)
    __attribute__((format(printf, 2, 3)));

/* Access as it should be within DRILL_RECORD_MS_MAX; how long it took, -1 if it did not come. */
int64_t drill_expect_access(struct drill *drill, struct drill_person *person, int64_t since_ms,
                            bool access, const char *what);

/* What should have reached the targets, all in all, of one person. */
enum { DRILL_MAILS_MAX = 4, DRILL_NOTES_MAX = 3 };
struct drill_effects {
    enum rule_id tag;                    /* whose tag the contact has now */
    enum rule_id mails[DRILL_MAILS_MAX]; /* whose mails the person got, unless switched off */
    size_t mail_count;
    const char *notes[DRILL_NOTES_MAX]; /* keys of notes begin so ("refund:") */
    size_t note_count;
    int alerts;    /* that each hook was told of it */
    bool bounced;  /* no mail arrives */
    bool at_once;  /* every mail, even one that its rule lets wait */
    int within_ms; /* each has to be there by then; 0: DRILL_LATE_MS, and its time counts */
};
void drill_expect_effects(struct drill *drill, struct drill_person *person, int64_t since_ms,
                          const struct drill_effects *effects);

/* Does that rule's mail come while the drill lasts? Not if it is switched off, or waits for
 * longer. */
bool drill_mail_due(const struct drill *drill, enum rule_id rule);

/* One of them alone, while others cannot come. */
void drill_expect_contact(struct drill *drill, struct drill_person *person, int64_t since_ms,
                          const struct drill_effects *effects);
void drill_expect_mail(struct drill *drill, struct drill_person *person, int64_t since_ms,
                       enum rule_id rule);

/* An alert of that rule stands, or stands no more; `object` (may be NULL) begins what it is of. */
void drill_expect_alert(struct drill *drill, const char *rule, const char *object, bool stands);

/* --- cases and report ----------------------------------------------------------------------- */

/* All of them, in order; `said` hears their titles. */
void drill_cases_run(struct drill *drill);

/* 95 of 100 effects came within that time. */
int64_t drill_effects_p95(struct drill *drill);

/* Sums up. */
json_t *drill_report_new(struct drill *drill, int64_t started_ms);

#endif
