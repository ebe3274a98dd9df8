/* drill.h - the monthly drill: what a founder's configuration does when things go wrong, tried out
 * in a scratch home with stand-ins for every target.
 *
 * Use        drill_run() with the founder's home; drill_report_text() for people;
 *            drill_report_save().
 * Promise    The founder's fleet is not touched: nothing of it is asked, nothing is written into
 *            its home but the report. No call leaves loopback. What was started has ended when
 *            drill_run() returns, and the scratch home is gone unless `keep`; killed, it leaves no
 *            process. A case that could not be run is never a case that passed.
 *            Where the kernel lets it, everything happens behind a wall (wall.h).
 * Report     {"date", "version", "config_digest", "passed", "seconds", "home", "only",
 *             "network": {"sealed", "attempts"},
 *             "cases": [{"name", "title", "result", "words", "checks": [{"what", "passed", "ms",
 *                        "limit_ms", "words"}]}],
 *             "numbers": {...}, "targets": [...], "changed": [...], "not_drilled": [...]}
 *            result is passed, failed, not_run (nothing stands in for a target) or not_applicable
 *            (there is nothing of that kind in the configuration; `words` says what).
 *            passed: no case failed, and none was not run.
 * Threads    One.
 * See        drill_cases.c (what is tried), stand.h (the stand-ins), drill_home.h (what is
 *            changed) */
#ifndef USHER_DRILL_H
#define USHER_DRILL_H

#include "buf.h"
#include "fault.h"

#include <jansson.h>
#include <stdbool.h>

/* What is measured against: the acceptance limits. */
enum {
    DRILL_RECORD_MS_MAX = 1000, /* from the payment to the membership record; a refund alike */
    DRILL_EFFECT_MS_MAX = 1000, /* to the effects, with healthy targets: 95 of 100 */
    DRILL_REPLAYS = 20,
    DRILL_PROGRAMS_MAX = 16
};

struct drill_program {
    const char *name; /* "crm" */
    const char *path;
};

struct drill_options {
    const char *home;
    const char *init;                                  /* the program usher itself */
    struct drill_program programs[DRILL_PROGRAMS_MAX]; /* the broker first; ends with a NULL name */
    bool keep;
    const char *only; /* names of cases, separated by commas; NULL: all of them */
    void (*said)(void *self, const char *words); /* what it is doing now; may be NULL */
    void *self;
};

/* False if one of the names is that of no case; `why` says which, and what there is. */
bool drill_cases_known(const char *only, struct buf *why);

/* *report is the caller's; NULL with a fault (CONFIG: the configuration, DENIED: something in it
 * would leave loopback, TIMEOUT: told to stop), `why` says it, a line each. */
enum fault drill_run(const struct drill_options *options, json_t **report,
                     struct buf *why) NODISCARD;

/* The escapes for colours; "" for none. */
struct drill_paint {
    const char *good, *bad, *dim, *none;
};

/* The table, the numbers, and what was changed for the drill. */
void drill_report_text(const json_t *report, const struct drill_paint *paint, struct buf *out);

/* FOLDER/<date>.txt and .json; *path (the caller's) is the text's. */
enum fault drill_report_save(const json_t *report, const char *folder, char **path) NODISCARD;

#endif
